"""What somebody asked to hear."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrace.speech.ports import Mode
from voxtrace.speech.text.document import Document
from voxtrace.speech.text.script import AS_WRITTEN, Reading


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked to hear."""

    request_id: str
    text: str  # as the client sent it, marks included
    voice: str  # as the engine names it
    speed: float = 1.0
    session_id: str | None = None
    fresh: bool = False  # neither answered from a cache nor kept in one
    mode: Mode | None = None  # of the engine; None: it has none
    may_hedge: bool = False  # a fast engine speaks the first piece when it is late
    reading: Reading = AS_WRITTEN
    document: Document | None = None  # what its marks mean; None: it has none
    reading_ns: int = 0  # what it took to find that out
