"""Does one number rise with another: slopes and correlations that a few outliers do not turn."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh, sqrt, tanh

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from voxtrace.analysis.statistics.interval import CONFIDENCE, Interval, quantile_interval
from voxtrace.analysis.statistics.probability import NORMAL
from voxtrace.analysis.statistics.ranks import mid_ranks

ALL_PAIRS = "Theil-Sen over all pairs, interval of Sen 1968"
HALVES = "Theil's incomplete method (each with the one half a series later), exact binomial interval"
SPEARMAN = "Spearman, interval of Bonett and Wright 2000"
# Points of which all pairs are looked at; a million slopes take a tenth of a second.
ALL_PAIRS_UP_TO = 1_500
FEWEST_POINTS = 4  # the variance of the correlation's interval divides by n - 3


class Estimate(Struct, frozen=True):
    """A slope or a correlation with its interval."""

    value: float
    interval: Interval
    n: int


def theil_sen(x: Sequence[float], y: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """The median slope of y over x; None where fewer than three points have different x."""
    order = np.argsort(np.asarray(x, float), kind="stable")
    xs, ys = np.asarray(x, float)[order], np.asarray(y, float)[order]
    if len(xs) > ALL_PAIRS_UP_TO:
        return _by_halves(xs, ys, confidence)
    first, second = np.triu_indices(len(xs), 1)
    apart = xs[second] - xs[first]
    slopes = np.sort((ys[second] - ys[first])[apart > 0] / apart[apart > 0])
    if len(slopes) < 3:
        return None
    reach = NORMAL.inv_cdf(1 - (1 - confidence) / 2) * sqrt(max(_kendall_variance(xs, ys), 0.0))
    low, high = round((len(slopes) - reach) / 2) - 1, round((len(slopes) + reach) / 2)
    ends = (float(slopes[low]) if low >= 0 else None, float(slopes[high]) if high < len(slopes) else None)
    return Estimate(float(np.median(slopes)), Interval(*ends, ALL_PAIRS, confidence), len(xs))


def _kendall_variance(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Of Kendall's S, with ties on both sides (Sen 1968, equation 2.6)."""
    n = len(x)
    variance = float(n * (n - 1) * (2 * n + 5))
    for values in (x, y):
        ties = mid_ranks(values)[1]
        variance -= float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return variance / 18


def _by_halves(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], confidence: float) -> Estimate | None:
    half = len(x) // 2
    apart = x[-half:] - x[:half]
    slopes = np.sort((y[-half:] - y[:half])[apart > 0] / apart[apart > 0])
    if len(slopes) < 3:
        return None
    ends = quantile_interval(slopes.tolist(), 500, confidence)
    return Estimate(float(np.median(slopes)), Interval(ends.low, ends.high, HALVES, confidence), len(x))


def spearman(x: Sequence[float], y: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """The correlation of ranks; None below four points, or where one side is constant."""
    n = len(x)
    if n < FEWEST_POINTS:
        return None
    of_x, of_y = mid_ranks(np.asarray(x, float))[0], mid_ranks(np.asarray(y, float))[0]
    if np.ptp(of_x) == 0 or np.ptp(of_y) == 0:
        return None
    value = float(np.clip(np.corrcoef(of_x, of_y)[0, 1], -1.0, 1.0))
    # The transformation has no end at 1, and four points in order do not prove a law: the interval of a perfect order
    # is that of the next one, with two neighbours changed.
    inner = min(abs(value), 1 - 12 / (n * (n * n - 1)))
    reach = NORMAL.inv_cdf(1 - (1 - confidence) / 2) * sqrt((1 + inner * inner / 2) / (n - 3))
    low, high = tanh(atanh(inner) - reach), tanh(atanh(inner) + reach)
    if abs(value) > inner:
        high = 1.0
    ends = (low, high) if value >= 0 else (-high, -low)
    return Estimate(value, Interval(*ends, SPEARMAN, confidence), n)
