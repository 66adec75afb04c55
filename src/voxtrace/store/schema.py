"""The tables, as numbered migrations that a crash can't leave half done."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from voxtrace.store.errors import StoreTooNew

# Each entry brings the store from its index to the next version. Entries are never changed once released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Texts that repeat in every event (services, names, clocks) are stored once.
        """CREATE TABLE words(
            id INTEGER PRIMARY KEY,
            text TEXT NOT NULL UNIQUE
        ) STRICT""",
        """CREATE TABLE requests(
            id INTEGER PRIMARY KEY,
            request_id TEXT NOT NULL UNIQUE,
            session_id TEXT,
            started_wall_ns INTEGER NOT NULL,
            last_wall_ns INTEGER NOT NULL,
            touched_wall_ns INTEGER NOT NULL,
            event_count INTEGER NOT NULL,
            derived_from INTEGER NOT NULL DEFAULT 0
        ) STRICT""",
        "CREATE INDEX requests_by_start ON requests(started_wall_ns, request_id)",
        """CREATE INDEX requests_of_session ON requests(session_id, started_wall_ns)
            WHERE session_id IS NOT NULL""",
        """CREATE INDEX requests_stale ON requests(touched_wall_ns)
            WHERE derived_from <> event_count""",
        # One tree, clustered by request: an event costs one insertion near its neighbours. A second unique
        # index over all event ids was measured at three times that, for catching one id under two requests.
        """CREATE TABLE events(
            request INTEGER NOT NULL,
            key BLOB NOT NULL,
            wall_ns INTEGER NOT NULL,
            mono_ns INTEGER,
            seq INTEGER,
            service INTEGER NOT NULL,
            name INTEGER NOT NULL,
            clock INTEGER NOT NULL,
            session_id TEXT,
            event_id TEXT,
            metadata TEXT,
            PRIMARY KEY (request, key)
        ) STRICT, WITHOUT ROWID""",
        # Documents are deflated: as text, one of them fills a page of its own, five times the room of its events.
        """CREATE TABLE derivations(
            request INTEGER PRIMARY KEY,
            document BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE positions(
            source TEXT PRIMARY KEY,
            identity INTEGER NOT NULL,
            offset INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE accounts(
            kind TEXT NOT NULL,
            reason TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (kind, reason)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE facts(
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE quarantine(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            arrived_wall_ns INTEGER NOT NULL,
            source TEXT NOT NULL,
            position INTEGER,
            reason TEXT NOT NULL,
            detail TEXT NOT NULL,
            raw BLOB NOT NULL
        ) STRICT""",
    ),
    (
        # What reports read by the hundred thousand. Not columns of `requests`: rows that every event rewrites
        # should be small. Steps have a table of their own, so that who wants numbers passes no page of theirs.
        """CREATE TABLE records(
            request INTEGER PRIMARY KEY,
            numbers BLOB NOT NULL,
            words BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE steps(
            request INTEGER PRIMARY KEY,
            numbers BLOB NOT NULL,
            words BLOB NOT NULL
        ) STRICT""",
        # Requests that were derived before have no record: they are derived again.
        "UPDATE requests SET derived_from = 0 WHERE derived_from > 0",
    ),
    (
        # What a turn tells of two clocks, next to what others tell of the same two at about the same time.
        """CREATE TABLE clock_samples(
            one INTEGER NOT NULL,
            other INTEGER NOT NULL,
            at INTEGER NOT NULL,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL,
            request INTEGER NOT NULL,
            PRIMARY KEY (one, other, at, low, high, request)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX clock_samples_of_request ON clock_samples(request)",
        # Turns that asked, and from when to when another sample would change the answer.
        """CREATE TABLE clock_gaps(
            one INTEGER NOT NULL,
            other INTEGER NOT NULL,
            low INTEGER NOT NULL,
            request INTEGER NOT NULL,
            high INTEGER NOT NULL,
            PRIMARY KEY (one, other, low, request)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX clock_gaps_of_request ON clock_gaps(request)",
        # Nobody wrote down yet what the turns tell of clocks.
        "UPDATE requests SET derived_from = 0 WHERE derived_from > 0",
    ),
)


def version_of(db: sqlite3.Connection) -> int:
    """The schema version of a store; 0 is an empty file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> Path | None:
    """Bring the store to the newest version; `db` must be in autocommit mode.

    Each step and its number are one transaction, so a crash leaves the store at one version or the next.

    Returns:
        The backup that was made of a store that held an older schema, or None.

    Raises:
        StoreTooNew: a newer Voxtrace wrote it.
    """
    found = version_of(db)
    if found > len(migrations):
        raise StoreTooNew(path, found, len(migrations))
    if found == len(migrations):
        return None
    backup = back_up(db, path, found) if found else None
    while True:
        # Another process may migrate at the same time: who gets the lock second finds the work done.
        db.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(db)
            if version < len(migrations):
                for statement in migrations[version]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
        if version + 1 >= len(migrations):
            return backup


def create_private(path: Path) -> None:
    """An empty file that only its owner may read; SQLite gives its log and its shared memory the same rights.

    Only for a file that nobody has opened: closing one would give up the locks that SQLite holds on it.
    """
    # Where it can't be made, SQLite says why; where another process was faster, that one has made it.
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def back_up(db: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy the store beside itself, complete or not at all.

    Returns:
        The copy's path.
    """
    copy = path.with_name(f"{path.name}.schema{version}.backup")
    half = copy.with_name(copy.name + ".part")
    half.unlink(missing_ok=True)
    create_private(half)
    target = sqlite3.connect(half)
    try:
        db.backup(target)
    finally:
        target.close()
    half.replace(copy)
    return copy
