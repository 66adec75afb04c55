"""A quantile sketch that merges: any number of samples in a few kilobytes, each quantile right to 1 %.

The method is that of DDSketch (Masson, Rim and Lee, VLDB 2019): values are counted in buckets whose edges grow by a
constant factor, so that the middle of a bucket is never further than 1 % from any value in it. Merging adds counts,
and so the order in which parts are merged changes nothing.
"""

from __future__ import annotations

from math import ceil, isfinite, log

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from voxtrace.analysis.statistics.interval import NoSamples

ERROR = 0.01  # of the value
GAMMA = (1 + ERROR) / (1 - ERROR)
_LOG_GAMMA = log(GAMMA)
# What is closer to zero counts as zero: a picosecond in milliseconds.
SMALLEST = 1e-9
METHOD = "sketch, each value right to 1 %"


class Sketch(Struct):
    """Counts of values by bucket. Of positive values up to 1e9 there are at most about 2,100 buckets."""

    positive: dict[int, int] = field(default_factory=dict)
    negative: dict[int, int] = field(default_factory=dict)
    zeros: int = 0
    smallest: float = float("inf")
    largest: float = float("-inf")

    @property
    def count(self) -> int:
        return sum(self.positive.values()) + sum(self.negative.values()) + self.zeros

    def add(self, values: npt.ArrayLike) -> None:
        """Count values; those that are not finite are no samples and raise ValueError."""
        array = np.asarray(values, float)
        if not array.size:
            return
        if not bool(np.isfinite(array).all()):
            raise ValueError("a sketch counts finite values only")
        self.smallest = min(self.smallest, float(array.min()))
        self.largest = max(self.largest, float(array.max()))
        for side, kept in ((array, self.positive), (-array, self.negative)):
            _count(side[side >= SMALLEST], kept)
        self.zeros += int((np.abs(array) < SMALLEST).sum())

    def merge(self, other: Sketch) -> None:
        """Add what another sketch counted."""
        for mine, theirs in ((self.positive, other.positive), (self.negative, other.negative)):
            for bucket, count in theirs.items():
                mine[bucket] = mine.get(bucket, 0) + count
        self.zeros += other.zeros
        self.smallest, self.largest = min(self.smallest, other.smallest), max(self.largest, other.largest)

    def at_rank(self, rank: int) -> float:
        """The value of that rank, counted from 1, right to 1 % and never beyond the extremes.

        Raises:
            NoSamples: there are none.
        """
        if not self.count:
            raise NoSamples
        passed = 0
        for bucket in sorted(self.negative, reverse=True):
            passed += self.negative[bucket]
            if passed >= rank:
                return self._inside(-_middle(bucket))
        passed += self.zeros
        if passed >= rank:
            return self._inside(0.0)
        for bucket in sorted(self.positive):
            passed += self.positive[bucket]
            if passed >= rank:
                return self._inside(_middle(bucket))
        return self.largest

    def quantile(self, per_mille: int) -> float:
        """Nearest rank, as `quantiles.quantile`, right to 1 %."""
        return self.at_rank(max(-(-self.count * per_mille // 1000), 1))

    def _inside(self, value: float) -> float:
        return min(max(value, self.smallest), self.largest)


def bucket_of(value: float) -> int:
    """The bucket of a positive value."""
    if not (isfinite(value) and value > 0):
        raise ValueError(f"no bucket holds {value!r}")
    return ceil(log(value) / _LOG_GAMMA)


def _middle(bucket: int) -> float:
    return float(2 * GAMMA**bucket / (GAMMA + 1))


def _count(values: npt.NDArray[np.float64], kept: dict[int, int]) -> None:
    if not values.size:
        return
    buckets, counts = np.unique(np.ceil(np.log(values) / _LOG_GAMMA).astype(np.int64), return_counts=True)
    for bucket, count in zip(buckets.tolist(), counts.tolist(), strict=True):
        kept[bucket] = kept.get(bucket, 0) + count
