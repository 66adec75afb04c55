"""One process of a kind for each data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxtrace.errors import DataFolderInUse, DataFolderUnusable


@contextmanager
def only_one(folder: Path, role: str) -> Iterator[None]:
    """Hold the folder's `role` while the block runs. The kernel lets go of it when the process ends, even killed.

    Raises:
        DataFolderInUse: another process holds it.
        DataFolderUnusable: the lock file can't be written.
    """
    path = folder / f"{role}.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as why:
        raise DataFolderUnusable(folder, why.strerror or str(why)) from why
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as why:
            holder = os.read(lock, 32).decode("ascii", "replace").strip()
            raise DataFolderInUse(folder, role, int(holder) if holder.isdecimal() else None) from why
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(lock)


def is_held(folder: Path, role: str) -> bool:
    """Whether a process holds the folder's `role` now."""
    try:
        lock = os.open(folder / f"{role}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
