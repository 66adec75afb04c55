"""Requests for the pages: a store with a few of every kind, and the clock that it is read by."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from voxtrace.collector.measure import measure
from voxtrace.dashboard.reading import ReadStore
from voxtrace.events import Event
from voxtrace.store import SqliteStore
from voxtrace.testing.turns import STARTED_NS, client_events, event, server_events
from voxtrace.units import NANOS_PER_SECOND, nanos_from_millis

NOW_NS = STARTED_NS + 3_600 * NANOS_PER_SECOND

_numbers = count(1)


class StoppedClock:
    """A clock that stands where it was put."""

    def __init__(self, wall_ns: int = NOW_NS) -> None:
        self.wall = wall_ns

    def wall_ns(self) -> int:
        return self.wall

    def mono_ns(self) -> int:
        return self.wall


def moved(events: Iterable[Event], began_ns: int) -> list[Event]:
    """The same events, as if the first of them had happened at `began_ns`."""
    shift = began_ns - STARTED_NS
    return [each._replace(wall_ns=each.wall_ns + shift) for each in events]


def request(
    *,
    ago_s: float = 60.0,
    ttfa: float = 120.0,
    sides: str = "client server",
    cache: str = "miss",
    outcome: str = "ok",
    now_ns: int = NOW_NS,
    request_id: str = "",
    **about: object,
) -> list[Event]:
    """One request that began `ago_s` seconds before now. `about` is further metadata of its first event."""
    request_id = request_id or f"r{next(_numbers):04d}"
    events: list[Event] = []
    if "client" in sides:
        chunks = ((ttfa, 60.0), (ttfa + 20, 200.0), (ttfa + 300, 200.0))
        caller = client_events(request_id=request_id, first_byte=ttfa, chunks=chunks, outcome=outcome)
        events += [caller[0]._replace(metadata={**caller[0].metadata, **about}), *caller[1:]]
    if "server" in sides:
        server = server_events(request_id=request_id, inference=max(ttfa - 10, 1), cache=cache)
        end = {"outcome": outcome} | ({"error": "engine_exit"} if outcome == "error" else {})
        events += [*server[:-1], server[-1]._replace(metadata={**server[-1].metadata, **end})]
    return moved(events, now_ns - nanos_from_millis(ago_s * 1_000))


def tell(store: SqliteStore, *requests: list[Event]) -> list[str]:
    """Store these requests and measure them, as the collector does.

    Returns:
        Their ids.
    """
    for events in requests:
        store.append(events)
    measure(store)
    return [events[0].request_id for events in requests]


def conversation(request_id: str, now_ns: int = NOW_NS) -> list[Event]:
    """A turn with a hole that no event explains, and a span whose end was never logged."""
    said = [
        event("stt_transcript_finalized", 0, "stt", request_id=request_id, clock="", text_length=24),
        event("v34_webhook_received", 30, "v34", request_id=request_id, clock=""),
        event("v34_ollama_sent", 40, "v34", request_id=request_id, clock=""),
        event("v34_ollama_received", 2_040, "v34", request_id=request_id, clock=""),
        event("v34_retrieval_start", 2_050, "v34", request_id=request_id, clock=""),
        event("tts_pause_sent", 2_100, "tts", request_id=request_id, clock=""),
        event("tts_synthesis_start", 2_310, "tts", request_id=request_id, clock=""),
        event("tts_audio_playback_start", 2_600, "tts", request_id=request_id, clock=""),
    ]
    return moved(said, now_ns - 20 * NANOS_PER_SECOND)


def as_read(store: SqliteStore) -> ReadStore:
    """The store as the dashboard sees it; mypy holds the port to it."""
    return store
