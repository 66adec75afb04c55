"""Builders of sessions for tests: turns of a conversation from the few numbers that a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from voxtrace.analysis import assemble
from voxtrace.analysis.columns import columns_of
from voxtrace.analysis.model import Measured
from voxtrace.analysis.session_turns import SessionTurn, session_turns
from voxtrace.events import Event
from voxtrace.testing.turns import event
from voxtrace.units import NANOS_PER_SECOND

GAP_NS = 30 * NANOS_PER_SECOND


def talk(
    place: int,
    *,
    session: str = "s",
    llm: float = 500.0,
    outcome: str = "ok",
    start: str = "",
    gap_ns: int = GAP_NS,
    prompt: dict[str, object] | None = None,
) -> list[Event]:
    """A turn that begins `place` gaps after the first; `llm` is the model's whole time in ms."""
    name = f"{session}-{place}"
    mark = partial(event, service="agent", request_id=name)
    events = [
        mark("user.speech_end", 0.0),
        mark("stt.started", 1.0),
        mark("stt.transcript_final", 100.0),
        mark("llm.request_sent", 120.0),
        mark("llm.response_received", 120.0 + llm, **(prompt or {})),
        mark("tts.synthesis_start", 130.0 + llm),
        mark("playback.started", 230.0 + llm),
        mark("playback.completed", 1230.0 + llm, outcome=outcome),
    ]
    if start:
        events.append(mark("client.request_complete", 1231.0 + llm, start=start, outcome=outcome))
    return [
        each._replace(
            wall_ns=each.wall_ns + place * gap_ns,
            mono_ns=(each.mono_ns or 0) + place * gap_ns,
            event_id=f"{name}/{each.event_id}",
            session_id=session,
        )
        for each in events
    ]


def measured(events: Sequence[Event]) -> Measured:
    """The turn of these events."""
    return assemble(events[0].request_id, events)


def session_of(turns: Sequence[Sequence[Event]], pages: int = 1) -> tuple[SessionTurn, ...]:
    """The session's turns, read in so many pages."""
    size = -(-len(turns) // pages)
    return session_turns(
        [columns_of([measured(each) for each in turns[at : at + size]]) for at in range(0, len(turns), size)]
    )
