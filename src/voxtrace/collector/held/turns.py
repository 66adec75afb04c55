"""The records of measured turns, held in memory: what a store's table of records is on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from voxtrace.analysis.columns import Columns, Rows, decode
from voxtrace.analysis.crowds import crowd
from voxtrace.collector.held.batch import HeldTurn, MeasuredBatch
from voxtrace.events import Event
from voxtrace.store.ports import RequestQuery

PAGE = 10_000  # turns, as `column_pages` reads them from a store


class HeldTurns:
    """The records of all turns, each text once."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str | None, int, bytes, bytes]] = {}  # session, start, numbers, words
        self._vocabulary: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._rows

    def take(self, batch: MeasuredBatch) -> None:
        """Keep a batch; what is said of a request later is true."""
        for request_id in batch.failed:
            self._rows.pop(request_id, None)
        vocabulary = self._vocabulary
        numbers = np.array([vocabulary.setdefault(text, len(vocabulary) + 1) for text in batch.texts], "<u4")
        words = numbers[np.frombuffer(b"".join(batch.words), np.uintc)].tobytes()
        at = 0
        for request_id, session_id, started, of_turn, places in zip(
            batch.request_ids, batch.session_ids, batch.started, batch.numbers, batch.words, strict=True
        ):
            self._rows[request_id] = session_id, started, of_turn, words[at : at + len(places)]
            at += len(places)

    def session_ids(self) -> list[str]:
        """Every session once, those with the newest turns first."""
        newest: dict[str, int] = {}
        for session_id, started, _, _ in self._rows.values():
            if session_id is not None:
                newest[session_id] = max(started, newest.get(session_id, started))
        return sorted(newest, key=lambda session_id: (-newest[session_id], session_id))

    def span_wall_ns(self) -> tuple[int, int] | None:
        """When the first and the last turn began; None without a turn."""
        started = [row[1] for row in self._rows.values()]
        return (min(started), max(started)) if started else None

    def pages(self, query: RequestQuery, most: int) -> Iterator[Columns]:
        """The newest turns, newest first."""
        texts = {number: text for text, number in self._vocabulary.items()}
        wanted = [
            (started, request_id)
            for request_id, (session_id, started, _, _) in self._rows.items()
            if (query.session_id is None or session_id == query.session_id)
            and (query.since_wall_ns is None or started >= query.since_wall_ns)
            and (query.until_wall_ns is None or started < query.until_wall_ns)
        ]
        newest = [request_id for _, request_id in sorted(wanted, reverse=True)[:most]]
        for at in range(0, len(newest), PAGE):
            request_ids = newest[at : at + PAGE]
            columns = zip(*(self._rows[request_id] for request_id in request_ids), strict=True)
            yield decode(Rows(request_ids, *columns), texts)


class Crowd:
    """A request of more events than a turn has: they are counted, and none is held."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._session_id: str | None = None
        self._started_wall_ns = 2**63
        self._event_ids: set[str] = set()
        self.add(events)

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._session_id is None:
                self._session_id = event.session_id
            if event.event_id in self._event_ids:
                continue
            self._started_wall_ns = min(self._started_wall_ns, event.wall_ns)
            self._event_ids.add(event.event_id)

    def turn(self, request_id: str) -> HeldTurn:
        turn = crowd(request_id, self._session_id, self._started_wall_ns, len(self._event_ids))
        return HeldTurn(turn, self._session_id, self._started_wall_ns)
