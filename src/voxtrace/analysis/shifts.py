"""One number on both sides of a comparison: its shift, the best method that the data allow, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.columns import Floats, Ints
from voxtrace.analysis.quantiles import MIN_SAMPLES
from voxtrace.analysis.statistics.interval import quantile
from voxtrace.analysis.statistics.ranks import mann_whitney
from voxtrace.analysis.statistics.ratio import PAIRED, WELCH, Ratio, paired_ratio, quantile_ratio, welch_ratio
from voxtrace.analysis.verdicts import Judged, Looked, adjusted, judge_ratio

# Of sessions or runs, to be the units of a comparison; and of turns on one side of one, for a median.
FEWEST_UNITS, FEWEST_TURNS = 5, 5


class Side(Struct, frozen=True):
    """One side of one number."""

    measured: int
    expected: int  # turns of the side, measured or not
    p50: float | None
    p95: float | None


class Shift(Struct, frozen=True):
    """One number, or the time in one part, on both sides."""

    name: str
    unit: str
    is_part: bool
    a: Side
    b: Side
    ratio: Ratio | None  # of the medians
    p95_ratio: Ratio | None
    test: str  # the test that `p` is of; "" where there is none
    p: float | None
    adjusted_p: float | None  # for as many numbers as were looked at in this population
    judged: Judged
    judged_p95: Judged
    is_bound: bool  # some samples are lower bounds


class What(Struct, frozen=True):
    """Which number."""

    name: str
    unit: str
    is_part: bool
    is_bound: bool

    @property
    def is_time(self) -> bool:
        return self.unit == "ms"


class Units(Struct, frozen=True):
    """What is counted as independent."""

    of: Sequence[Ints]  # of each turn, side by side; -1: none
    name: str  # "session" or "run"
    is_sequential: bool


class Found(Struct, frozen=True):
    """A shift before it is judged among the others."""

    shift: Shift
    looked: Looked


def shift_of(what: What, values: Sequence[Floats], units: Units) -> list[Found]:
    """Nothing where a side has no value at all."""
    known = [~np.isnan(each) for each in values]
    a, b = (np.sort(each[there]) for each, there in zip(values, known, strict=True))
    if not len(a) or not len(b):
        return []
    measured = list(zip(values, known, units.of, strict=True))
    ratio, test, p = _median_ratio([(each[there], unit[there]) for each, there, unit in measured], a, b)
    p95 = quantile_ratio(a, b, 950) if min(len(a), len(b)) >= MIN_SAMPLES[950] else None  # type: ignore[arg-type]
    looked = Looked(500, min(len(a), len(b)), what.is_time, units.is_sequential and test not in (PAIRED, WELCH))
    judged = judge_ratio(ratio, looked) if a[-1] or b[-1] else Judged("same", "", "0 on both sides")
    judged_p95 = judge_ratio(p95, replace(looked, per_mille=950, is_sequential=units.is_sequential))
    found = Shift(
        name=what.name,
        unit=what.unit,
        is_part=what.is_part,
        a=_side(a, len(values[0])),
        b=_side(b, len(values[1])),
        ratio=ratio,
        p95_ratio=p95,
        test=test,
        p=p,
        adjusted_p=None,
        judged=judged,
        judged_p95=judged_p95,
        is_bound=what.is_bound,
    )
    return [Found(found, looked)]


def _side(ordered: Floats, expected: int) -> Side:
    has_tail = len(ordered) >= MIN_SAMPLES[950]
    p50 = float(quantile(ordered, 500))  # type: ignore[arg-type]
    return Side(len(ordered), expected, p50, float(quantile(ordered, 950)) if has_tail else None)  # type: ignore[arg-type]


def _median_ratio(sides: Sequence[tuple[Floats, Ints]], a: Floats, b: Floats) -> tuple[Ratio | None, str, float | None]:
    """The best method that the data allow: pairs within a unit, else units, else every turn for itself."""
    of_a, of_b = (_medians(values, units) for values, units in sides)
    pairs = [(of_a[unit], of_b[unit]) for unit in of_a if unit in of_b]
    if len(pairs) >= FEWEST_UNITS:
        ratio = paired_ratio(pairs)
        if ratio is not None:
            return ratio, ratio.method, ratio.p
    if min(len(of_a), len(of_b)) >= FEWEST_UNITS:
        ratio = welch_ratio(list(of_a.values()), list(of_b.values()))
        if ratio is not None:
            return ratio, ratio.method, ratio.p
    test = mann_whitney(a, b)  # type: ignore[arg-type]
    ratio = quantile_ratio(a, b, 500)  # type: ignore[arg-type]
    return ratio, test.method if test else "", test.p if test else None


def _medians(values: Floats, units: Ints) -> dict[int, float]:
    """The median of each unit that has enough turns."""
    order = np.lexsort((values, units))
    ordered, of = values[order], units[order]
    known, first, counts = np.unique(of, return_index=True, return_counts=True)
    enough = (counts >= FEWEST_TURNS) & (known >= 0)
    known, first, counts = known[enough], first[enough], counts[enough]
    middles = (ordered[first + (counts - 1) // 2] + ordered[first + counts // 2]) / 2
    return dict(zip(known.tolist(), middles.tolist(), strict=True))


def judged_all(found: Sequence[Found]) -> list[Shift]:
    """With p corrected for how many numbers were looked at."""
    shifts = []
    for each, p in zip(found, adjusted([each.shift.p for each in found]), strict=True):
        judged = each.shift.judged
        if each.shift.ratio is not None:
            judged = judge_ratio(each.shift.ratio, replace(each.looked, adjusted_p=p))
        shifts.append(replace(each.shift, adjusted_p=p, judged=judged))
    return shifts
