"""Connections to the store's file: one that writes, one that can only read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from voxtrace.store.errors import StoreMissing, StoreTooNew, explained
from voxtrace.store.schema import MIGRATIONS, create_private, migrate, version_of
from voxtrace.units import NANOS_PER_SECOND

STORE_NAME = "voxtrace.db"

Durability = Literal["normal", "full"]

# How long a writer waits for another one. Batches hold the lock for some ten milliseconds.
BUSY_TIMEOUT_S = 15.0
CACHE_KIB = 32 * 1024
# 16 MiB of log between checkpoints instead of 4: an import rewrites the same pages less often.
CHECKPOINT_PAGES = 4000
WAL_LIMIT_BYTES = 64 * 1024 * 1024


def require_store(folder: Path) -> None:
    """For commands that change a store and make no sense without one.

    Raises:
        StoreMissing: there is none in the folder.
    """
    if not (folder / STORE_NAME).exists():
        raise StoreMissing(folder / STORE_NAME)


def open_writer(path: Path, durability: Durability, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """A connection that may write; creates the store or brings it to the newest schema.

    Raises:
        StoreError: the file can't be opened; the class says why.
    """
    with explained(path), ExitStack() as undo:
        if not path.exists():
            create_private(path)
        db = _connect(f"{path.absolute().as_uri()}?mode=rw", busy_timeout_s)
        undo.callback(db.close)
        # Both take effect on an empty file only. Freed pages can be given back to the disk in small steps.
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        migrate(db, path)
        path.chmod(0o600)
        undo.pop_all()
    return db


def open_reader(path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """A connection that can't write.

    Raises:
        StoreMissing: there is no store yet.
        StoreError: the file can't be opened; the class says why.
    """
    if not path.exists():
        raise StoreMissing(path)
    with explained(path):
        try:
            db, version = _connect_to_read(f"{path.absolute().as_uri()}?mode=ro", busy_timeout_s)
        except sqlite3.OperationalError:
            # Reading a write-ahead log needs a file for shared memory beside it. Where none can be made, nobody
            # writes either, and the file can be read as it lies there.
            db, version = _connect_to_read(f"{path.absolute().as_uri()}?mode=ro&immutable=1", busy_timeout_s)
        if version == 0:
            db.close()
            raise StoreMissing(path)
        if version > len(MIGRATIONS):
            db.close()
            raise StoreTooNew(path, version, len(MIGRATIONS))
        if version < len(MIGRATIONS):
            # Tables of an older schema: only who may write can bring them up to date.
            db.close()
            open_writer(path, "normal", busy_timeout_s).close()
            return open_reader(path, busy_timeout_s)
        db.execute("PRAGMA query_only = ON")
        return db


def _connect(uri: str, busy_timeout_s: float) -> sqlite3.Connection:
    # Autocommit: transactions are begun by hand, because a writer has to begin with IMMEDIATE. The store
    # guards each connection with a lock of its own, so threads may share it.
    db = sqlite3.connect(uri, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    with ExitStack() as undo:
        undo.callback(db.close)
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        undo.pop_all()
    return db


def _connect_to_read(uri: str, busy_timeout_s: float) -> tuple[sqlite3.Connection, int]:
    """A connection and the version of the schema that it sees."""
    db = _connect(uri, busy_timeout_s)
    with ExitStack() as undo:
        undo.callback(db.close)
        version = version_of(db)
        undo.pop_all()
    return db, version


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction, all or nothing.

    It begins with IMMEDIATE: one that begins by reading and then wants to write fails at once, without
    waiting, if another process wrote in between.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    finally:
        # Not after COMMIT, nor after a full disk, which makes SQLite roll back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")


def move_aside(path: Path, wall_ns: int) -> Path:
    """Rename a damaged store and its log; nothing is deleted. Only for who owns the folder.

    Returns:
        The damaged store's new path.
    """
    stamp = datetime.fromtimestamp(wall_ns // NANOS_PER_SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    taken = 1
    while aside.exists():
        taken += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{taken}")
    # The log first: beside a new store of the old name it would be taken for that store's own.
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
