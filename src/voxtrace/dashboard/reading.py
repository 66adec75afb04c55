"""What the pages read, and the turns behind the rows."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from voxtrace.analysis import Measured
from voxtrace.analysis.derived import from_json
from voxtrace.events import Event
from voxtrace.events.gaps import Exchange, Gap
from voxtrace.reports.json_report import measured_to_json
from voxtrace.store import Accounts, RequestQuery, RequestRow
from voxtrace.units import NANOS_PER_SECOND

# What lists show; all metrics of fifty requests would be six times as much to send.
LISTED = (
    *("ttfb_ms", "first_audio_ms", "ttfa_ms", "server_response_ms", "rtf", "stall_count", "audio_ms"),
    *("voice_to_voice_ms", "turn_total_ms"),
)

# Reading one takes three times as long as fetching it, and a live page asks for the same rows every second. More than
# the Overview reads at once: a smaller memory would have forgotten the first row before it is asked for again.
REMEMBERED_TURNS = 4_096


class ReadStore(Protocol):
    """What the dashboard needs from a store; every method may be called from any thread."""

    def recent(self, query: RequestQuery) -> list[RequestRow]:
        """Requests, newest first."""
        ...

    def requests(self, request_ids: Iterable[str]) -> list[RequestRow]:
        """The rows of these requests; unknown ones are left out."""
        ...

    def events_of(self, request_ids: Iterable[str]) -> Mapping[str, list[Event]]:
        """All events of these requests."""
        ...

    def samples_near(self, gap: Gap) -> list[Exchange]:
        """What other requests tell of two clocks, next to a gap."""
        ...

    def accounts(self) -> Accounts:
        """What became of every event so far."""
        ...


class Reader:
    """A store, and the turns behind its rows: what was read once is remembered until its request changes."""

    def __init__(self, store: ReadStore, remembered: int = REMEMBERED_TURNS) -> None:
        self.store = store
        self._remembered = remembered
        self._lock = threading.Lock()
        self._turns: dict[tuple[str, int], Measured] = {}  # oldest first

    def turn_of(self, row: RequestRow) -> Measured | None:
        """The turn of a row; None while the collector has not measured it by today's definitions."""
        if row.derived is None:
            return None
        # A stale derivation is asked for until it is fresh. A fresh one of as many events may be another than before:
        # what other turns tell of its clocks counts too.
        key = (row.request_id, hash(row.derived))
        known = self._turns.get(key) if row.is_fresh else None
        if known is not None:
            return known
        turn = from_json(row.derived)
        if turn is not None and row.is_fresh:
            with self._lock:
                self._turns[key] = turn
                if len(self._turns) > self._remembered:
                    del self._turns[next(iter(self._turns))]
        return turn


def row_to_json(row: RequestRow, turn: Measured | None) -> dict[str, Any]:
    """One line of a list. A request that is not measured yet says so and has no numbers."""
    facts = {"measured": turn is not None, "fresh": row.is_fresh, "events": row.event_count}
    if turn is None:
        return facts | {
            "request_id": row.request_id,
            "session_id": row.session_id,
            "started": row.started_wall_ns / NANOS_PER_SECOND,
        }
    listed = measured_to_json(turn)
    metrics = {name: metric for name, metric in listed["metrics"].items() if name in LISTED}
    del listed["parts"]
    return facts | listed | {"metrics": metrics}
