"""Percentiles that were really measured, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from voxtrace.errors import VoxtraceError

# Below these numbers of samples a percentile is one of the extremes and says nothing about the tail.
MIN_SAMPLES = {500: 1, 900: 10, 950: 20, 990: 100, 999: 1000}


class NoSamples(VoxtraceError):
    """A quantile was asked of nothing."""

    def __init__(self) -> None:
        super().__init__("a quantile needs at least one sample")


def quantile(ordered: Sequence[float], per_mille: int) -> float:
    """Nearest-rank quantile of samples in ascending order: always a value that was really measured.

    Raises:
        NoSamples: there are none.
    """
    if not ordered:
        raise NoSamples
    # Whole per mille, not a float: 0.07 * 100 is 7.000000000000001 and picks the next rank.
    rank = -(-len(ordered) * per_mille // 1000)
    return ordered[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Distribution:
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

    @property
    def coverage(self) -> float | None:
        """Share of the expected turns that have a value."""
        return self.measured / self.expected if self.expected else None


def distribution(samples: Sequence[float], expected: int) -> Distribution:
    """Percentiles of `samples` (any order), each only where there are enough of them."""
    ordered = sorted(samples)
    if not ordered:
        return Distribution(0, expected)
    p50, p95, p99 = (quantile(ordered, q) if len(ordered) >= MIN_SAMPLES[q] else None for q in (500, 950, 990))
    return Distribution(len(ordered), expected, p50, p95, p99, ordered[0], ordered[-1])
