"""The steps of a turn in order of time, and which of them the path to the first sound went through."""

from __future__ import annotations

from msgspec import Struct

from voxtrace.analysis import Span, Turn
from voxtrace.analysis.chunks import SYNTHESIS
from voxtrace.analysis.critical_path import CriticalPath
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.units import Nanos

MOST_STEPS = 40  # lines of a timeline; the longest are among them


class Placed(Struct, frozen=True):
    """One step on the turn's own axis."""

    title: str
    service: str
    begin: Nanos
    end: Nanos | None
    waited: int  # nanoseconds of it that the first sound waited for
    slack: Nanos | None  # of a chunk of speech, or of a step beside the path
    is_later: bool  # begun behind the first sound
    is_doubtful: bool = False  # shorter than what its two clocks leave open


def placed_steps(turn: Turn, path: CriticalPath) -> tuple[list[Placed], int]:
    """The steps that are shown, and how many shorter ones are not."""
    spans = [
        span for span in turn.spans if (span.end is None or span.end > span.begin) and not _is_told_twice(turn, span)
    ]
    waited = _waited(spans, path)
    slacks = {(chunk.begin, chunk.end): chunk.slack for chunk in path.chunks if chunk.state != "critical"}
    beside = {(step.name, step.begin, step.end): step.slack for step in path.beside}
    longest = sorted(range(len(spans)), key=lambda index: spans[index].begin - (spans[index].end or spans[index].begin))
    shown = set(longest[:MOST_STEPS])
    found = [
        Placed(
            title=_title(span),
            service=span.service,
            begin=span.begin,
            end=span.end,
            waited=waited.get(index, 0),
            slack=_slack(span, slacks, beside),
            is_later=path.is_heard and span.begin >= path.end,
            is_doubtful=span.is_doubtful,
        )
        for index, span in enumerate(spans)
        if index in shown
    ]
    found += [
        Placed(UNATTRIBUTED, "", link.begin, link.end, link.length, None, is_later=False)
        for link in path.links
        if link.name == UNATTRIBUTED and link.length
    ]
    found.sort(key=lambda step: (step.begin, -(step.end or step.begin)))
    return found, len(spans) - len(shown)


def _is_told_twice(turn: Turn, span: Span) -> bool:
    """Whether the player's beginning ends a synthesis of which the engine's own events tell."""
    ends = (other.stage for other in turn.spans if other.name == span.name)
    return (
        span.name == SYNTHESIS and span.stage.startswith("playback.") and any(each.startswith("tts.") for each in ends)
    )


def _title(span: Span) -> str:
    piece = span.detail.get("chunk")
    return f"{span.name}, chunk {piece}" if isinstance(piece, int | str) and not isinstance(piece, bool) else span.name


def _slack(
    span: Span, slacks: dict[tuple[Nanos, Nanos], Nanos | None], beside: dict[tuple[str, Nanos, Nanos], Nanos | None]
) -> Nanos | None:
    end = span.end or span.begin
    return slacks.get((span.begin, end)) if span.name == SYNTHESIS else beside.get((span.name, span.begin, end))


def _waited(spans: list[Span], path: CriticalPath) -> dict[int, int]:
    """Of each step, how long the path went through it.

    A link is of the steps of its name that cover it one after the other, the one that covers most first.
    """
    found: dict[int, int] = {}
    of_name: dict[str, list[int]] = {}
    for index, span in enumerate(spans):
        of_name.setdefault(span.name, []).append(index)
    for link in path.links:
        at: int = link.begin
        while at < link.end:
            ends = [
                (min(spans[each].end or 0, link.end), -each)
                for each in of_name.get(link.name, ())
                if _holds(spans[each], at)
            ]
            end, index = max(ends, default=(link.end, 1))
            if index <= 0:
                found[-index] = found.get(-index, 0) + end - at
            at = end
    return found


def _holds(span: Span, at: int) -> bool:
    return span.end is not None and span.begin <= at < span.end
