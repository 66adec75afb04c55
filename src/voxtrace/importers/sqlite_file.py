"""SQLite files of other tools, read from a copy in memory: the file itself is never opened, locked or changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from voxtrace.importers.lines import whole_document
from voxtrace.importers.ports import ByteStream, HoldsNoEvents

MAGIC = b"SQLite format 3\0"
# Bytes 18 and 19 say that a write-ahead log is used, which a copy in memory can't.
_JOURNAL_MODE, _ROLLBACK = slice(18, 20), b"\x01\x01"
STEPS = 1000  # of SQLite's machine between two looks
MOST_STEPS = 50_000  # looks: some seconds; a table that asks for more is made to do harm


@contextmanager
def opened(stream: ByteStream) -> Iterator[tuple[sqlite3.Connection, bytes]]:
    """The database, and the bytes that it is.

    Raises:
        HoldsNoEvents: it is none, or it is damaged.
    """
    content = whole_document(stream)
    if not content.startswith(MAGIC) or len(content) < 512:
        raise HoldsNoEvents("it is no SQLite file")
    copy = bytearray(content)
    copy[_JOURNAL_MODE] = _ROLLBACK
    left = MOST_STEPS

    def look() -> int:
        nonlocal left
        left -= 1
        return left < 0

    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(bytes(copy))
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            database.set_progress_handler(look, STEPS)
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            yield database, content
        except (sqlite3.Error, OverflowError, MemoryError) as why:
            raise HoldsNoEvents(f"the SQLite file can't be read: {why}") from why


def has_table(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> bool:
    """Whether there is a table, and no view, of that name with these columns."""
    kind = database.execute("SELECT type FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    if kind != ("table",):
        return False
    return set(columns) <= {row[1] for row in database.execute(f'PRAGMA table_info("{table}")')}
