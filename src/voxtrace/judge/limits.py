"""Limits that a person names, such as `ttfa_p95<=50ms`, and whether a population keeps them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis import Group, Summary
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.quantiles import Distribution
from voxtrace.errors import InvalidOption

State = Literal["pass", "fail", "inconclusive"]

# Requests from which on a quantile is judged: enough for a 95 % statement with one violation seen, by the
# binomial distribution (p95 93, p99 473). The shown p95 of 20 requests is a number, but no verdict.
LEAST_TO_JUDGE = {500: 20, 950: 93, 990: 473, 1000: 1}
LEAST_FOR_SHARES = 20

_LIMIT = re.compile(
    r"\s*(?P<name>[a-z_]+?)(?:_(?P<rank>p50|p95|p99|max))?\s*(?P<sign><=|>=)\s*"
    r"(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|%|)\s*"
)
_RANKS = {"p50": 500, "p95": 950, "p99": 990, "max": 1000}
_FACTORS = {("ms", "ms"): 1.0, ("ms", "s"): 1000.0, ("ratio", ""): 1.0, ("ratio", "%"): 0.01, ("count", ""): 1.0}
_SHARES = ("error_rate", "continuity")
_EXAMPLE = "such as 'ttfa_p95<=50ms', 'max_stall_max<=100ms', 'error_rate<=1%' or 'continuity>=99%'"


class Limit(Struct, frozen=True):
    """One limit. `value` is in the metric's own unit."""

    text: str  # as it was given
    name: str  # a metric's name, `error_rate` or `continuity`
    per_mille: int | None  # of a metric: which quantile, 1000 for the largest
    at_most: bool
    value: float

    def is_kept_by(self, value: float) -> bool:
        """Whether `value` is on the right side."""
        return value <= self.value if self.at_most else value >= self.value


class Verdict(Struct, frozen=True):
    """What became of a limit."""

    limit: Limit
    state: State
    measured: float | None  # in the metric's own unit
    n: int
    why: str = ""


def parse_limit(text: str) -> Limit:
    """Read a limit.

    Raises:
        InvalidOption: it names no metric, or a unit that the metric does not have.
    """
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise InvalidOption("expect", text, f"must be a limit {_EXAMPLE}")
    name, rank, unit = found["name"], found["rank"], found["unit"]
    if name in _SHARES and rank is None:
        kind = "ratio"
    else:
        name = next((each for each in (name, f"{name}_ms", f"{name}_count") if each in DEFINITION_BY_NAME), "")
        if not name or rank is None:
            raise InvalidOption("expect", text, f"needs a metric and one of {', '.join(_RANKS)}, {_EXAMPLE}")
        kind = DEFINITION_BY_NAME[name].unit
    factor = _FACTORS.get((kind, unit))
    if factor is None:
        units = [each or "no unit" for of, each in _FACTORS if of == kind]
        raise InvalidOption("expect", text, f"{name} is given in {' or '.join(units)}")
    return Limit(
        text.strip(), name, _RANKS[rank] if rank else None, found["sign"] == "<=", float(found["value"]) * factor
    )


def judge(limit: Limit, summary: Summary) -> Verdict:
    """Whether every population of `summary` keeps `limit`; the worst of them decides."""
    if limit.name == "error_rate":
        return _judge_share(limit, summary.error_rate, summary.turns - summary.outcomes.get("unknown", 0))
    verdicts = [_judge_group(limit, group) for group in summary.groups]
    return worst(verdicts) if verdicts else Verdict(limit, "inconclusive", None, 0, "no request ended well")


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that decides: a failure, else the first that is open, else the last pass."""
    order: dict[State, int] = {"fail": 0, "inconclusive": 1, "pass": 2}
    return min(verdicts, key=lambda verdict: order[verdict.state])


def _judge_share(limit: Limit, share: float | None, n: int) -> Verdict:
    if share is None:
        return Verdict(limit, "inconclusive", None, n, "not measured")
    if n < LEAST_FOR_SHARES:
        return Verdict(limit, "inconclusive", share, n, f"n={n}, at least {LEAST_FOR_SHARES} are needed")
    return Verdict(limit, "pass" if limit.is_kept_by(share) else "fail", share, n)


def replayed_words(of: Distribution) -> str:
    """Why a number that holds replays is no pass."""
    return f"{of.replayed:,} of {of.measured:,} are answers from a cache (cached_replay), and no syntheses"


def _judge_group(limit: Limit, group: Group) -> Verdict:
    if limit.per_mille is None:
        return _judge_share(limit, group.continuity, group.turns)
    of = group.metrics.get(limit.name)
    if of is None or not of.measured:
        return Verdict(limit, "inconclusive", None, 0, "not measured")
    value = {500: of.p50, 950: of.p95, 990: of.p99, 1000: of.largest}[limit.per_mille]
    least = LEAST_TO_JUDGE[limit.per_mille]
    if value is None or of.measured < least:
        return Verdict(
            limit, "inconclusive", value, of.measured, f"n={of.measured} of {of.expected}, at least {least} are needed"
        )
    absent = of.expected - of.measured
    why = f"{absent} of {of.expected} requests have no value" if absent else ""
    if not limit.is_kept_by(value):
        return Verdict(limit, "fail", value, of.measured, why)
    if why:
        return Verdict(limit, "inconclusive", value, of.measured, why)
    if of.replayed:
        return Verdict(limit, "inconclusive", value, of.measured, replayed_words(of))
    if of.bound == "lower":
        return Verdict(limit, "inconclusive", value, of.measured, "the truth is at least this much")
    return Verdict(limit, "pass", value, of.measured)
