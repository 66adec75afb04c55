"""Look-ups over the placed events of one request, and the metric that lies between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import isfinite

from msgspec import Struct

from voxtrace.analysis.axis import Axis, Placed
from voxtrace.analysis.model import Metric, Origin
from voxtrace.units import Nanos, millis

END_BEFORE_START = "end_before_start"
# Milliseconds of 31 years: no length and no count that a log of speech tells is larger, and as nanoseconds a place on
# an axis is still a whole number of 64 bits.
MOST = 1e12


def finite(value: object) -> float | None:
    """A number of an event's metadata; None where it is none, or one that no length can be."""
    if type(value) is not float and type(value) is not int:
        return None
    try:
        return float(value) if isfinite(value) and abs(value) <= MOST else None
    except OverflowError:  # a whole number of hundreds of digits
        return None


# Of a log without some stage, every turn lacks it.
@lru_cache(maxsize=1024)
def _absent(stage: str, origin: Origin, start: str, end: str) -> Metric:
    return Metric(missing=f"no {stage} event", origin=origin, start=start, end=end)


class Outline(Struct, frozen=True, eq=False):
    """Which stages a turn has, and the names of its metadata: turns of one program have few different ones.

    Each is one object that is known by its identity, so that what depends on nothing else is worked out once.
    """

    stages: frozenset[str]
    metadata: frozenset[str]
    sides: frozenset[str]


@lru_cache(maxsize=1024)
def _outline(stages: frozenset[str], metadata: frozenset[str]) -> Outline:
    return Outline(stages, metadata, frozenset(stage.partition(".")[0] for stage in stages))


class Timeline:
    """The events of one request by stage, in order of time."""

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self._by_stage: dict[str, list[Placed]] = {}
        for placed in axis.placed:
            if placed.stage:
                self._by_stage.setdefault(placed.stage, []).append(placed)
        told = [metadata for placed in axis.placed if (metadata := placed.event.metadata)]
        self.outline = _outline(frozenset(self._by_stage), frozenset().union(*told))
        self.told = self.outline.metadata
        """The names of all metadata: most questions are for what no event tells."""

    def all(self, stage: str) -> Sequence[Placed]:
        return self._by_stage.get(stage, ())

    def first(self, *stages: str) -> Placed | None:
        """The first event of the first of `stages` that occurred."""
        for stage in stages:
            found = self._by_stage.get(stage)
            if found:
                return found[0]
        return None

    def last(self, *stages: str) -> Placed | None:
        """The last event of the first of `stages` that occurred."""
        return next((self._by_stage[stage][-1] for stage in stages if stage in self._by_stage), None)

    def after(self, at: Nanos, *stages: str) -> Placed | None:
        """The first event at `at` or later of the first of `stages` that has one."""
        for stage in stages:  # plain loops: a generator takes twice as long for the one event that there is
            for placed in self._by_stage.get(stage, ()):
                if placed.at >= at:
                    return placed
        return None

    def before(self, at: Nanos, stage: str) -> Placed | None:
        """The last event of `stage` at `at` or earlier."""
        for placed in reversed(self._by_stage.get(stage, ())):
            if placed.at <= at:
                return placed
        return None

    def has_side(self, side: str) -> bool:
        """Whether anything of that side ("client", "llm", …) occurred."""
        return side in self.outline.sides

    def fact(self, name: str, *stages: str) -> object:
        """The value of metadata `name` on the first event of `stages` that carries it."""
        if name not in self.told:
            return None
        for stage in stages:
            for placed in self._by_stage.get(stage, ()):
                if name in placed.event.metadata:
                    return placed.event.metadata[name]
        return None

    def number(self, name: str, *stages: str) -> float | None:
        """Like `fact`, where it is a number."""
        return finite(self.fact(name, *stages)) if name in self.told else None

    def text(self, name: str, *stages: str) -> str:
        """Like `fact`, where it is text; "" where there is none."""
        if name not in self.told:
            return ""
        value = self.fact(name, *stages)
        return value if isinstance(value, str) else ""

    def between(self, begin: str | Sequence[str], end: str | Sequence[str], origin: Origin = "client") -> Metric:
        """Milliseconds from the first of `begin` to the first of `end` after it, or why that is not known.

        Of several stages the earlier named ones are wanted and the others stand in. Only a wanted end that is
        too early is an error in the log; a stand-in that is too early is no end of this.
        """
        begins = (begin,) if isinstance(begin, str) else tuple(begin)
        ends = (end,) if isinstance(end, str) else tuple(end)
        start = self.first(*begins)
        stop = start and (self.after(start.at, *ends) or self.first(ends[0]))
        if start is None or stop is None:
            return _absent(begins[0] if start is None else ends[0], origin, begins[0], ends[0])
        return self.span(start, stop, origin)

    def span(self, start: Placed, stop: Placed, origin: Origin = "client") -> Metric:
        """Milliseconds between two events; refused where their clocks can't be compared or the order is wrong."""
        if self.axis.alignment is None and stop.at >= start.at:  # nearly always
            return Metric(millis(stop.at - start.at), origin=origin, start=start.stage, end=stop.stage)
        if not self.axis.comparable(start, stop):
            why = "the two events come from different clocks whose offset is not known"
            return Metric(missing=why, origin=origin, start=start.stage, end=stop.stage)
        uncertainty = self.axis.uncertainty(start, stop)
        if stop.at < start.at and start.at - stop.at <= uncertainty:
            why = f"it is shorter than the uncertainty of the two clocks, ± {millis(uncertainty):.3f} ms"
            return Metric(missing=why, origin=origin, start=start.stage, end=stop.stage)
        if stop.at < start.at:
            return Metric(rejected=END_BEFORE_START, origin=origin, start=start.stage, end=stop.stage)
        length = millis(stop.at - start.at)
        if not uncertainty:
            return Metric(length, origin=origin, start=start.stage, end=stop.stage)
        doubt = millis(uncertainty)
        note = f"± {doubt:.3f} ms"
        return Metric(length, origin=origin, start=start.stage, end=stop.stage, note=note, uncertainty=doubt)
