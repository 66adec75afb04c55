"""What the arrows of a trace connect: where a piece of speech got its text, where it was made, when it was heard.

Only what is known is connected: a log without a language model has no text to come from, and a chunk whose sound's
length nobody told has no place in the playout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from voxtrace.analysis import Span, Turn
from voxtrace.analysis.chunks import SYNTHESIS, Playout, SpeechChunk, playouts
from voxtrace.analysis.critical_path import CriticalPath

# What makes a piece of a speech request, the one that tells most first.
_MAKES_PIECE = ("inference of the piece", "inference", "cache")
_PLAYBACK = frozenset({"playback.completed"})


class Flow(Struct, frozen=True):
    """One piece of speech on its way through the bars of a trace, in order."""

    name: str
    bars: tuple[Span | Playout, ...]


def flows_of(turn: Turn, path: CriticalPath) -> tuple[Flow, ...]:
    """The way of each piece that has one: at least two bars."""
    ways = [*_of_chunks(turn, path), *(_of_pieces(turn) if not path.chunks else ())]
    return tuple(flow for flow in ways if len(flow.bars) > 1)


def heard_of(path: CriticalPath) -> tuple[Playout | None, ...]:
    """When each chunk of the path is heard; None where that is not known."""
    return playouts(path.chunks, path.end if path.is_heard else None)


def chunk_of(span: Span, chunks: Sequence[SpeechChunk]) -> SpeechChunk | None:
    """The chunk that a bar of synthesis makes."""
    return next((chunk for chunk in chunks if _makes(span, chunk)), None)


def _of_chunks(turn: Turn, path: CriticalPath) -> Iterator[Flow]:
    for place, (chunk, playout) in enumerate(zip(path.chunks, heard_of(path), strict=True)):
        made = [span for span in turn.spans if _makes(span, chunk)]
        if made:
            told = _text_of(turn, chunk, is_first=place == 0)
            heard = playout or (_first(turn, _PLAYBACK) if place == 0 else None)
            whole = max(made, key=lambda span: span.end or span.begin)
            yield Flow(f"chunk {chunk.name}", tuple(bar for bar in (told, whole, heard) if bar is not None))


def _makes(span: Span, chunk: SpeechChunk) -> bool:
    number = span.detail.get("chunk")
    is_same = number is None or str(number) == chunk.name
    return span.name == SYNTHESIS and span.begin == chunk.begin and span.end == chunk.end and is_same


def _text_of(turn: Turn, chunk: SpeechChunk, *, is_first: bool) -> Span | None:
    """The step of the language model that wrote the text of a chunk: one that had begun when its synthesis did."""
    begun = [span for span in turn.spans if span.begin <= chunk.begin]
    sentences = [span for span in begun if span.stage == "llm.first_sentence"]
    ready = [span for span in sentences if span.end is not None and span.end <= chunk.begin] if is_first else []
    answers = ready or [span for span in begun if span.stage == "llm.response_received"] or sentences
    return max(answers, key=lambda span: span.begin, default=None)


def _of_pieces(turn: Turn) -> Iterator[Flow]:
    """The same of one speech request: from its text to the first sound that its caller had."""
    text, delivery = _first(turn, {"server.text_processing_complete"}), _first(turn, {"client.first_audio_chunk"})
    pieces: dict[str, list[Span]] = {}
    for span in turn.spans:
        if span.name in _MAKES_PIECE and span.end is not None:
            pieces.setdefault(str(span.detail.get("piece", "")), []).append(span)
    for place, (number, spans) in enumerate(sorted(pieces.items(), key=lambda item: item[1][0].begin)):
        made = min(spans, key=lambda span: _MAKES_PIECE.index(span.name))
        bars = (text, made, delivery if not place else None)
        yield Flow(f"piece {number}".strip(), tuple(bar for bar in bars if bar is not None))


def _first(turn: Turn, stages: Iterable[str]) -> Span | None:
    ended = [span for span in turn.spans if span.stage in stages and span.end is not None]
    return min(ended, key=lambda span: span.begin, default=None)
