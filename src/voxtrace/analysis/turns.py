"""Events of one request in, one turn out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter

from msgspec import structs

from voxtrace.analysis.axis import Axis, Placed, place
from voxtrace.analysis.chunks import chunk_metrics, speech_chunks
from voxtrace.analysis.conversation import conversation_metrics, heard, is_conversation, wait_of
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.elsewhere import LookUp, nowhere
from voxtrace.analysis.intervals import find_spans
from voxtrace.analysis.labels import label
from voxtrace.analysis.model import Kind, Mark, Metric, Part, Span, Turn
from voxtrace.analysis.plausibility import check_turn
from voxtrace.analysis.speech import arrivals, speech_metrics
from voxtrace.analysis.spoken import spoken_metrics
from voxtrace.analysis.tiling import tile
from voxtrace.analysis.timeline import Timeline
from voxtrace.events import Event
from voxtrace.units import Nanos, nanos_from_millis

SILENCE_DEPTH = 4  # deeper than the streaming that it hides in


def assemble(request_id: str, events: Sequence[Event], elsewhere: LookUp = nowhere) -> Turn:
    """The turn that these events of one request tell of.

    Pure: the same events in any order, and the same answers from elsewhere, give the same turn. Events whose id was
    seen already count once.

    Args:
        request_id: of the request.
        events: of the request.
        elsewhere: asked what messages of other requests tell of clocks that no message of this one compares.
    """
    axis = place(list({event.event_id: event for event in _in_order(events)}.values()), elsewhere)
    timeline = Timeline(axis)
    sound = heard(timeline)
    wait = wait_of(timeline, sound)
    # Fast servers answer whole before the first sample would be heard; the wait is over only then.
    total = Nanos(max(axis.placed[-1].at if axis.placed else 0, wait.end or 0))
    chunks = arrivals(timeline)
    kind = _kind(timeline)
    metrics: dict[str, Metric] = {}
    if timeline.has_side("client") or timeline.has_side("server"):
        metrics |= speech_metrics(timeline, chunks)
    if kind == "conversation":
        metrics |= conversation_metrics(timeline, total, sound)
    spans = (*find_spans(axis), *_leading_silence(timeline, wait.end))
    if kind == "conversation":
        spoken = speech_chunks(spans, wait.end)
        metrics |= chunk_metrics(spoken) | spoken_metrics(timeline, spoken, sound)
    turn = Turn(
        request_id=request_id,
        session_id=next((placed.event.session_id for placed in axis.placed if placed.event.session_id), None),
        kind=kind,
        started_wall_ns=axis.started_wall_ns,
        total=total,
        labels=label(timeline),
        metrics={name: metrics[name] for name in _in_order_of_table(tuple(metrics))},
        parts=_with_doubt(tile(spans, total, wait), axis),
        findings=(),
        spans=spans,
        marks=_marks(axis),
        chunks=chunks,
        clocks_compared=not axis.offset_unknown,
        clocks=axis.clocks,
        clock_note=axis.note,
        clock_samples=axis.alignment.samples if axis.alignment else (),
    )
    return check_turn(turn, timeline)


def _marks(axis: Axis) -> tuple[Mark, ...]:
    if axis.alignment is None:
        return tuple(
            [
                Mark(at, event.service, event.name, stage, event.metadata)  # of a list, which is made in half the time
                for at, event, stage, _ in axis.placed
            ]
        )
    names = {view.domain: view.name for view in axis.clocks}
    return tuple(
        Mark(
            placed.at,
            placed.event.service,
            placed.event.name,
            placed.stage,
            placed.event.metadata,
            axis.raw(placed),
            names.get(placed.domain, ""),
        )
        for placed in axis.placed
    )


def _with_doubt(parts: tuple[Part, ...], axis: Axis) -> tuple[Part, ...]:
    """A part ends where an event is; where the events of its ends are of two clocks, its length is not certain."""
    if axis.alignment is None:
        return parts
    events: dict[int, list[Placed]] = {}
    for placed in axis.placed:
        events.setdefault(placed.at, []).append(placed)
    return tuple(
        structs.replace(part, uncertainty=doubt)
        if (doubt := _doubt(axis, events.get(part.begin, ()), events.get(part.end, ())))
        else part
        for part in parts
    )


def _doubt(axis: Axis, begins: Sequence[Placed], ends: Sequence[Placed]) -> int:
    """The least that any two events of the two moments leave open."""
    return min((axis.uncertainty(begin, end) for begin in begins for end in ends), default=0)


# Turns of one kind have the same metrics.
@lru_cache(maxsize=1024)
def _in_order_of_table(names: tuple[str, ...]) -> list[str]:
    return [name for name in DEFINITION_BY_NAME if name in names]


def _in_order(events: Sequence[Event]) -> list[Event]:
    """In one order, whichever they came in."""
    if len({event.wall_ns for event in events}) == len(events):
        return sorted(events, key=_wall_ns)
    return sorted(events, key=_stable)


_wall_ns = attrgetter("wall_ns")


def _stable(event: Event) -> tuple[int, str, int, str]:
    return (event.wall_ns, event.clock, event.seq or 0, event.event_id)


def _kind(timeline: Timeline) -> Kind:
    if is_conversation(timeline):
        return "conversation"
    return "speech" if timeline.has_side("client") or timeline.has_side("server") else "events"


def _leading_silence(timeline: Timeline, audible_at: Nanos | None) -> list[Span]:
    """Silence at the head of the audio is time that the listener waits through."""
    arrived = timeline.first("client.first_audio_chunk")
    silence_ms = timeline.number("leading_silence_ms", "client.first_audible_chunk")
    if arrived is None or audible_at is None or silence_ms is None:
        return []
    # Not further: behind its silence a stream may keep the listener waiting for more.
    end = Nanos(min(arrived.at + nanos_from_millis(silence_ms), audible_at))
    silence = Span("leading silence", arrived.event.service, arrived.at, end, depth=SILENCE_DEPTH)
    return [silence] if end > arrived.at else []
