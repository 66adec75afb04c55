"""What can go wrong with a store, one class per cause."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError


class StoreError(VoxtraceError):
    """Anything that a store knows how to explain."""

    exit_code = EXIT_UNREACHABLE


class StoreMissing(StoreError):
    """There is nothing to read yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"there is no store at {path}; start `voxtrace up`, or bring a log in with `voxtrace import FILE`"
        )
        self.path = path


class StoreBusy(StoreError):
    """Another process holds the store longer than we wait."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another process holds {path}; try again when it has finished")
        self.path = path


class StoreFull(StoreError):
    """The disk is full, or a limit on the size of files was reached."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} can't grow ({why}); make space on its disk or let `voxtrace prune --mib N` forget old requests"
        )
        self.path, self.why = path, why


class StoreCorrupt(StoreError):
    """The file is damaged, or is no store."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is damaged ({why}); `voxtrace watch` moves it aside at its start and begins a new one"
        )
        self.path, self.why = path, why


class StoreUnwritable(StoreError):
    """The file or its folder can't be written."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} can't be written ({why}); check who owns it, or choose another folder with --data DIR"
        )
        self.path, self.why = path, why


class StoreTooNew(StoreError):
    """The store was written by a newer Voxtrace."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        super().__init__(
            f"{path} has schema {version}, this Voxtrace knows up to {known}; "
            "update Voxtrace or choose another folder with --data DIR"
        )
        self.path, self.version, self.known = path, version, known


_PRIMARY = 0xFF  # an extended result code of SQLite has its primary code in the low byte


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises:
        StoreError: of the class that says what to do.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        extended = getattr(error, "sqlite_errorcode", 0)
        code, why = extended & _PRIMARY, str(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusy(path) from error
        # A limit on file sizes and some network disks report a full disk as a failed write.
        if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_WRITE:
            raise StoreFull(path, why) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StoreCorrupt(path, why) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
            raise StoreUnwritable(path, why) from error
        raise
