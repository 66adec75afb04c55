"""Builders of events for tests of the store and the collector."""

from __future__ import annotations

from voxtrace.events import Event
from voxtrace.events.codec import sequence_id

NOON_NS = 1_764_253_805_000_000_000
SECOND_NS = 1_000_000_000
CLOCK = "host/4711.abc/boot"


def event(seq: int = 0, request_id: str = "r1", **fields: object) -> Event:
    """An event of a process that numbers its events, one a millisecond."""
    told: dict[str, object] = {
        "service": "server",
        "name": "REQUEST_RECEIVED",
        "wall_ns": NOON_NS + seq * 1_000_000,
        "event_id": sequence_id(CLOCK, seq),
        "mono_ns": seq * 1_000_000,
        "clock": CLOCK,
        "seq": seq,
    }
    return Event(request_id, **{**told, **fields})  # type: ignore[arg-type]


def turn(request_id: str, events: int = 3, first_seq: int = 0, **fields: object) -> list[Event]:
    """Some events of one request."""
    return [event(first_seq + n, request_id, **fields) for n in range(events)]
