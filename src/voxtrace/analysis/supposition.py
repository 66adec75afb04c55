"""A turn replayed with single steps shorter, gone, or no longer waited for.

`graph.replay` changes all steps of a name; here a step is meant by its place, for of two pieces of speech only one may
be needless. A step that is made shorter takes what it contains along: each part lies where the shorter step puts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct, field

from voxtrace.analysis.graph import NO_PARENT, Step, order_of

Warp: TypeAlias = Callable[[int], float]
"""From the time since a step's beginning to the time that it would be."""


class Supposition(Struct, frozen=True):
    """What would be otherwise in one turn. Steps are told by their places."""

    warps: Mapping[int, Warp] = field(default_factory=dict)
    beside: Mapping[int, int] = field(default_factory=dict)  # of a step: an earlier one that it no longer waits for
    is_freed: bool = False  # nothing later needs what those earlier ones made, the first sound neither
    sooner: float = 0.0  # nanoseconds that are cut off in front of the first sound, with nothing else moved


class Moved(NamedTuple):
    """Where a replayed turn's steps end, and the moments that were asked for."""

    ends: list[float]
    sound: float
    total: float


def gone(took: int) -> float:
    """The step is not there, and nothing that it contains."""
    return 0.0


def at_most(step: Step, nanos: float) -> Warp:
    """The step takes no longer; all of it is quicker by one factor."""
    factor = min(nanos / max(step.end - step.begin, 1), 1.0)
    return lambda took: took * factor


def own_at_most(steps: Sequence[Step], index: int, nanos: float) -> Warp:
    """As `at_most`, for the step's own time: the parts that it contains take as long as they did."""
    edges = _own_edges(steps, index)
    own = sum(end - begin for begin, end in edges)
    spared = 1 - min(nanos / max(own, 1), 1.0)
    return lambda took: took - spared * sum(max(min(end, took) - begin, 0) for begin, end in edges)


def own_time(steps: Sequence[Step], index: int) -> int:
    """How long a step took without the other work that it contains, in nanoseconds."""
    return sum(end - begin for begin, end in _own_edges(steps, index))


def _own_edges(steps: Sequence[Step], index: int) -> list[tuple[int, int]]:
    """Stretches of a step's own work, counted from its beginning."""
    zero, end = steps[index].begin, steps[index].end
    edges, at = [], zero
    for step in steps[index + 1 :]:  # in order of their beginnings
        if step.begin > end:
            break
        if step.parent == index and step.name != steps[index].name:  # a piece's first sound is its own work
            if step.begin > at:
                edges.append((at - zero, step.begin - zero))
            at = max(at, step.end)
    if end > at:
        edges.append((at - zero, end - zero))
    return edges


def rerun(
    steps: Sequence[Step],
    supposed: Supposition,
    sound: int,
    total: int,
    order: Sequence[tuple[int, bool]] | None = None,
) -> Moved:
    """The turn as supposed; `sound` and `total` are moments of the old axis, `order` is that of the steps if known."""
    run = _Run(steps, supposed)
    order = order_of(steps) if order is None else order
    at_sound = at_total = None
    for index, is_end in order:
        at = steps[index].end if is_end else steps[index].begin
        if at_sound is None and sound < at:
            at_sound = run.moment(sound, is_freed=supposed.is_freed)
        if at_total is None and total < at:
            at_total = run.moment(total, is_freed=False)
        if is_end:
            run.end(index)
        else:
            run.begin(index)
    at_sound = run.moment(sound, is_freed=supposed.is_freed) if at_sound is None else at_sound
    at_total = run.moment(total, is_freed=False) if at_total is None else at_total
    return Moved(run.ends, at_sound - supposed.sooner, at_total)


class _Run:
    """Goes through the beginnings and ends of a turn in their order."""

    def __init__(self, steps: Sequence[Step], supposed: Supposition) -> None:
        self._steps, self._supposed = steps, supposed
        self.begins, self.ends = [0.0] * len(steps), [0.0] * len(steps)
        self._inside: dict[int, tuple[int, float]] = {}  # of a step: the old and the new end of its parts
        self._holder = _within(steps, supposed.warps)
        self._left = set(supposed.beside.values())
        self._apart = _within(steps, self._left) if self._left and not supposed.is_freed else []
        self._last = (0, 0.0)  # the last end so far, on the old and on the new axis
        self._others = (0, 0.0)  # the same without the steps that are not waited for

    def begin(self, index: int) -> None:
        """A step begins behind what it waits for."""
        step, held = self._steps[index], self._holder[index]
        if held >= 0:
            self.begins[index] = self._placed(held, step.begin)
            return
        left = self._supposed.beside.get(index)
        old, new = self._last if left is None else self._others
        if step.parent >= 0:
            outer = self._steps[step.parent].begin, self.begins[step.parent]
            old, new = max(old, outer[0]), max(new, outer[1])
        lag = step.begin - old
        if left is not None and self._steps[left].end > old:
            # It would have begun when the other one did, as long behind it as it was behind its end.
            lag, new = step.begin - self._steps[left].end, max(new, self.begins[left])
        self.begins[index] = new + lag

    def end(self, index: int) -> None:
        """A step ends as long behind the last of its parts, or its beginning, as it did."""
        step, held = self._steps[index], self._holder[index]
        warp = self._supposed.warps.get(index)
        if held >= 0:
            new = self._placed(held, step.end)
        elif warp is not None:
            new = self.begins[index] + warp(step.end - step.begin)
        else:
            old, new = self._inside.get(index, (step.begin, self.begins[index]))
            new += step.end - old
        self.ends[index] = new
        if step.parent >= 0:
            known = self._inside.get(step.parent, (self._steps[step.parent].begin, self.begins[step.parent]))
            self._inside[step.parent] = (max(known[0], step.end), max(known[1], new))
        self._last = (max(self._last[0], step.end), max(self._last[1], new))
        if index not in self._left and not (self._apart and self._apart[index] >= 0):
            self._others = (max(self._others[0], step.end), max(self._others[1], new))

    def moment(self, at: int, *, is_freed: bool) -> float:
        """Where a moment lies that comes next."""
        old, new = self._others if is_freed else self._last
        if is_freed:
            late = [left for left in self._left if old < self._steps[left].end <= at]
            if late:
                left = max(late, key=lambda each: self._steps[each].end)
                return max(new, self.begins[left]) + (at - self._steps[left].end)
        return new + (at - old)

    def _placed(self, held: int, at: int) -> float:
        return self.begins[held] + self._supposed.warps[held](at - self._steps[held].begin)


def _within(steps: Sequence[Step], outer: Mapping[int, object] | set[int]) -> list[int]:
    """Of each step: the outermost of `outer` that contains it; -1 where none does."""
    found = [NO_PARENT] * len(steps)
    if outer:
        for index, step in enumerate(steps):  # what contains others stands in front of them
            if step.parent >= 0:
                found[index] = found[step.parent] if found[step.parent] >= 0 else _if_in(step.parent, outer)
    return found


def _if_in(index: int, known: Mapping[int, object] | set[int]) -> int:
    return index if index in known else NO_PARENT
