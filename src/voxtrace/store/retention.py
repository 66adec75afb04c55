"""Forgetting: the oldest requests first, in steps so small that no other writer waits long."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from voxtrace.store.append import Words, add_to_accounts
from voxtrace.store.ports import Pruned, Retention
from voxtrace.store.records import DERIVED_TABLES
from voxtrace.store.samples import ClockTables

REQUESTS_PER_STEP = 200
PAGES_PER_STEP = 2000
END_OF_TIME_NS = 2**63 - 1

Writing = Callable[[], AbstractContextManager[sqlite3.Connection]]


def prune(writing: Writing, words: Words, retention: Retention) -> Pruned:
    """Forget what `retention` lets go; each call of `writing` is one transaction."""
    with writing() as db:
        bytes_before = used_bytes(db)
        count = max(1, int(db.execute("SELECT COUNT(*) FROM requests").fetchone()[0]))
    bytes_each = max(1, bytes_before // count)
    requests = events = unmeasured = 0
    while True:
        with writing() as db:
            oldest = _oldest(db, retention, bytes_each)
            clocks = ClockTables(db, words)
            for number, event_count, derived_from in oldest:
                clocks.forget(number)
                db.execute("DELETE FROM events WHERE request = ?", (number,))
                for table in DERIVED_TABLES:
                    db.execute(f"DELETE FROM {table} WHERE request = ?", (number,))
                db.execute("DELETE FROM requests WHERE id = ?", (number,))
                requests, events = requests + 1, events + event_count
                # Below zero: measured, and to be measured again because of what others tell of its clocks.
                unmeasured += abs(derived_from) != event_count
            add_to_accounts(db, "forgotten", {"": sum(row[1] for row in oldest)})
            bytes_after = used_bytes(db)
        if not oldest:
            break
    _give_back(writing)
    return Pruned(requests, events, unmeasured, bytes_before, bytes_after)


def _give_back(writing: Writing) -> None:
    """Shrink the file by its free pages."""
    free = 1
    while free:
        with writing() as db:
            free = int(db.execute("PRAGMA freelist_count").fetchone()[0])
            for _ in range(min(free, PAGES_PER_STEP)):
                # One page a call: SQLite steps through the pages, and Python takes the first step only.
                db.execute("PRAGMA incremental_vacuum(1)")


def used_bytes(db: sqlite3.Connection) -> int:
    """Size of the pages that hold something."""
    pages, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _oldest(db: sqlite3.Connection, retention: Retention, bytes_each: int) -> list[tuple[int, int, int]]:
    """Number, events and measured events of the next requests to forget, a step's worth."""
    columns = "SELECT id, event_count, derived_from FROM requests"
    if retention.max_bytes is not None and (excess := used_bytes(db) - retention.max_bytes) > 0:
        # No more than are in excess: the last step must not forget what could be kept.
        limit = min(REQUESTS_PER_STEP, excess // bytes_each + 1)
        return db.execute(f"{columns} ORDER BY started_wall_ns LIMIT ?", (limit,)).fetchall()
    oldest, arrived = retention.older_than_wall_ns, retention.arrived_before_wall_ns
    if oldest is None:
        return []
    # What ended before then also began before then: one index serves both.
    return db.execute(
        f"{columns} WHERE started_wall_ns < ? AND last_wall_ns < ? AND touched_wall_ns < ? "
        "ORDER BY started_wall_ns LIMIT ?",
        (oldest, oldest, END_OF_TIME_NS if arrived is None else arrived, REQUESTS_PER_STEP),
    ).fetchall()
