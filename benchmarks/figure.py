"""One measured number, and whether it is as good as it was promised to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Figure:
    """A median of `n` samples, or a ratio of two medians of the same run (`n` is 0 where it was counted, not sampled).

    `at_most` and `at_least` are the promise, where there is one.
    """

    name: str
    value: float
    unit: str  # "us", "ms", "MiB", "events/s"; "x" for a ratio
    n: int = 0
    quartiles: tuple[float, float] | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None where there is none."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def promise(self) -> str:
        """The promise in words, "" where there is none."""
        parts = [("<=", self.at_most), (">=", self.at_least)]
        return " and ".join(f"{sign} {number(limit)} {self.unit}" for sign, limit in parts if limit is not None)


def measured(
    name: str, samples: Sequence[float], unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """The median of samples, with its quartiles."""
    low, _, high = quantiles(samples, n=4) if len(samples) > 1 else (samples[0],) * 3
    return Figure(name, median(samples), unit, len(samples), (low, high), at_most, at_least)


def ratio(
    name: str, top: Figure, bottom: Figure, *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """How many times `bottom` goes into `top`."""
    return Figure(name, top.value / bottom.value, "x", min(top.n, bottom.n), None, at_most, at_least)


def number(value: float) -> str:
    """Three significant digits, thousands apart, never in powers of ten."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or not value else f"{value:.6f}"
