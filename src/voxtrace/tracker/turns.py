"""The turn that the running code works for, carried by contextvars through tasks."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class TurnIds(NamedTuple):
    """Whose events are marked while a turn is open."""

    request_id: str
    session_id: str | None


open_turn: ContextVar[TurnIds | None] = ContextVar("voxtrace_turn", default=None)


def current_request_id() -> str | None:
    """The request id of the turn that is open here, to hand on to another service or thread; None outside of turns."""
    turn = open_turn.get()
    return turn.request_id if turn else None
