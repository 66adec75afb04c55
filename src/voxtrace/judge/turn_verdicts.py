"""One turn against a budget. It is said of this turn and of no other, so that one sample is enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from voxtrace.analysis import Metric, Turn
from voxtrace.analysis.model import Measured
from voxtrace.analysis.summary import population_of
from voxtrace.judge.budget_verdicts import Judged
from voxtrace.judge.budgets import OF_THE_PROCESS, SHARES, Budget, Line, Profile
from voxtrace.judge.packaged import packaged

_WHY_NOT = "not part of this kind of turn"


def usual_budgets(turn: Measured) -> tuple[Profile, ...]:
    """The budgets of the house that are for a turn like this."""
    population = population_of(turn)
    name = "conversation" if turn.kind == "conversation" else "speech"
    return tuple(profile for profile in packaged()[name] if profile.covers(population))


def judge_turn(turn: Turn | Measured, profiles: Sequence[Profile]) -> list[Judged]:
    """Every line of the budgets that is about a single turn."""
    found: list[Judged] = []
    for profile in profiles:
        for line in profile.lines:
            if line.metrics[0] not in (*SHARES, *OF_THE_PROCESS):
                found += _judge_line(profile.name, line, turn)
    return found


def _judge_line(name: str, line: Line, turn: Measured) -> Iterator[Judged]:
    measured = [metric for metric in line.metrics if (of := turn.metrics.get(metric)) is not None and of.measured]
    nothing = Judged(name, "this turn", line, line.metrics[0], "inconclusive", None, 0, 1)
    if not measured:
        yield replace(nothing, why=_why(turn.metrics.get(line.metrics[0])))
    for metric in measured:
        yield _weighed(replace(nothing, metric=metric, n=1), turn.metrics[metric], line.budget)


def _why(metric: Metric | None) -> str:
    if metric is None:
        return _WHY_NOT
    return f"rejected: {metric.rejected}" if metric.rejected else f"not measured: {metric.missing}"


def _weighed(nothing: Judged, metric: Metric, budget: Budget) -> Judged:
    value = metric.value or 0.0
    found = replace(nothing, value=value, bound=metric.bound)
    if budget.breaks(value, budget.fails_at):
        return replace(found, state="fail")
    if metric.bound == "lower":
        return replace(found, why="the truth is at least this much")
    return replace(found, state="warning" if budget.breaks(value, budget.target) else "pass")
