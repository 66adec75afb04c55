"""Pieces of one answer that are synthesised beside each other: which of them the listener waited for.

Chunk n + 1 is needed by the end of chunk n's playout. Its slack is how much later it could have been ready without a
gap in the speech: positive slack is hidden, negative slack is an audible gap. Somebody waits for the first one only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.model import Chunk, Metric, Span
from voxtrace.analysis.timeline import finite
from voxtrace.analysis.told import length_ms
from voxtrace.units import NANOS_PER_SECOND, Nanos, millis, nanos_from_millis

State = Literal["critical", "hidden", "starving", "unknown"]
SYNTHESIS = "synthesis"
# Of a chunk's synthesis, beside another one, to count as made beside it.
MOSTLY = 0.5
_RTFS = {"chunk_rtf_alone": False, "chunk_rtf_beside": True}
_WORK = ("chunk_synthesis_ms", "chunk_chars_per_s")
_AUDIO = ("audio_duration", "audio")  # how logs name the length of a piece's sound
_CHARS = ("text_length", "text_chars")  # and of its text


class SpeechChunk(Struct, frozen=True, gc=False):
    """One piece of the answer, in the order in which it is heard."""

    name: str
    begin: Nanos
    ready: Nanos  # its first sound is there
    end: Nanos  # all its sound is there
    audio: Nanos | None  # None: the log does not say how long it is
    needed_by: Nanos | None  # end of the playout of the one before it; None: not known
    state: State
    overlapped: float  # share of its synthesis during which another chunk was synthesised as well
    detail: Mapping[str, object]

    @property
    def slack(self) -> Nanos | None:
        """How much later it could have been ready without being missed; below zero it was missed."""
        return None if self.needed_by is None else Nanos(self.needed_by - self.ready)

    @property
    def rtf(self) -> float | None:
        """Synthesis / audio; None where the log does not tell the audio."""
        return (self.end - self.begin) / self.audio if self.audio else None

    @property
    def chars(self) -> float | None:
        """Characters of its text; None where the log does not tell them."""
        return next((found for name in _CHARS if (found := finite(self.detail.get(name)))), None)

    @property
    def chars_per_s(self) -> float | None:
        """Characters / synthesis; None where either is not known."""
        length = self.end - self.begin
        return self.chars * NANOS_PER_SECOND / length if self.chars and length > 0 else None


class Playout(Struct, frozen=True):
    """When a chunk is heard, by a player that begins with the first one and waits only for what is not ready."""

    chunk: str
    begin: Nanos
    end: Nanos


class _Piece(Struct, frozen=True):
    key: tuple[str, object]  # of the same piece
    spans: tuple[Span, ...]

    @property
    def begin(self) -> Nanos:
        return min(span.begin for span in self.spans)

    @property
    def ready(self) -> Nanos:
        return Nanos(min(span.end or span.begin for span in self.spans))

    @property
    def end(self) -> Nanos:
        return Nanos(max(span.end or span.begin for span in self.spans))

    @property
    def detail(self) -> dict[str, object]:
        return {key: value for span in self.spans for key, value in span.detail.items()}


def speech_chunks(spans: Iterable[Span], heard: Nanos | None) -> tuple[SpeechChunk, ...]:
    """The chunks of an answer, in the order in which they are heard; `heard` is when the first one was, if known."""
    pieces = _in_order(_pieces(spans))
    busy = _Busy(pieces)
    chunks: list[SpeechChunk] = []
    plays_until: int | None = None
    for number, piece in enumerate(pieces):
        detail = piece.detail
        audio_ms = next((found for name in _AUDIO if (found := length_ms(detail, name)) is not None), None)
        audio = nanos_from_millis(audio_ms) if audio_ms is not None and audio_ms >= 0 else None
        needed = plays_until if number else piece.ready
        state: State = "unknown" if needed is None else "hidden" if piece.ready <= needed else "starving"
        begins = max(piece.ready, heard or 0) if not number else None if needed is None else max(needed, piece.ready)
        plays_until = None if audio is None or begins is None else begins + audio
        chunks.append(
            SpeechChunk(
                name=str(piece.key[1]),
                begin=piece.begin,
                ready=piece.ready,
                end=piece.end,
                audio=audio,
                needed_by=None if needed is None else Nanos(needed),
                state=state if number else "critical",
                overlapped=busy.share(piece),
                detail=detail,
            )
        )
    return tuple(chunks)


def playouts(chunks: Sequence[SpeechChunk], heard: Nanos | None) -> tuple[Playout | None, ...]:
    """When each chunk is heard; None where nothing tells when the first one was, or how long one sounds."""
    found: list[Playout | None] = []
    for number, chunk in enumerate(chunks):
        since = chunk.needed_by if number else heard
        if heard is None or since is None or chunk.audio is None:
            found.append(None)
            continue
        begin = max(since, chunk.ready)
        found.append(Playout(chunk.name, Nanos(begin), Nanos(begin + chunk.audio)))
    return tuple(found)


def stream_slack(chunks: Sequence[Chunk]) -> tuple[Nanos, ...]:
    """The slack of each arrival of one stream, by a player that starts with the first and never waits again."""
    if not chunks:
        return ()
    plays_until, slack = chunks[0].at, []
    for chunk in chunks:
        slack.append(Nanos(plays_until - chunk.at))
        plays_until = Nanos(max(plays_until, chunk.at) + chunk.audio)
    return tuple(slack)


def gap(chunks: Sequence[SpeechChunk]) -> Nanos | None:
    """Silence that late chunks put into the answer; None where that is not known of every chunk behind the first.

    Of one chunk there is none to know: nothing follows it that could be late.
    """
    slacks = [chunk.slack for chunk in chunks[1:]]
    known = [slack for slack in slacks if slack is not None]
    return Nanos(sum(max(-slack, 0) for slack in known)) if len(known) == len(slacks) and slacks else None


def chunk_metrics(chunks: Sequence[SpeechChunk]) -> dict[str, Metric]:
    """What the pieces of an answer say together."""
    if not chunks:
        why = "no step of synthesis that began and ended"
        return {name: Metric(missing=why, origin="turn") for name in ("chunk_gap_ms", *_RTFS, *_WORK)}
    silence = gap(chunks)
    why = "the log does not tell how long the sound of each chunk is"
    alone = "the answer is one chunk: there is no gap between chunks"
    metrics = {"chunk_gap_ms": Metric(missing=why if len(chunks) > 1 else alone, origin="turn")}
    if silence is not None:
        metrics["chunk_gap_ms"] = Metric(millis(silence), origin="turn")
    for name, is_beside in _RTFS.items():
        known = [(chunk.end - chunk.begin, chunk.audio) for chunk in chunks if _is_beside(chunk) is is_beside]
        audio = sum(each or 0 for _, each in known)
        if not known:
            missing = f"no chunk was synthesised {'beside another' if is_beside else 'alone'}"
            metrics[name] = Metric(missing=missing, origin="turn")
        elif not audio or not all(each for _, each in known):
            metrics[name] = Metric(missing=why, origin="turn")
        else:
            metrics[name] = Metric(sum(work for work, _ in known) / audio, origin="turn")
    return metrics | {"chunk_synthesis_ms": _longest(chunks), "chunk_chars_per_s": _pace(chunks)}


def _longest(chunks: Sequence[SpeechChunk]) -> Metric:
    longest = max(chunks, key=lambda chunk: chunk.end - chunk.begin)
    note = f"chunk {longest.name} of {len(chunks)}" if len(chunks) > 1 else ""
    return Metric(millis(Nanos(longest.end - longest.begin)), origin="turn", note=note)


def _pace(chunks: Sequence[SpeechChunk]) -> Metric:
    chars, work = [chunk.chars for chunk in chunks], sum(chunk.end - chunk.begin for chunk in chunks)
    known = [each for each in chars if each is not None]
    if len(known) < len(chars):
        return Metric(missing="the log does not tell how long the text of each chunk is", origin="turn")
    if not work:
        return Metric(missing="no time passed", origin="turn")
    return Metric(sum(known) * NANOS_PER_SECOND / work, origin="turn")


def _is_beside(chunk: SpeechChunk) -> bool | None:
    """Whether others were synthesised meanwhile; None where it was for a part of the time only."""
    return False if not chunk.overlapped else True if chunk.overlapped >= MOSTLY else None


def _pieces(spans: Iterable[Span]) -> list[_Piece]:
    found: dict[tuple[str, object], list[Span]] = {}
    for span in spans:
        # What ends when the player begins tells of playing, not of one more piece.
        if span.name == SYNTHESIS and span.end is not None and not span.stage.startswith("playback."):
            number = span.detail.get("chunk")
            key = ("begin", span.begin) if number is None else ("chunk", str(number))
            found.setdefault(key, []).append(span)
    return [_Piece(key, tuple(members)) for key, members in found.items()]


def _in_order(pieces: list[_Piece]) -> list[_Piece]:
    """By their numbers where all have one, else as they were begun."""
    numbers = [str(piece.key[1]) if piece.key[0] == "chunk" else "" for piece in pieces]
    if all(number.isdecimal() for number in numbers):
        return sorted(pieces, key=lambda piece: int(str(piece.key[1])))
    ordered = sorted(pieces, key=lambda piece: piece.begin)
    return [
        _Piece(("place", place), piece.spans) if piece.key[0] == "begin" else piece
        for place, piece in enumerate(ordered)
    ]


class _Busy:
    """How much of any stretch of time several pieces were made in."""

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        edges = sorted([(piece.begin, 1) for piece in pieces] + [(piece.end, -1) for piece in pieces])
        self._times, self._shared = [0], [0]  # at each edge: how much time before it was shared
        active = shared = last = 0
        for at, step in edges:
            shared += at - last if active > 1 else 0
            active, last = active + step, at
            self._times.append(at)
            self._shared.append(shared)

    def share(self, piece: _Piece) -> float:
        """Of the time in which a piece was made, how much others were made in as well."""
        length = piece.end - piece.begin
        return (self._before(piece.end) - self._before(piece.begin)) / length if length else 0.0

    def _before(self, edge: int) -> int:
        return self._shared[bisect_left(self._times, edge)]
