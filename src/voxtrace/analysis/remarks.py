"""What a turn's own events show to be waste: work done twice, calls that could overlap, waits in a queue.

Each remark says how sure it is. *certain*: the events say so themselves; *likely*: nothing else explains them as well;
*possible*: it depends on what the log does not tell. The gain is what a replay of this turn gains, not the length of
the step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from voxtrace.analysis.beside import OVERLAPS, Certainty, side_by_side
from voxtrace.analysis.chunks import SYNTHESIS, SpeechChunk
from voxtrace.analysis.graph import Step
from voxtrace.analysis.model import Turn
from voxtrace.analysis.repeated_work import METADATA_CALL, metadata_calls, same_texts, second_calls
from voxtrace.analysis.supposition import Supposition, gone, rerun
from voxtrace.units import NANOS_PER_MILLI, Nanos

# What is shorter is not worth anybody's time.
WORTH_MS = 10.0
# Waiting for an engine, of the engine's own work.
MUCH_QUEUE = 0.1


class Remark(Struct, frozen=True):
    """One thing that could be better."""

    rule: str  # "done_twice", "could_overlap", "queue_wait", "contention"
    certainty: Certainty
    message: str
    gain: Nanos | None = None  # how much sooner the first sound would be; None: this turn can't tell


def remarks_on(turn: Turn, steps: Sequence[Step], chunks: Sequence[SpeechChunk], end: Nanos) -> tuple[Remark, ...]:
    """What is to say of a turn of these steps, whose first sound was at `end`."""
    found = [*_second_synthesis(turn, steps, end), *_same_text(turn, steps, chunks, end), *_overlaps(turn, steps, end)]
    return (*found, *_side_by_side(chunks), *_queue(turn, steps, end))


def _ms(nanos: float) -> str:
    return f"{nanos / NANOS_PER_MILLI:,.0f} ms"


def _second_synthesis(turn: Turn, steps: Sequence[Step], end: Nanos) -> Iterator[Remark]:
    """A call for metadata that takes as long as speaking."""
    found = list(second_calls(turn.spans))
    if found:
        told = [f"{_ms(each.took)} after {_ms(each.spoken)} of synthesis" for each in found[:4]]
        message = (
            f"a second synthesis: the call for the metadata of {len(found)} of {len(metadata_calls(turn.spans))} "
            f"chunks took as long as speaking the text again ({'; '.join(told)}). No event says what the call does: "
            "look whether the service makes the sound a second time for it"
        )
        calls = {(each.call.begin, each.call.end) for each in found}
        places = [
            place for place, each in enumerate(steps) if each.name == METADATA_CALL and (each.begin, each.end) in calls
        ]
        yield Remark("done_twice", "likely", message, _gain(turn, steps, _without(places), end))


def _same_text(turn: Turn, steps: Sequence[Step], chunks: Sequence[SpeechChunk], end: Nanos) -> Iterator[Remark]:
    """The same words made twice within a turn."""
    for same in same_texts(chunks):
        names = _listed([chunk.name for chunk in same.chunks])
        message = f"chunks {names} have the same {same.key}"
        if not same.key:
            message = f"chunks {names} have texts of one length and sound of one length: maybe the same words"
        again = {(chunk.begin, chunk.end) for chunk in same.chunks[1:]}
        places = [
            place for place, each in enumerate(steps) if each.name == SYNTHESIS and (each.begin, each.end) in again
        ]
        yield Remark("done_twice", same.certainty, message, _gain(turn, steps, _without(places), end))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _overlaps(turn: Turn, steps: Sequence[Step], end: Nanos) -> Iterator[Remark]:
    for overlap in OVERLAPS:
        supposed = side_by_side(steps, overlap)
        gain = supposed and _gain(turn, steps, supposed, end)
        if gain and gain >= WORTH_MS * NANOS_PER_MILLI:
            message = f"{overlap.second} waited for {overlap.first}, and could run beside it: {overlap.why}"
            yield Remark("could_overlap", overlap.certainty, message, gain)


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


def _queue(turn: Turn, steps: Sequence[Step], end: Nanos) -> Iterator[Remark]:
    queue, service = (turn.metrics.get(name) for name in ("queue_ms", "inference_ms"))
    if queue is None or service is None or queue.value is None or not service.value:
        return
    if queue.value >= MUCH_QUEUE * service.value and queue.value >= WORTH_MS:
        message = (
            f"the first piece waited {queue.value:,.0f} ms for an engine that then took {service.value:,.0f} ms: "
            "the engines were busy, not slow"
        )
        places = [place for place, step in enumerate(steps) if step.name == "queue"]
        yield Remark("queue_wait", "certain", message, _gain(turn, steps, _without(places), end))


def _without(places: Sequence[int]) -> Supposition:
    return Supposition(warps=dict.fromkeys(places, gone))


def _gain(turn: Turn, steps: Sequence[Step], supposed: Supposition, end: Nanos) -> Nanos:
    """How much sooner the first sound of this turn would be, by a replay."""
    return Nanos(max(round(end - rerun(steps, supposed, end, turn.total).sound), 0))
