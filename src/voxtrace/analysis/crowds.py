"""Ids with more events than any turn has: some software writes all its requests under one id."""

from __future__ import annotations

from voxtrace.analysis.model import Finding, Labels, Turn
from voxtrace.units import Nanos

# A text of the greatest length gives some 3,000. Placing 20,000 takes a quarter of a second and 60 MB.
MAX_EVENTS_OF_A_TURN = 20_000

RULE = "too_many_events"


def crowd(request_id: str, session_id: str | None, started_wall_ns: int, events: int) -> Turn:
    """What is said of such an id: that it is no turn. No number is made of its events, and none is placed."""
    message = (
        f"{events:,} events under one id are more than the {MAX_EVENTS_OF_A_TURN:,} of which a turn is made; "
        "give each request an id of its own"
    )
    return Turn(
        request_id=request_id,
        session_id=session_id,
        kind="events",
        started_wall_ns=started_wall_ns,
        total=Nanos(0),
        labels=Labels(),
        metrics={},
        parts=(),
        findings=(Finding(RULE, message),),
    )
