"""The three distributions that the tests and intervals of this room need."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
# Standard deviations of a binomial that are summed on each side of its mean: what lies beyond is below 1e-30.
_REACH = 12
_TINY = 1e-300
_CONVERGED = 1e-15


# A page asks for the same few hundred numbers of samples again and again.
@lru_cache(maxsize=4096)
def binomial_ranks(n: int, share: float, tail: float) -> tuple[int, int]:
    """Ranks of the order statistics between which a quantile lies (exact binomial).

    Args:
        n: samples.
        share: the quantile, above 0 and below 1.
        tail: the probability allowed on each side.

    Returns:
        The largest rank `low` with P(B < low) <= tail and the smallest rank `high` with P(B >= high) <= tail,
        counted from 1, where B samples of n are below the quantile. `low` 0 and `high` n + 1: there is no such
        sample, and the interval has no end on that side.
    """
    low, high = 0, n + 1
    first, last = _middle(n, share)
    # Each probability out of the one beside it: logarithms of factorials would take ten times as long.
    odds = share / (1 - share)
    below, at = 0.0, binomial_pmf(first, n, share)
    for count in range(first, last + 1):
        below += at
        if below > tail:
            break
        low = count + 1
        at *= (n - count) / (count + 1) * odds
    above, at = 0.0, binomial_pmf(last, n, share)
    for count in range(last, first - 1, -1):
        above += at
        if above > tail:
            break
        high = count
        at *= count / ((n - count + 1) * odds)
    return max(low, first if first > 0 else 0), high


def _middle(n: int, share: float) -> tuple[int, int]:
    mean, deviation = n * share, sqrt(n * share * (1 - share))
    return max(int(mean - _REACH * deviation) - 1, 0), min(int(mean + _REACH * deviation) + 1, n)


def binomial_pmf(count: int, n: int, share: float) -> float:
    """Probability of `count` of `n` where each has the probability `share`."""
    choose = lgamma(n + 1) - lgamma(count + 1) - lgamma(n - count + 1)
    return exp(choose + count * log(share) + (n - count) * log1p(-share))


def binomial_share(count: int, n: int, tail: float) -> tuple[float, float]:
    """Between which shares the true one lies where `count` of `n` were seen, with the probability `tail` on each side.

    The sum of a binomial's tail is an incomplete beta function, which rises with the share.
    """
    low = _bisect(lambda share: incomplete_beta(count, n - count + 1, share) - tail, 0.0, 1.0) if count else 0.0
    high = 1.0
    if count < n:
        high = _bisect(lambda share: incomplete_beta(count + 1, n - count, share) - (1 - tail), 0.0, 1.0)
    return low, high


def student_cdf(t: float, freedom: float) -> float:
    """Student's t distribution, by the incomplete beta function."""
    tail = 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=256)
def student_quantile(probability: float, freedom: float) -> float:
    """The t below which `probability` of the distribution lies; bisection to the last digits of a float."""
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    high = 1.0
    while student_cdf(high, freedom) < probability:
        high *= 2
    return _bisect(lambda t: student_cdf(t, freedom) - probability, 0.0, high)


def _bisect(rising: Callable[[float], float], low: float, high: float) -> float:
    while high - low > 1e-13 * max(high, 1.0):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function; continued fraction by Lentz's method (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side of the mean only
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 1000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + numerator * d)
            c = _away_from_zero(1 + numerator / c)
            fraction *= c * d
        if abs(c * d - 1) < _CONVERGED:
            break
    return front * fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
