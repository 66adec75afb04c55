"""What other requests tell of the clocks of one, for commands that look before everything is measured."""

from __future__ import annotations

from functools import partial

from voxtrace.analysis import assemble
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.analysis.elsewhere import LookUp
from voxtrace.events.gaps import REACH_NS, Exchange, Gap, nearest
from voxtrace.store import RequestQuery, SqliteStore
from voxtrace.store.ports import RequestRow

# Of those that are not measured yet: before one turn, and behind it. Each costs as much as the turn itself.
MOST_ASKED = 50


class Neighbours:
    """Answers as the store will once it has measured all.

    The store knows what measured turns tell; those near a turn that are not measured yet are read here.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._told: dict[str, dict[tuple[str, str], set[Exchange]]] = {}  # by request, of each pair of clocks

    def of(self, row: RequestRow) -> LookUp:
        """Whom this request may ask; nothing is read before it does."""
        return partial(self._near, row)

    def _near(self, row: RequestRow, gap: Gap) -> list[Exchange]:
        known = set(self._store.samples_near(gap))
        for request_id in self._unmeasured(row):
            known |= self._told[request_id].get((gap.one, gap.other), set())
        return nearest(known, gap)

    def _unmeasured(self, row: RequestRow) -> list[str]:
        begin, end = row.started_wall_ns, row.last_wall_ns + 1
        ids: list[str] = []
        for since, until in ((begin - REACH_NS, end), (end, end + REACH_NS)):
            query = RequestQuery(limit=MOST_ASKED, since_wall_ns=since, until_wall_ns=until)
            ids += [found[0] for found in self._store.records(query) if found[3] is None and found[0] != row.request_id]
        new = [each for each in ids if each not in self._told]
        stale = [each for each in self._store.requests(new) if not each.is_fresh]
        self._told |= {each: {} for each in new}
        small = [each.request_id for each in stale if each.event_count <= MAX_EVENTS_OF_A_TURN]
        for request_id, events in self._store.events_of(small).items():
            for one, other, at, low, high in assemble(request_id, events).clock_samples:
                self._told[request_id].setdefault((one, other), set()).add((at, low or 0, high or 0))
        return ids
