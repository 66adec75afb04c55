"""The turn that the running code works for, carried by contextvars through tasks."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class TurnIds(NamedTuple):
    """Whose events are marked while a turn is open."""

    request_id: str
    session_id: str | None


open_turn: ContextVar[TurnIds | None] = ContextVar("voxtrace_turn", default=None)
