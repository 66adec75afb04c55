"""What a turn's own events show to be waste: work done twice, calls that could overlap, waits in a queue.

Each remark says how sure it is. *certain*: the events say so themselves; *likely*: nothing else explains them as well;
*possible*: it depends on what the log does not tell. The gain is what a replay of this turn gains, not the length of
the step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from voxtrace.analysis.chunks import SYNTHESIS, SpeechChunk
from voxtrace.analysis.graph import Change, Unplayable, replay, steps_of
from voxtrace.analysis.model import Span, Turn
from voxtrace.analysis.timeline import finite
from voxtrace.units import NANOS_PER_MILLI, Nanos

Certainty = Literal["certain", "likely", "possible"]

# Metadata that names the text itself, or the sound that was made of it.
_SAME = ("text_sha256", "text_sha", "text_hash", "text", "file_id")
# A call for data about a piece that takes this share of its synthesis looks like a second synthesis …
AS_LONG = 0.5
# … unless it is so short that a slow network explains it.
LONG_MS = 500.0
# What is shorter is not worth anybody's time.
WORTH_MS = 10.0
# Waiting for an engine, of the engine's own work.
MUCH_QUEUE = 0.1


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that could be better."""

    rule: str  # "done_twice", "could_overlap", "queue_wait", "contention"
    certainty: Certainty
    message: str
    gain: Nanos | None = None  # how much sooner the first sound would be; None: this turn can't tell


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two steps in a row of which the second does not need the first."""

    first: str
    second: str
    why: str
    certainty: Certainty


OVERLAPS: tuple[Overlap, ...] = (
    Overlap("classification", "retrieval", "a search needs the message, and seldom its class", "possible"),
    Overlap("classification", "embedding", "an embedding needs the message only", "likely"),
    Overlap("memory storage", "retrieval", "what is stored now is seldom what is searched for", "possible"),
    Overlap("memory storage", "prompt", "storing can go on while the model works", "likely"),
    Overlap("memory storage", "language model", "storing can go on while the model works", "likely"),
    Overlap("pausing the microphone", "synthesis", "the microphone has to be off when the sound comes", "likely"),
)


def remarks_on(turn: Turn, chunks: Sequence[SpeechChunk], path: Sequence[str], end: Nanos) -> tuple[Remark, ...]:
    """What is to say of a turn whose first sound, at `end`, waited for the steps of `path` in that order."""
    found = [*_second_synthesis(turn, path, end), *_same_text(turn, chunks), *_overlaps(turn, path)]
    return (*found, *_side_by_side(chunks), *_queue(turn))


def _ms(nanos: float) -> str:
    return f"{nanos / NANOS_PER_MILLI:,.0f} ms"


def _second_synthesis(turn: Turn, path: Sequence[str], end: Nanos) -> Iterator[Remark]:
    """A call for metadata that takes as long as speaking."""
    calls = [span for span in turn.spans if span.name == "metadata call" and span.end is not None]
    told: list[str] = []
    for call in calls:
        spoken = _first_call(turn.spans, call)
        took = (call.end or 0) - call.begin
        if spoken and took >= AS_LONG * spoken and took >= LONG_MS * NANOS_PER_MILLI:
            told.append(f"{_ms(took)} after {_ms(spoken)} of synthesis")
    if told:
        message = (
            f"a second synthesis: the call for the metadata of {len(told)} of {len(calls)} chunks took as long as "
            f"speaking the text again ({'; '.join(told[:4])}). No event says what the call does: look whether the "
            "service makes the sound a second time for it"
        )
        yield Remark("done_twice", "likely", message, _gain(turn, {"metadata call": lambda took: 0.0}, end))


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


def _same_text(turn: Turn, chunks: Sequence[SpeechChunk]) -> Iterator[Remark]:
    """The same words made twice within a turn."""
    surely: dict[tuple[str, object], list[str]] = {}
    maybe: dict[tuple[object, object], list[str]] = {}
    for chunk in chunks:
        key = next((key for key in _SAME if isinstance(chunk.detail.get(key), str) and chunk.detail[key]), "")
        if key:
            surely.setdefault((key, chunk.detail[key]), []).append(chunk.name)
        length = finite(chunk.detail.get("text_length"))
        if length and chunk.audio and not key:
            maybe.setdefault((length, chunk.audio), []).append(chunk.name)
    for (key, _), names in surely.items():
        if len(names) > 1:
            yield Remark("done_twice", "certain", f"chunks {_listed(names)} have the same {key}")
    for names in maybe.values():
        if len(names) > 1:
            message = f"chunks {_listed(names)} have texts of one length and sound of one length: maybe the same words"
            yield Remark("done_twice", "possible", message)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _overlaps(turn: Turn, path: Sequence[str]) -> Iterator[Remark]:
    lengths: dict[str, int] = {}
    for span in turn.spans:
        lengths[span.name] = lengths.get(span.name, 0) + (span.end or span.begin) - span.begin
    for overlap in OVERLAPS:
        if overlap.first not in path or overlap.second not in path:
            continue
        gain = min(lengths.get(overlap.first, 0), lengths.get(overlap.second, 0))
        is_serial = path.index(overlap.first) < path.index(overlap.second)
        if is_serial and gain >= WORTH_MS * NANOS_PER_MILLI:
            message = f"{overlap.second} waited for {overlap.first}, and could run beside it: {overlap.why}"
            yield Remark("could_overlap", overlap.certainty, message, Nanos(gain))


def _side_by_side(chunks: Sequence[SpeechChunk]) -> Iterator[Remark]:
    beside = [chunk for chunk in chunks if chunk.overlapped > 0 and chunk.rtf is not None]
    if len(beside) < 2:
        return
    told = ", ".join(f"{chunk.name}: {chunk.rtf:.2f} ({chunk.overlapped:.0%} beside)" for chunk in beside[:6])
    message = (
        f"{len(beside)} chunks were synthesised beside each other; RTF of chunk {told}. Whether they slowed each other "
        "down is told by chunk_rtf_beside and chunk_rtf_alone over many turns, not by one"
    )
    yield Remark("contention", "possible", message)


def _queue(turn: Turn) -> Iterator[Remark]:
    queue, service = (turn.metrics.get(name) for name in ("queue_ms", "inference_ms"))
    if queue is None or service is None or queue.value is None or not service.value:
        return
    if queue.value >= MUCH_QUEUE * service.value and queue.value >= WORTH_MS:
        message = (
            f"the first piece waited {queue.value:,.0f} ms for an engine that then took {service.value:,.0f} ms: "
            "the engines were busy, not slow"
        )
        yield Remark("queue_wait", "certain", message, Nanos(round(queue.value * NANOS_PER_MILLI)))


def _gain(turn: Turn, changes: dict[str, Change], end: Nanos) -> Nanos | None:
    """How much sooner the first sound of this turn would be."""
    try:
        moved = replay(steps_of(turn), changes, [end]).moments[0]
    except Unplayable:
        return None
    return Nanos(round(end - moved))
