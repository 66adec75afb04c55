"""Whether two things go together, in a table of two rows and two columns."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

FISHER = "Fisher's exact test"
# Probabilities that are equal but for rounding count as equal: both tails of a symmetric table do.
_EQUAL = 1 + 1e-7


class TableTest(Struct, frozen=True):
    """`least_p` is the smallest p that a table with these margins could have given."""

    p: float  # two-sided
    least_p: float
    method: str = FISHER


def fisher(one: tuple[int, int], other: tuple[int, int]) -> TableTest | None:
    """Whether the share of the first kind differs between two groups, given as counts of (first, second) kind.

    Two-sided: all tables with these margins that are as improbable as this one, or more. None where a margin is empty.
    """
    row, rest, column = sum(one), sum(other), one[0] + other[0]
    whole = row + rest
    if not row or not rest or column in (0, whole):
        return None
    low, high = max(0, row + column - whole), min(row, column)
    counts = np.arange(low, high, dtype=float)
    # The ratio of each table's probability to the one before it: no factorial, however large the table.
    steps = np.log((row - counts) * (column - counts)) - np.log((counts + 1) * (whole - row - column + counts + 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    return TableTest(_as_rare(chances, one[0] - low), min(_as_rare(chances, 0), _as_rare(chances, high - low)))


def _as_rare(chances: np.ndarray[tuple[int, ...], np.dtype[np.float64]], place: int) -> float:
    return min(float(chances[chances <= chances[place] * _EQUAL].sum()), 1.0)
