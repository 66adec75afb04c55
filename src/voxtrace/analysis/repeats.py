"""Equal measurements: how often a value may come up by chance before it must be a replay or a constant."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from math import exp

# As many equal times to the microsecond are a replay or a constant, unless the population is so dense that they
# come up by chance.
FEWEST = 4
# Chance of accusing an honest population of any size: one in a hundred.
FALSE_ALARM = 0.01
# Microseconds: where most values are whole multiples of it, they were rounded.
ROUNDED = 10
# Values on each side of a suspect that tell how dense the population is around it.
NEIGHBOURS = 16
_LEAST_DENSITY = 1 / (2 * NEIGHBOURS)


def repeated(values: Sequence[int]) -> frozenset[int]:
    """The values that occur more often than independent measurements would.

    The count of one honest value is Poisson around the mean count of its neighbours; a value is repeated
    where the chance of its count, times the number of values that were looked at, is below `FALSE_ALARM`.
    A value that more than half of the measurements share is a constant in any case. Where a tool rounds to
    hundredths of a millisecond or coarser, equal values are no sign, and only a constant is one.
    """
    counts = Counter(values)
    allowed = FALSE_ALARM / max(len(counts), 1)
    # A value is least expected where nothing is around it: what is no sign there is none anywhere.
    sign = next(n for n in itertools.count(FEWEST) if chance_of(n, _LEAST_DENSITY) < allowed)
    constant = max(FEWEST, len(values) // 2 + 1)
    often = [(value, n) for value, n in counts.items() if n >= min(sign, constant)]
    is_fine = bool(often) and 2 * sum(n for value, n in counts.items() if value % ROUNDED) >= len(values)
    return frozenset(
        value
        for value, n in often
        if 2 * n > len(values) or (is_fine and chance_of(n, _density(counts, value)) < allowed)
    )


def chance_of(n: int, mean: float) -> float:
    """Probability of `n` or more where `mean` is expected (Poisson)."""
    tail, term = 1.0, exp(-mean)
    for count in range(n):
        tail -= term
        term *= mean / (count + 1)
    return max(tail, 0.0)


def _density(counts: Counter[int], value: int) -> float:
    # `get`, for a Counter's own way to say that there is none takes ten times as long.
    around = sum([counts.get(near, 0) for near in range(value - NEIGHBOURS, value + NEIGHBOURS + 1) if near != value])
    # One more than was seen: an empty neighbourhood is not proof of an empty world.
    return (around + 1) / (2 * NEIGHBOURS)
