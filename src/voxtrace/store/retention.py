"""Forgetting: the oldest requests first, in steps so small that no other writer waits long."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from voxtrace.store.append import add_to_accounts
from voxtrace.store.ports import Pruned, Retention

REQUESTS_PER_STEP = 200
PAGES_PER_STEP = 2000
END_OF_TIME_NS = 2**63 - 1

Writing = Callable[[], AbstractContextManager[sqlite3.Connection]]


def prune(writing: Writing, retention: Retention) -> Pruned:
    """Forget what `retention` lets go; each call of `writing` is one transaction."""
    with writing() as db:
        bytes_before = used_bytes(db)
    requests = events = unmeasured = 0
    while True:
        with writing() as db:
            oldest = _oldest(db, retention)
            for number, event_count, derived_from in oldest:
                db.execute("DELETE FROM events WHERE request = ?", (number,))
                db.execute("DELETE FROM derivations WHERE request = ?", (number,))
                db.execute("DELETE FROM requests WHERE id = ?", (number,))
                requests, events = requests + 1, events + event_count
                unmeasured += derived_from != event_count
            add_to_accounts(db, "forgotten", {"": sum(row[1] for row in oldest)})
            bytes_after = used_bytes(db)
        if not oldest:
            break
    with writing() as db:
        free = int(db.execute("PRAGMA freelist_count").fetchone()[0])
    for _ in range(0, free, PAGES_PER_STEP):
        with writing() as db:
            db.execute(f"PRAGMA incremental_vacuum({PAGES_PER_STEP})").fetchall()
    return Pruned(requests, events, unmeasured, bytes_before, bytes_after)


def used_bytes(db: sqlite3.Connection) -> int:
    """Size of the pages that hold something."""
    pages, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _oldest(db: sqlite3.Connection, retention: Retention) -> list[tuple[int, int, int]]:
    columns = "SELECT id, event_count, derived_from FROM requests"
    if retention.max_bytes is not None and used_bytes(db) > retention.max_bytes:
        return db.execute(f"{columns} ORDER BY started_wall_ns LIMIT ?", (REQUESTS_PER_STEP,)).fetchall()
    oldest, arrived = retention.older_than_wall_ns, retention.arrived_before_wall_ns
    if oldest is None:
        return []
    # What ended before then also began before then: one index serves both.
    return db.execute(
        f"{columns} WHERE started_wall_ns < ? AND last_wall_ns < ? AND touched_wall_ns < ? "
        "ORDER BY started_wall_ns LIMIT ?",
        (oldest, oldest, END_OF_TIME_NS if arrived is None else arrived, REQUESTS_PER_STEP),
    ).fetchall()
