"""Which of two populations tends to be larger, by ranks: nothing is assumed of their distributions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb, sqrt

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from voxtrace.analysis.statistics.probability import NORMAL

EXACT = "Mann-Whitney U, exact"
APPROXIMATE = "Mann-Whitney U, normal with ties and continuity correction"
# On the smaller side, without ties; above, the normal distribution is right to the third digit.
EXACT_UP_TO = 8


class RankTest(Struct, frozen=True):
    """`u` counts the pairs in which the one of `b` is larger, ties as halves."""

    u: float
    p: float  # two-sided
    b_is_larger: float  # probability that one of b is larger than one of a, ties as halves
    method: str


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> RankTest | None:
    """Whether values of `b` tend to be larger than values of `a`; None where a side is empty."""
    m, n = len(a), len(b)
    if not m or not n:
        return None
    joined = np.concatenate([np.asarray(a, float), np.asarray(b, float)])
    ranks, ties = mid_ranks(joined)
    u = float(ranks[m:].sum()) - n * (n + 1) / 2
    if not len(ties) and min(m, n) <= EXACT_UP_TO and max(m, n) <= 200:
        p, method = _exact_p(min(u, m * n - u), m, n), EXACT
    else:
        p, method = _normal_p(u, m, n, ties), APPROXIMATE
    return RankTest(u, p, u / (m * n), method)


def mid_ranks(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Ranks from 1, equal values sharing the middle of theirs, and the sizes of the groups of equal values."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group], sizes[sizes > 1].astype(np.int64)


def _exact_p(smaller_u: float, m: int, n: int) -> float:
    below = sum(_ways(u, min(m, n), max(m, n)) for u in range(int(smaller_u) + 1))
    return min(2 * below / comb(m + n, m), 1.0)


@lru_cache(maxsize=64)
def _row(m: int, n: int) -> tuple[int, ...]:
    """How many arrangements of m and n values have each U: coefficients of the Gaussian binomial."""
    counts = [1] + [0] * (m * n)
    for part in range(1, m + 1):
        # Multiply by (1 - q^(n + part)) and divide by (1 - q^part).
        for u in range(m * n, n + part - 1, -1):
            counts[u] -= counts[u - n - part]
        for u in range(part, m * n + 1):
            counts[u] += counts[u - part]
    return tuple(counts)


def _ways(u: int, m: int, n: int) -> int:
    return _row(m, n)[u]


def _normal_p(u: float, m: int, n: int, ties: npt.NDArray[np.int64]) -> float:
    whole = m + n
    lost = float((ties.astype(float) ** 3 - ties).sum()) / (whole * (whole - 1)) if whole > 1 else 0.0
    deviation = sqrt(m * n / 12 * max(whole + 1 - lost, 0.0))
    if not deviation:
        return 1.0
    off = max(abs(u - m * n / 2) - 0.5, 0.0)
    return float(min(2 * NORMAL.cdf(-off / deviation), 1.0))
