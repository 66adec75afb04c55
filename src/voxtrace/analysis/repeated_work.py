"""The same words made into sound twice within a turn, and calls that look as if they did it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.chunks import SYNTHESIS, SpeechChunk
from voxtrace.analysis.graph import Step
from voxtrace.analysis.model import Span
from voxtrace.analysis.timeline import finite
from voxtrace.units import NANOS_PER_MILLI

METADATA_CALL = "metadata call"
# Metadata that names the text itself, or the sound that was made of it.
_SAME = ("text_sha256", "text_sha", "text_hash", "text", "file_id")
# A call for data about a piece that takes this share of its synthesis looks like a second synthesis …
AS_LONG = 0.5
# … unless it is so short that a slow network explains it.
LONG_MS = 500.0


class SecondCall(Struct, frozen=True):
    """A call for metadata that takes as long as speaking."""

    call: Span
    took: int  # nanoseconds, as the next one
    spoken: int  # how long the synthesis in front of it took


class SameText(Struct, frozen=True):
    """Pieces with the same words, in the order in which they are heard."""

    chunks: tuple[SpeechChunk, ...]
    certainty: Certainty
    key: str  # of the metadata that says so; "" where only the lengths are equal


def metadata_calls(spans: Sequence[Span]) -> list[Span]:
    """The finished calls for metadata."""
    return [span for span in spans if span.name == METADATA_CALL and span.end is not None]


def second_calls(spans: Sequence[Span]) -> Iterator[SecondCall]:
    """The calls for metadata that look like a second synthesis."""
    for call in metadata_calls(spans):
        spoken = _first_call(spans, call)
        took = (call.end or 0) - call.begin
        if spoken and took >= AS_LONG * spoken and took >= LONG_MS * NANOS_PER_MILLI:
            yield SecondCall(call, took, spoken)


def _first_call(spans: Sequence[Span], call: Span) -> int:
    """How long the synthesis in front of a call for its metadata took."""
    piece = call.detail.get("chunk")
    for span in spans:
        same = span.name == SYNTHESIS and span.detail.get("chunk") == piece and span.end is not None
        if same and span.begin <= call.begin <= (span.end or 0):
            return call.begin - span.begin
    ended = [span for span in spans if span.name == SYNTHESIS and span.end and span.end <= call.begin]
    last = max((span for span in ended if span.detail.get("chunk") == piece), key=lambda span: span.begin, default=None)
    return 0 if last is None or last.end is None else last.end - last.begin


def same_texts(chunks: Sequence[SpeechChunk]) -> Iterator[SameText]:
    """Pieces of one answer with the same words: surely where the log names the text, else perhaps."""
    surely: dict[tuple[str, object], list[SpeechChunk]] = {}
    maybe: dict[tuple[object, object], list[SpeechChunk]] = {}
    for chunk in chunks:
        key = _named_by(chunk)
        if key:
            surely.setdefault((key, chunk.detail[key]), []).append(chunk)
        length = finite(chunk.detail.get("text_length"))
        if length and chunk.audio and not key:
            maybe.setdefault((length, chunk.audio), []).append(chunk)
    yield from (SameText(tuple(same), "certain", key) for (key, _), same in surely.items() if len(same) > 1)
    yield from (SameText(tuple(same), "possible", "") for same in maybe.values() if len(same) > 1)


def _named_by(chunk: SpeechChunk) -> str:
    """The key of the metadata that names its text; "" where none does."""
    return next((key for key in _SAME if isinstance(chunk.detail.get(key), str) and chunk.detail[key]), "")


def is_named(chunks: Sequence[SpeechChunk]) -> bool:
    """Whether the log tells of each piece which text it was, so that equal ones can be seen."""
    return bool(chunks) and all(map(_named_by, chunks))


def repeated_steps(
    spans: Sequence[Span], chunks: Sequence[SpeechChunk], steps: Sequence[Step]
) -> Iterator[tuple[int, Certainty]]:
    """The steps that need not have been, by their places, and how sure that is."""
    calls = {(each.call.begin, each.call.end) for each in second_calls(spans)}
    again: dict[tuple[int, int], Certainty] = {}
    for same in same_texts(chunks):
        again |= {(each.begin, each.end): same.certainty for each in same.chunks[1:]}
    for index, step in enumerate(steps):
        if step.name == METADATA_CALL and (step.begin, step.end) in calls:
            yield index, "likely"
        elif step.name == SYNTHESIS and (step.begin, step.end) in again:
            yield index, again[step.begin, step.end]


def characters_of(chunks: Sequence[SpeechChunk], steps: Sequence[Step]) -> Iterator[tuple[int, float]]:
    """The steps that speak a piece whole, by their places, and how many characters it has."""
    lengths: dict[tuple[int, int], float] = {
        (chunk.begin, chunk.end): chars
        for chunk in chunks
        if (chars := finite(chunk.detail.get("text_length", chunk.detail.get("text_chars")))) is not None and chars > 0
    }
    for index, step in enumerate(steps):
        if step.name == SYNTHESIS and (chars := lengths.get((step.begin, step.end))) is not None:
            yield index, chars
