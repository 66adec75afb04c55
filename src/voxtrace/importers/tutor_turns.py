"""Which turn a line of a tutor backend's log belongs to: the lines carry no request id, and speech chunks overlap.

A turn begins with its request to the model. A line about a chunk belongs to the chunk of that number, or, where it
has none, to the one that began as long ago as the line says.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from voxtrace.importers.same_id import own_id
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

TURNS_KEPT = 32  # of which lines may still come
# A line that says how long something took is written this much after it at the most.
NEAR_NS = 1_000 * NANOS_PER_MILLI
# Speech is recognised before the message is sent; a person who reads it first takes longer than this.
HEARD_BEFORE_NS = 10 * NANOS_PER_SECOND


class Chunk(Struct):
    """A piece of the answer on its way to become speech."""

    index: int
    started_wall_ns: int
    answered_wall_ns: int | None = None  # the synthesiser's answer was there
    file_id: str | None = None
    is_over: bool = False


class OpenTurn(Struct):
    """A turn of which lines may still come."""

    request_id: str
    asked_wall_ns: int  # when its model was asked
    session_id: str | None = None
    chunks: dict[int, Chunk] = field(default_factory=dict)
    is_answered: bool = False  # by the model
    is_sent: bool = False  # to whoever asked


class OpenTurns:
    """The newest turns."""

    def __init__(self) -> None:
        self._turns: deque[OpenTurn] = deque(maxlen=TURNS_KEPT)

    def begin(self, wall_ns: int, request_id: str | None) -> OpenTurn:
        """A turn whose model was asked."""
        named = request_id or own_id("turn", wall_ns)
        same = sum(turn.request_id.partition("#")[0] == named for turn in self._turns)
        turn = OpenTurn(f"{named}#{same + 1}" if same else named, wall_ns)
        self._turns.append(turn)
        return turn

    def named(self, request_id: str | None) -> OpenTurn | None:
        """The newest turn of an id that the lines carry."""
        return next((turn for turn in reversed(self._turns) if request_id and turn.request_id == request_id), None)

    def newest(self) -> OpenTurn | None:
        """The turn that began last."""
        return self._turns[-1] if self._turns else None

    def asked_at(self, wall_ns: int) -> OpenTurn | None:
        """The turn whose model was asked at about that time and has not answered, else the oldest without an answer."""
        waiting = [turn for turn in self._turns if not turn.is_answered]
        return min(waiting, key=lambda turn: abs(turn.asked_wall_ns - wall_ns), default=None)

    def received_at(self, wall_ns: int) -> OpenTurn | None:
        """The turn that a request led to which came in at that time: the first that asked its model behind it."""
        behind = [turn for turn in self._turns if not turn.is_sent and turn.asked_wall_ns >= wall_ns]
        return behind[0] if behind else None

    def to_speak(self, index: int) -> OpenTurn | None:
        """The turn that speaks its chunk of that number now."""
        waiting = [turn for turn in self._turns if turn.is_answered and index not in turn.chunks]
        return waiting[-1] if waiting else self.newest()

    def speak_from(self, wall_ns: int, index: int) -> tuple[OpenTurn, Chunk] | None:
        """A chunk that began then, in the newest turn that had asked its model before and has none of that number."""
        asked = [turn for turn in self._turns if turn.asked_wall_ns <= wall_ns and index not in turn.chunks]
        if not asked:
            return None
        chunk = asked[-1].chunks[index] = Chunk(index, wall_ns)
        return asked[-1], chunk

    def chunk_begun_at(self, wall_ns: int, index: int | None = None) -> tuple[OpenTurn, Chunk] | None:
        """The chunk that began at about that time and has not been answered."""
        return self._nearest(
            [
                (abs(chunk.started_wall_ns - wall_ns), turn, chunk)
                for turn, chunk in self._speaking(index)
                if chunk.answered_wall_ns is None
            ]
        )

    def chunk_answered_at(self, wall_ns: int) -> tuple[OpenTurn, Chunk] | None:
        """The chunk whose synthesiser answered at about that time."""
        return self._nearest(
            [
                (abs(chunk.answered_wall_ns - wall_ns), turn, chunk)
                for turn, chunk in self._speaking(None)
                if chunk.answered_wall_ns is not None and chunk.file_id is None
            ]
        )

    def chunk_of(self, file_id: object, index: int | None, began_wall_ns: int | None) -> tuple[OpenTurn, Chunk] | None:
        """The chunk with that file; else the one of that number, of several the one that began then."""
        speaking = self._speaking(index)
        known = next(((turn, chunk) for turn, chunk in speaking if file_id and chunk.file_id == file_id), None)
        if known is not None or not speaking:
            return known
        if began_wall_ns is None:
            return speaking[-1]
        return min(speaking, key=lambda each: abs(each[1].started_wall_ns - began_wall_ns))

    def _speaking(self, index: int | None) -> list[tuple[OpenTurn, Chunk]]:
        return [
            (turn, chunk)
            for turn in self._turns
            for chunk in turn.chunks.values()
            if not chunk.is_over and index in (None, chunk.index)
        ]

    def _nearest(self, found: list[tuple[int, OpenTurn, Chunk]]) -> tuple[OpenTurn, Chunk] | None:
        best = min(found, key=lambda each: each[0], default=None)
        return best[1:] if best is not None and best[0] <= NEAR_NS else None
