"""A turn as steps that wait for each other, and the same turn replayed with some of them changed.

What waited for what is read from the order of time: a step waited for everything that had ended when it began, and for
the step that it is a part of to begin; the rest of the time to its beginning (its lag) stays as it was. What ran beside
it and ended later held up nothing. A step that contains others ends as long after the last of them as it did. So
percentiles over replayed turns are of whole turns: no percentile is ever added to another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from voxtrace.analysis.model import Span, Turn
from voxtrace.units import Nanos

NO_PARENT = -1
# Work of other services that a step contains, beside that of its own side.
_CONTAINS = {
    "waiting for the server": frozenset({"server", "client"}),
    "speaking the answer": frozenset({"tts", "llm"}),
}
# Steps of the same side that are no part of the broad one they begin in: they hand its result over.
_HANDS_OVER = frozenset({"hand-over to speech", "hand-over to model", "hand-over to backend"})

# Of one turn, the first ones count: a text of the greatest length has half as many, and an event storm ten times.
MOST_STEPS = 2_000
# Metadata that tells parallel pieces of speech apart.
_PIECES = ("chunk", "piece")


class Step(NamedTuple):
    """One piece of work, in nanoseconds from the turn's zero."""

    name: str
    begin: int
    end: int
    parent: int = NO_PARENT  # index of the innermost step that it is a part of


Change: TypeAlias = Callable[[int], float]
"""From how long a step took to how long it would take."""


def steps_of(turn: Turn) -> tuple[Step, ...]:
    """The finished steps of a turn in order of their beginnings, what contains others first."""
    spans = sorted(
        (span for span in turn.spans if span.end is not None and span.end >= span.begin),
        key=lambda span: (span.begin, -(span.end or 0), span.depth, span.name),
    )
    del spans[MOST_STEPS:]
    spans = _trimmed(spans)
    steps: list[Step] = []
    open_spans: list[int] = []
    for index, span in enumerate(spans):
        end = span.end or span.begin
        open_spans = [each for each in open_spans if steps[each].end > span.begin]
        parent = NO_PARENT
        for each in reversed(open_spans):
            # The cheap question first: every measured turn is taken apart so.
            if steps[each].end >= end and _contains(spans[each], span) and _is_of_piece(spans[each], span):
                parent = each
                break
        steps.append(Step(span.name, span.begin, end, parent))
        open_spans.append(index)
    return tuple(steps)


def _trimmed(spans: list[Span]) -> list[Span]:
    """Hand-overs without the work that they waited for: a log without events of its own begins them too early."""
    ends = sorted(span.end or span.begin for span in spans if span.name not in _HANDS_OVER)
    trimmed = []
    for span in spans:
        before = bisect_right(ends, span.end or span.begin) if span.name in _HANDS_OVER else 0
        begin = max(span.begin, ends[before - 1]) if before else span.begin
        trimmed.append(span if begin == span.begin else replace(span, begin=Nanos(begin)))
    return sorted(trimmed, key=lambda span: (span.begin, -(span.end or 0), span.depth, span.name))


def _contains(outer: Span, inner: Span) -> bool:
    if outer.end is None or inner.end is None or inner.end > outer.end:
        return False
    if inner.begin == inner.end and inner.begin in (outer.begin, outer.end):  # in front of it or behind it, as well
        return False
    if outer.name == inner.name:  # first audio, and later the whole, of one synthesis
        return outer.begin == inner.begin and inner.end < outer.end
    if inner.name in _HANDS_OVER:
        return False
    if not outer.stage:  # a span of the tracker's contains what its own service did meanwhile
        return outer.service == inner.service
    if outer.depth >= inner.depth:
        return False
    side = inner.stage.partition(".")[0]
    return side == outer.stage.partition(".")[0] or side in _CONTAINS.get(outer.name, ())


def _is_of_piece(outer: Span, inner: Span) -> bool:
    """Whether neither tells of a piece of speech that the other is not about."""
    one, other = outer.detail, inner.detail
    return all(key not in one or one[key] == other.get(key, one[key]) for key in _PIECES)


class Point(NamedTuple):
    """The beginning or the end of a step, and the moment that it followed."""

    step: int
    is_end: bool
    at: int
    cause: int  # index of the point it waited for last; -1: the turn's zero


def points_of(steps: Sequence[Step]) -> list[Point]:
    """Both ends of all steps, each behind everything it waited for."""
    points: list[Point] = []
    begins: dict[int, int] = {}
    latest, within = -1, [-1] * len(steps)  # the last end so far; of each step, its last part's end
    for index, is_end in order_of(steps):
        step = steps[index]
        if is_end:
            cause = within[index] if within[index] >= 0 else begins[index]
            if step.parent >= 0:
                within[step.parent] = len(points)
            latest = len(points)
        else:
            cause = latest
            outer = begins[step.parent] if step.parent >= 0 else -1
            if outer >= 0 and (cause < 0 or points[outer].at > points[cause].at):
                cause = outer
            begins[index] = len(points)
        points.append(Point(index, is_end, step.end if is_end else step.begin, cause))
    return points


def order_of(steps: Sequence[Step]) -> list[tuple[int, bool]]:
    """Beginnings and ends in order of time; at one moment ends come first, but not before their own beginnings."""
    keys: list[tuple[int, int, int, bool]] = []
    for index, step in enumerate(steps):
        is_empty = step.begin == step.end
        keys.append((step.begin, 1 if is_empty else 2, index, False))
        # Parts end before what contains them, and those stand behind it in the list.
        keys.append((step.end, 1, index, True) if is_empty else (step.end, 0, -index, True))
    keys.sort()
    return [(abs(index), is_end) for _, _, index, is_end in keys]


class Replay(NamedTuple):
    """Where the moments of a replayed turn lie."""

    begins: list[float]
    ends: list[float]
    moments: list[float]  # of those asked for


class Unplayable(Exception):
    """A change that this turn contradicts."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def replay(steps: Sequence[Step], changes: Mapping[str, Change], moments: Sequence[int]) -> Replay:
    """The steps with those of the named ones changed.

    Args:
        steps: as `steps_of` gives them.
        changes: how long steps of a name would take.
        moments: further points of the old axis to move, each as long behind what had ended by then as it was.

    Raises:
        Unplayable: a step would end before a part of it does.
    """
    begins, ends = [0.0] * len(steps), [0.0] * len(steps)
    inside: dict[int, tuple[int, float]] = {}  # of a step: the old and the new end of its parts
    old_end, new_end = 0, 0.0  # the last end so far, on the old and on the new axis
    asked, moved = sorted(range(len(moments)), key=moments.__getitem__), [0.0] * len(moments)
    next_asked = 0
    for index, is_end in order_of(steps):
        name, begin, end, parent = steps[index]
        at = end if is_end else begin
        while next_asked < len(asked) and moments[asked[next_asked]] < at:
            moment = moments[asked[next_asked]]
            moved[asked[next_asked]] = new_end + (moment - old_end)
            next_asked += 1
        if not is_end:
            old, new = old_end, new_end
            if parent >= 0:
                old, new = max(old, steps[parent].begin), max(new, begins[parent])
            begins[index] = new + (begin - old)
            continue
        old, new = inside.get(index, (begin, begins[index]))
        change = changes.get(name)
        if change is None:
            new += end - old
        else:
            new = _changed(steps[index], change, begins[index], new if index in inside else None)
        ends[index] = new
        if parent >= 0:
            known = inside.get(parent, (steps[parent].begin, begins[parent]))
            inside[parent] = (max(known[0], end), max(known[1], new))
        old_end, new_end = max(old_end, end), max(new_end, new)
    for each in asked[next_asked:]:
        moved[each] = new_end + (moments[each] - old_end)
    return Replay(begins, ends, moved)


def _changed(step: Step, change: Change, begin: float, parts_end: float | None) -> float:
    took = change(step.end - step.begin)
    if parts_end is not None and begin + took < parts_end:
        raise Unplayable(f"{step.name} contains other steps that would take longer than it")
    return begin + took
