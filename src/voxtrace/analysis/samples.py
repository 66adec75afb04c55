"""Samples of one number: kept as they are while they are few, as a sketch when they are many."""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec import Struct, field

from voxtrace.analysis.columns import Floats
from voxtrace.analysis.quantiles import MIN_SAMPLES, NEAREST_RANK, SHOWN, Distribution
from voxtrace.analysis.statistics.interval import CONFIDENCE, Interval, quantile, quantile_interval
from voxtrace.analysis.statistics.probability import binomial_ranks
from voxtrace.analysis.statistics.sketch import ERROR, METHOD, Sketch

# Kept exactly; above, a percentile of a sketch is right to 1 %, which is less than its interval is wide.
EXACT_UP_TO = 100_000
_TAIL = (1 - CONFIDENCE) / 2


class Samples(Struct):
    """Values in any order."""

    count: int = 0
    total: float = 0.0
    _kept: list[Floats] = field(default_factory=list)
    _sketch: Sketch | None = None

    def add(self, values: Floats) -> None:
        """Count values; none of them is NaN."""
        if not len(values):
            return
        self.count += len(values)
        self.total += float(values.sum())
        if self._sketch is None and self.count <= EXACT_UP_TO:
            self._kept.append(values)
            return
        if self._sketch is None:
            self._sketch = Sketch()
            for each in self._kept:
                self._sketch.add(each)
            self._kept.clear()
        self._sketch.add(values)

    def ordered(self) -> list[float]:
        """The samples in ascending order; none where a sketch is all that is left of them."""
        return np.sort(np.concatenate(self._kept)).tolist() if self._kept else []

    def distribution(
        self,
        expected: int,
        *,
        missing: tuple[tuple[str, int], ...] = (),
        rejected: tuple[tuple[str, int], ...] = (),
        bound: Literal["exact", "lower"] = "exact",
        replayed: int = 0,
    ) -> Distribution:
        """Percentiles where there are enough samples, of a population of `expected` turns."""
        if not self.count:
            return Distribution(0, expected, missing=missing, rejected=rejected, bound=bound)
        asked = {name: q for name, q in SHOWN.items() if self.count >= MIN_SAMPLES[q]}
        if self._sketch is not None:
            sketch = self._sketch
            given = {name: sketch.quantile(q) for name, q in asked.items()}
            intervals = {name: _sketched(sketch, q) for name, q in asked.items()}
            ends = sketch.smallest, sketch.largest
        else:
            ordered = np.sort(np.concatenate(self._kept))
            given = {name: float(quantile(ordered, q)) for name, q in asked.items()}  # type: ignore[arg-type]
            intervals = {name: quantile_interval(ordered, q) for name, q in asked.items()}  # type: ignore[arg-type]
            ends = float(ordered[0]), float(ordered[-1])
        return Distribution(
            measured=self.count,
            expected=expected,
            p50=given.get("p50"),
            p95=given.get("p95"),
            p99=given.get("p99"),
            smallest=ends[0],
            largest=ends[1],
            missing=missing,
            rejected=rejected,
            bound=bound,
            intervals=intervals,
            method=METHOD if self._sketch is not None else NEAREST_RANK,
            replayed=replayed,
        )


def _sketched(sketch: Sketch, per_mille: int) -> Interval:
    low, high = binomial_ranks(sketch.count, per_mille / 1000, _TAIL)
    # Each end may be 1 % off, and an interval must not be narrower for that.
    return Interval(
        _wider(sketch, sketch.at_rank(low), -1) if low >= 1 else None,
        _wider(sketch, sketch.at_rank(high), 1) if high <= sketch.count else None,
        f"order statistics of a {METHOD}",
    )


def _wider(sketch: Sketch, end: float, direction: int) -> float:
    return min(max(end + direction * ERROR * abs(end), sketch.smallest), sketch.largest)
