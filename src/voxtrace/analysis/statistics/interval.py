"""Quantiles that were really measured, and where those of the whole population lie."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from voxtrace.analysis.statistics.probability import binomial_ranks, binomial_share
from voxtrace.errors import VoxtraceError

CONFIDENCE = 0.95
ORDER_STATISTICS = "order statistics, exact binomial"
CLOPPER_PEARSON = "Clopper-Pearson, exact binomial"


class NoSamples(VoxtraceError):
    """A quantile was asked of nothing."""

    def __init__(self) -> None:
        super().__init__("a quantile needs at least one sample")


def quantile(ordered: Sequence[float], per_mille: int) -> float:
    """Nearest-rank quantile of samples in ascending order: always a value that was really measured.

    Raises:
        NoSamples: there are none.
    """
    if not len(ordered):
        raise NoSamples
    # Whole per mille, not a float: 0.07 * 100 is 7.000000000000001 and picks the next rank.
    rank = -(-len(ordered) * per_mille // 1000)
    return ordered[max(rank, 1) - 1]


class Interval(Struct, frozen=True):
    """Where a number lies with `confidence`. An end of None is open: so few samples bound nothing on that side."""

    low: float | None
    high: float | None
    method: str
    confidence: float = CONFIDENCE

    @property
    def is_closed(self) -> bool:
        return self.low is not None and self.high is not None

    def holds(self, value: float) -> bool:
        """Whether `value` lies in it."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


def quantile_interval(ordered: Sequence[float], per_mille: int, confidence: float = CONFIDENCE) -> Interval:
    """Between which two samples the quantile of the whole population lies, whatever its distribution.

    Both ends were measured. The samples must be independent: many turns of one session are not.
    """
    low, high = binomial_ranks(len(ordered), per_mille / 1000, (1 - confidence) / 2) if len(ordered) else (0, 1)
    return Interval(
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= len(ordered) else None,
        ORDER_STATISTICS,
        confidence,
    )


def share_interval(count: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Where the share lies of which `count` of `n` independent requests are a sample; of none, anywhere."""
    low, high = binomial_share(count, n, (1 - confidence) / 2) if n else (0.0, 1.0)
    return Interval(low, high, CLOPPER_PEARSON, confidence)
