"""Percentiles that were really measured, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from voxtrace.analysis.statistics.interval import Interval, quantile, quantile_interval

# Below these numbers of samples a percentile is one of the extremes and says nothing about the tail.
MIN_SAMPLES = {500: 1, 900: 10, 950: 20, 990: 100, 999: 1000}
NEAREST_RANK = "nearest rank"
SHOWN = {"p50": 500, "p95": 950, "p99": 990}


class Distribution(Struct, frozen=True):
    """What is known of one metric over one population.

    `expected` counts the turns of the population, `measured` those with a value; a percentile for which
    there are too few samples is None and must be shown as such, with n.
    """

    measured: int
    expected: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    smallest: float | None = None
    largest: float | None = None
    missing: tuple[tuple[str, int], ...] = ()  # reason, turns; most frequent first
    rejected: tuple[tuple[str, int], ...] = ()  # rule, turns; most frequent first
    bound: Literal["exact", "lower"] = "exact"  # lower: some samples are lower bounds, so every percentile is one
    intervals: Mapping[str, Interval] = field(default_factory=dict)  # of p50, p95 and p99, where they are given
    method: str = NEAREST_RANK
    replayed: int = 0  # of `measured`: answers from a cache, by the rule `cached_replay`, and no syntheses

    @property
    def coverage(self) -> float | None:
        """Share of the expected turns that have a value."""
        return self.measured / self.expected if self.expected else None


def distribution(samples: Sequence[float], expected: int) -> Distribution:
    """Percentiles of `samples` (any order), each only where there are enough of them, with their intervals."""
    ordered = sorted(samples)
    if not ordered:
        return Distribution(0, expected)
    asked = {name: q for name, q in SHOWN.items() if len(ordered) >= MIN_SAMPLES[q]}
    given = {name: quantile(ordered, q) for name, q in asked.items()}
    return Distribution(
        measured=len(ordered),
        expected=expected,
        p50=given.get("p50"),
        p95=given.get("p95"),
        p99=given.get("p99"),
        smallest=ordered[0],
        largest=ordered[-1],
        intervals={name: quantile_interval(ordered, q) for name, q in asked.items()},
    )
