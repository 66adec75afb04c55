"""Whether budgets are kept: each by the population that it is for, and by more than a point on a scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis import Group, Summary
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.quantiles import MIN_SAMPLES, SHOWN, Distribution
from voxtrace.analysis.statistics.interval import Interval, share_interval
from voxtrace.judge.budgets import OF_THE_PROCESS, SHARES, Budget, Line, Profile
from voxtrace.judge.limits import replayed_words

State = Literal["pass", "warning", "fail", "inconclusive"]
_WORST_FIRST: tuple[State, ...] = ("fail", "inconclusive", "warning", "pass")
ALL = "all requests"
_ONE_BY_ONE = "every request looked at"  # a largest value is said of these requests and of no others


class Judged(Struct, frozen=True):
    """What became of one line of a budget in one population."""

    profile: str
    population: str
    line: Line
    metric: str
    state: State
    value: float | None  # in the metric's own unit
    n: int
    expected: int
    interval: Interval | None = None
    why: str = ""
    bound: Literal["exact", "lower"] = "exact"
    ends: tuple[float, float] | None = None  # smallest and largest, where there are too few for the quantile asked


def judge_budgets(profiles: Iterable[Profile], summary_of: Callable[[Profile], Summary]) -> list[Judged]:
    """The lines of all `profiles`; `summary_of` has the turns that a profile is for."""
    found: list[Judged] = []
    for profile in profiles:
        lines = list(_judge_profile(profile, summary_of(profile)))
        populations = list(dict.fromkeys(each.population for each in lines))
        found += sorted(lines, key=lambda each: populations.index(each.population))
    return found


def worst_of(judged: Sequence[Judged]) -> State:
    """The state that decides; of nothing it is inconclusive."""
    return min((each.state for each in judged), key=_WORST_FIRST.index, default="inconclusive")


def without_budget(profiles: Sequence[Profile], summary: Summary) -> list[str]:
    """The populations that none of these budgets is for: nobody has judged them."""
    kinds = ("speech", "conversation")
    groups = [group.population for group in summary.groups if group.population.kind in kinds]
    # A budget of shares alone says nothing about the numbers of a population.
    judging = [each for each in profiles if any(line.of for line in each.lines)]
    return [each.name for each in groups if not any(profile.covers(each) for profile in judging)]


def _judge_profile(profile: Profile, summary: Summary) -> Iterator[Judged]:
    groups = [group for group in summary.groups if profile.covers(group.population)]
    for line in profile.lines:
        name = line.metrics[0]
        nothing = Judged(profile.name, ALL, line, name, "inconclusive", None, 0, 0)
        if name == "error_rate":
            yield _judge_share(nothing, summary.outcomes.get("error", 0), summary.ended)
        elif name == "cache_hits":
            yield _judge_share(nothing, *summary.cache_hits)
        elif name in OF_THE_PROCESS or not _is_known(line, groups):
            yield replace(nothing, why=_why_unknown(line, groups))
        else:
            for group in groups:
                of_group = replace(nothing, population=group.population.name, expected=group.turns)
                for judged in _judge_group(of_group, group):
                    yield judged if profile.claims(group.population) else _unclaimed(judged)


def _is_known(line: Line, groups: Sequence[Group]) -> bool:
    return bool(groups) and any(name in SHARES or name in group.metrics for name in line.metrics for group in groups)


def _why_unknown(line: Line, groups: Sequence[Group]) -> str:
    if line.metrics[0] in OF_THE_PROCESS:
        return "no event of a request tells of the server's process"
    if not any(name in DEFINITION_BY_NAME or name in SHARES for name in line.metrics):
        return "no number that is known here"
    return "not measured" if groups else "no request of this population"


def _judge_group(nothing: Judged, group: Group) -> Iterator[Judged]:
    line = nothing.line
    if line.metrics[0] == "continuity":
        if group.continuity is None:
            yield replace(nothing, why="not measured")
        else:
            yield _judge_share(nothing, round(group.continuity * group.turns), group.turns)
        return
    measured = [name for name in line.metrics if name in group.metrics and group.metrics[name].measured]
    if not measured:
        reasons = (group.metrics[name].missing for name in line.metrics if name in group.metrics)
        why = next((each[0][0] for each in reasons if each), "")
        yield replace(nothing, why=f"not measured: {why}" if why else "not measured")
    for name in measured:
        yield _judge_distribution(replace(nothing, metric=name), group.metrics[name])


def _judge_distribution(nothing: Judged, of: Distribution) -> Judged:
    line = nothing.line
    value, interval = _asked(line, of)
    found = replace(nothing, value=value, n=of.measured, expected=of.expected, interval=interval, bound=of.bound)
    if value is None:
        ends = None if of.smallest is None or of.largest is None else (of.smallest, of.largest)
        return replace(found, ends=ends, why=f"n={of.measured}, a {line.of} needs {MIN_SAMPLES[SHOWN[line.of]]}")
    found = _weighed(found, line.budget)
    if found.state in ("fail", "inconclusive"):
        return found
    if of.measured < of.expected:
        why = f"{of.expected - of.measured:,} of {of.expected:,} have no value"
        return replace(found, state="inconclusive", why=why)
    if of.replayed:
        return replace(found, state="inconclusive", why=replayed_words(of))
    if of.bound == "lower":
        return replace(found, state="inconclusive", why="the truth is at least this much")
    return found


def _asked(line: Line, of: Distribution) -> tuple[float | None, Interval | None]:
    if line.of in ("max", "min"):
        value = of.largest if line.of == "max" else of.smallest
        return value, Interval(value, value, _ONE_BY_ONE, 1.0)
    value = {"p50": of.p50, "p95": of.p95, "p99": of.p99}[line.of]
    return value, of.intervals.get(line.of)


def _judge_share(nothing: Judged, count: int, n: int) -> Judged:
    if not n:
        return replace(nothing, why="not measured")
    interval = share_interval(count, n)
    found = replace(nothing, value=count / n, n=n, expected=n, interval=interval)
    return _weighed(found, nothing.line.budget)


def _weighed(found: Judged, budget: Budget) -> Judged:
    """A value and the interval that it lies in, against the limits.

    It fails where the whole interval does, and passes where the whole interval is within the target.
    """
    value = found.value or 0.0
    best, worst = _ends(found.interval, more_is_better=budget.more_is_better)
    limit = budget.fails_at
    if budget.breaks(best, limit):
        return replace(found, state="fail")
    if budget.breaks(value, limit) or budget.breaks(worst, limit):
        return replace(found, state="inconclusive", why=_unclear(found))
    if budget.breaks(best, budget.target):
        return replace(found, state="warning")
    if budget.breaks(worst, budget.target):
        return replace(found, state="warning", why="its interval holds the target: it may be missed")
    return replace(found, state="pass")


def _ends(interval: Interval | None, *, more_is_better: bool) -> tuple[float, float]:
    low = float("-inf") if interval is None or interval.low is None else interval.low
    high = float("inf") if interval is None or interval.high is None else interval.high
    return (high, low) if more_is_better else (low, high)


def _unclear(found: Judged) -> str:
    if found.interval is None or not found.interval.is_closed:
        return f"n={found.n} bound it on one side only"
    return "its interval holds the limit: with more requests it could be either"


def _unclaimed(judged: Judged) -> Judged:
    if judged.state in ("fail", "inconclusive"):
        return judged
    return replace(judged, state="inconclusive", why="no event says whether a cache had the speech")
