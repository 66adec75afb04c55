"""What turns tell of clocks, for turns that tell nothing of them; see docs/adr/0015.

Both tables are derived: `clock_samples` from the events of one request, `clock_gaps` from what a turn had to ask. A
turn that asked is stale as soon as the answer would be another one, and so the order in which turns are derived, or in
which their events come, does not matter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from voxtrace.events.gaps import LONGEST_NS, NEAREST, REACH_NS, Exchange, Gap, concern, nearest
from voxtrace.store.append import Words
from voxtrace.store.ports import ClockSample, Derived

# Clustered by pair and time: what lies next to a gap is next to each other.
_BEFORE = """
    SELECT DISTINCT at, low, high FROM clock_samples WHERE one = ? AND other = ? AND at BETWEEN ? AND ?
    ORDER BY at DESC, low DESC, high DESC LIMIT ?"""
_AFTER = _BEFORE.replace(" DESC", "")

# Measured of all its events, and to be measured again: `retention` tells it from what was never measured.
_MAKE_STALE = """
    UPDATE requests SET derived_from = -derived_from WHERE derived_from = event_count AND id IN (
        SELECT request FROM clock_gaps WHERE one = ? AND other = ? AND low BETWEEN ? AND ? AND high >= ?)"""


def select_near(db: sqlite3.Connection, gap: Gap) -> list[Exchange]:
    """What other requests tell of the two clocks of a gap, next to it."""
    select_id = "SELECT id FROM words WHERE text = ?"
    ids = [row[0] for name in (gap.one, gap.other) for row in db.execute(select_id, (name,))]
    return _near(db, ids, gap) if len(ids) == 2 else []


def _near(db: sqlite3.Connection, ids: Sequence[int], gap: Gap) -> list[Exchange]:
    before = db.execute(_BEFORE, (*ids, gap.begin - REACH_NS, gap.end, NEAREST)).fetchall()
    after = db.execute(_AFTER, (*ids, gap.begin, gap.end + REACH_NS, NEAREST)).fetchall()
    return nearest({*before, *after}, gap)


class ClockTables:
    """The two tables within one transaction."""

    def __init__(self, db: sqlite3.Connection, words: Words) -> None:
        self._db, self._words = db, words
        # Most stores hold one machine's events: their turns pay for this look, once a transaction.
        found = db.execute("SELECT EXISTS(SELECT 1 FROM clock_samples) OR EXISTS(SELECT 1 FROM clock_gaps)").fetchone()
        self._is_empty = not found[0]

    def put(self, number: int, row: Derived) -> None:
        """Keep what a turn tells, and what it asked. Turns whose answers are no longer true become stale."""
        if self._is_empty and not row.clock_samples and not row.clock_gaps:
            return
        self._is_empty = False
        # What it asked before is no reason to derive it again: it was just derived.
        self._db.execute("DELETE FROM clock_gaps WHERE request = ?", (number,))
        self._put_samples(number, row.clock_samples)
        for gap, found in row.clock_gaps:
            ids = [self._words.id_of(self._db, name) for name in (gap.one, gap.other)]
            low, high = concern(gap, found)
            self._db.execute("INSERT OR REPLACE INTO clock_gaps VALUES (?,?,?,?,?)", (*ids, low, number, high))
            if _near(self._db, ids, gap) != found:
                # It was derived before something that was stored meanwhile.
                self._db.execute("UPDATE requests SET derived_from = -ABS(derived_from) WHERE id = ?", (number,))

    def forget(self, number: int) -> None:
        """A request is gone, and what it told."""
        if not self._is_empty:
            self._put_samples(number, ())
            self._db.execute("DELETE FROM clock_gaps WHERE request = ?", (number,))

    def _put_samples(self, number: int, samples: Iterable[ClockSample]) -> None:
        select = "SELECT one, other, at, low, high FROM clock_samples WHERE request = ?"
        known = set(self._db.execute(select, (number,)))
        told = {
            (self._words.id_of(self._db, one), self._words.id_of(self._db, other), *exchange)
            for one, other, *exchange in samples
        }
        for gone in known - told:
            delete = "DELETE FROM clock_samples WHERE one = ? AND other = ? AND at = ? AND low = ? AND high = ?"
            self._db.execute(f"{delete} AND request = ?", (*gone, number))
        for new in told - known:
            self._db.execute("INSERT INTO clock_samples VALUES (?,?,?,?,?,?)", (*new, number))
        for one, other, at, *_ in known ^ told:
            self._db.execute(_MAKE_STALE, (one, other, at - LONGEST_NS - 2 * REACH_NS, at, at))
