"""What would help most: each threshold held against the turns, and what every turn would gain by a replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from voxtrace.analysis.cases import Case
from voxtrace.analysis.quantiles import Distribution
from voxtrace.judge.thresholds import Owner, Rule, thresholds

Standing = Literal["helps", "open", "hidden", "kept", "unknown"]
"""helps: a replay gains something; open: too slow, and no replay can say what it costs; hidden: too slow, and nobody
waits for it; kept: within the threshold; unknown: no turn says anything about it, which is no pass."""

Level = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far a gain can be believed, and what takes from it."""

    level: Level
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gain:
    """Before and after, over all turns of the population, in milliseconds; each turn was replayed."""

    until: str  # "first sound" or "whole turn"
    before: Distribution
    after: Distribution
    gained: Distribution  # of each turn of the population; percentiles of differences, not differences of percentiles
    mean: float
    touched: int  # turns in which something was changed


@dataclass(frozen=True, slots=True)
class Finding:
    """One threshold and one population."""

    rule: str
    population: str
    stage: str
    owner: Owner
    standing: Standing
    seen: str  # what was seen, in words
    change: str
    confidence: Confidence
    limit: float
    unit: str
    source: str
    turns: int  # of the population
    measured: int  # of them say something about it
    broken: int  # of those are on the wrong side
    value: Distribution | None = None
    gain: Gain | None = None


def recommend(cases: Iterable[Case], rules: Sequence[Rule] | None = None) -> tuple[Finding, ...]:
    """Every rule for every population that it is about: what helps first, the largest gain at the top."""
    raise NotImplementedError
