"""When a ratio with its interval is a difference, in words, and when nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.statistics.ratio import Ratio

Verdict = Literal["slower", "faster", "higher", "lower", "same", "inconclusive"]
Severity = Literal["", "minor", "moderate", "severe"]

# What is smaller is no difference that anybody should act on.
MIN_EFFECT = 0.05
# By the end of the interval that is nearer to no change: severe means that we are sure of at least twice.
SEVERITIES: tuple[tuple[float, Severity], ...] = ((2.0, "severe"), (1.5, "moderate"), (1.2, "minor"))
# Turns on each side. p95 and p99: the exact binomial numbers with one violation seen; see docs/comparing.md.
MIN_TURNS = {500: 20, 950: 93, 990: 473}
# Runs on one machine differ by 5 to 10 %: one run a side shows nothing smaller than this.
MORE_THAN_DRIFT = 1.5
FALSE_DISCOVERIES = 0.05


class Judged(Struct, frozen=True):
    """A verdict and why it is that one."""

    verdict: Verdict
    severity: Severity
    why: str


class Looked(Struct, frozen=True):
    """What was looked at."""

    per_mille: int
    turns: int  # measured on the smaller side
    is_time: bool  # whether more is slower
    is_sequential: bool = False  # each side in runs of its own, and too few of them to know how runs differ
    adjusted_p: float | None = None  # of the ratio being 1, corrected for how many were looked at


def judge_ratio(ratio: Ratio | None, looked: Looked) -> Judged:
    """What a ratio B / A says; None where there is none."""
    turns, per_mille, adjusted_p = looked.turns, looked.per_mille, looked.adjusted_p
    needed = MIN_TURNS[per_mille]
    if turns < needed:
        return Judged("inconclusive", "", f"{turns} turns on one side; it takes {needed}")
    if ratio is None:
        return Judged("inconclusive", "", "a value of zero has no ratio")
    low, high = ratio.interval.low, ratio.interval.high
    if low is None or high is None:
        return Judged("inconclusive", "", "so few samples bound the ratio on one side only")
    if low > 1 - MIN_EFFECT and high < 1 + MIN_EFFECT:
        return Judged("same", "", f"the ratio lies within {MIN_EFFECT:.0%} of 1")
    sure = low if low > 1 else 1 / high if high < 1 else 1.0
    if sure <= 1:
        return Judged("inconclusive", "", "the interval holds 1")
    if adjusted_p is not None and adjusted_p > FALSE_DISCOVERIES:
        return Judged("inconclusive", "", "among so many numbers, one such interval excludes 1 by chance")
    if sure <= 1 + MIN_EFFECT:
        return Judged("inconclusive", "", f"the difference may be below {MIN_EFFECT:.0%}")
    severity: Severity = next((name for limit, name in SEVERITIES if sure >= limit), "")
    if looked.is_sequential and sure < MORE_THAN_DRIFT:
        return Judged("inconclusive", "", "the sides were measured in different runs, and the machine may have changed")
    return Judged(
        _direction(low > 1, looked.is_time), severity, f"at least {sure:.2f} times, by the interval's nearer end"
    )


def _direction(is_more: bool, is_time: bool) -> Verdict:
    if is_time:
        return "slower" if is_more else "faster"
    return "higher" if is_more else "lower"


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg's correction: of what is called a difference, so many may be none."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    least = 1.0
    for rank in range(len(known), 0, -1):
        p, index = known[rank - 1]
        least = min(least, p * len(known) / rank)
        found[index] = least
    return found
