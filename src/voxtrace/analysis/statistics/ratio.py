"""How many times as long one population takes as another, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log, sqrt

from msgspec import Struct

from voxtrace.analysis.statistics.interval import CONFIDENCE, Interval, quantile, quantile_interval
from voxtrace.analysis.statistics.probability import student_cdf, student_quantile

PAIRED = "paired t of log ratios"
WELCH = "Welch t of log medians"
ONE_TO_MANY = "one value against many, t of logarithms that scatter alike"
MOVER = "MOVER of order-statistic intervals"
# Below this many, the variance of the logs itself is a guess.
FEWEST_UNITS = 3


class Ratio(Struct, frozen=True):
    """B / A with its interval. `p` is two-sided, of the ratio being 1; None where the method gives none."""

    value: float
    interval: Interval
    p: float | None
    units: int  # what was counted as independent: pairs, or the smaller side's runs or turns

    @property
    def method(self) -> str:
        return self.interval.method


def paired_ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Ratio | None:
    """The geometric mean of b / a over pairs (a, b), by Student's t of the logarithms.

    None where there are fewer than three pairs above zero.
    """
    logs = [log(b / a) for a, b in pairs if a > 0 and b > 0]
    if len(logs) < FEWEST_UNITS:
        return None
    middle, variance = _moments(logs)
    return _from_t(middle, sqrt(variance / len(logs)), len(logs) - 1, len(logs), PAIRED, confidence)


def welch_ratio(a: Sequence[float], b: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """The geometric mean of `b` over that of `a`, by Welch's t of the logarithms.

    Meant for one number a run, such as its median: requests of one run share the state of its machine.
    None where a side has fewer than three above zero.
    """
    logs = [[log(value) for value in side if value > 0] for side in (a, b)]
    if min(map(len, logs)) < FEWEST_UNITS:
        return None
    (mean_a, var_a), (mean_b, var_b) = map(_moments, logs)
    share_a, share_b = var_a / len(logs[0]), var_b / len(logs[1])
    error = sqrt(share_a + share_b)
    if not error:
        freedom = float(len(logs[0]) + len(logs[1]) - 2)
    else:  # Welch and Satterthwaite
        freedom = error**4 / (share_a**2 / (len(logs[0]) - 1) + share_b**2 / (len(logs[1]) - 1))
    return _from_t(mean_b - mean_a, error, freedom, min(map(len, logs)), WELCH, confidence)


def one_to_many_ratio(one: float, many: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """One value over the geometric mean of others, if all scatter alike: Student's t of the logarithms.

    The one value was measured once, so the interval is as wide as that of a prediction. None where there are fewer
    than three others above zero.
    """
    logs = [log(value) for value in many if value > 0]
    if one <= 0 or len(logs) < FEWEST_UNITS:
        return None
    middle, variance = _moments(logs)
    error = sqrt(variance * (1 + 1 / len(logs)))
    return _from_t(log(one) - middle, error, len(logs) - 1, len(logs), ONE_TO_MANY, confidence)


def quantile_ratio(
    a: Sequence[float], b: Sequence[float], per_mille: int, confidence: float = CONFIDENCE
) -> Ratio | None:
    """One quantile of `b` over that of `a`, both in ascending order, for any distribution above zero.

    The two order-statistic intervals are joined by the method of variance estimates recovery (Zou and Donner,
    Statistics in Medicine 27, 2008) on the logarithms. None where a quantile is not above zero.
    """
    if not len(a) or not len(b):
        return None
    at_a, at_b = float(quantile(a, per_mille)), float(quantile(b, per_mille))
    if at_a <= 0 or at_b <= 0:
        return None
    of_a, of_b = quantile_interval(a, per_mille, confidence), quantile_interval(b, per_mille, confidence)
    middle = log(at_b / at_a)
    below = _joined(_log_gap(of_b.low, at_b), _log_gap(of_a.high, at_a))
    above = _joined(_log_gap(of_b.high, at_b), _log_gap(of_a.low, at_a))
    low = None if below is None else exp(middle - below)
    high = None if above is None else exp(middle + above)
    return Ratio(at_b / at_a, Interval(low, high, MOVER, confidence), None, min(len(a), len(b)))


def _log_gap(end: float | None, middle: float) -> float | None:
    return abs(log(end / middle)) if end is not None and end > 0 else None


def _joined(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else sqrt(one * one + other * other)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and the variance of the sample."""
    middle = fsum(values) / len(values)
    return middle, fsum((value - middle) ** 2 for value in values) / (len(values) - 1)


def _from_t(middle: float, error: float, freedom: float, units: int, method: str, confidence: float) -> Ratio:
    reach = student_quantile(1 - (1 - confidence) / 2, freedom) * error
    p = 2 * student_cdf(-abs(middle) / error, freedom) if error else float(middle == 0)
    return Ratio(exp(middle), Interval(exp(middle - reach), exp(middle + reach), method, confidence), p, units)
