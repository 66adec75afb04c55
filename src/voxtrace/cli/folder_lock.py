"""One process of a kind for each data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxtrace.clock import mono_ns, sleep
from voxtrace.errors import DataFolderInUse, DataFolderUnusable
from voxtrace.units import NANOS_PER_SECOND

LOOK_EVERY_S = 0.02
PATIENCE_S = 1.0  # of a service with a command that holds its role for a moment


@contextmanager
def only_one(folder: Path, role: str, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the folder's `role` while the block runs. The kernel lets go of it when the process ends, even killed.

    Args:
        folder: the data folder.
        role: what only one process at a time does.
        patience_s: how long to wait for who holds it now, such as a `voxtrace requests` that takes the spool in.

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
            _lock(lock, patience_s)
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


def _lock(descriptor: int, patience_s: float) -> None:
    enough = mono_ns() + int(patience_s * NANOS_PER_SECOND)
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if mono_ns() >= enough:
                raise
        sleep(LOOK_EVERY_S)
