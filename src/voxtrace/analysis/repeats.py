"""Equal measurements: how often a value may come up by chance before it must be a replay or a constant."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxtrace.analysis.columns import Ints

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
    if not values:
        return frozenset()
    import numpy as np  # here, for a command that shows one turn does not need it: 50 ms

    found, counts = np.unique(np.asarray(values, np.int64), return_counts=True)
    allowed = FALSE_ALARM / len(found)
    # A value is least expected where nothing is around it: what is no sign there is none anywhere.
    sign = next(n for n in itertools.count(FEWEST) if chance_of(n, _LEAST_DENSITY) < allowed)
    constant = max(FEWEST, len(values) // 2 + 1)
    often = np.flatnonzero(counts >= min(sign, constant))
    is_fine = 2 * int(counts[found % ROUNDED != 0].sum()) >= len(values)
    suspects = zip(found[often].tolist(), counts[often].tolist(), _densities(found, counts, often), strict=True)
    return frozenset(
        value for value, n, density in suspects if n >= constant or (is_fine and chance_of(n, density) < allowed)
    )


def chance_of(n: int, mean: float) -> float:
    """Probability of `n` or more where `mean` is expected (Poisson)."""
    tail, term = 1.0, exp(-mean)
    for count in range(n):
        tail -= term
        term *= mean / (count + 1)
    return max(tail, 0.0)


def _densities(found: Ints, counts: Ints, often: Ints) -> list[float]:
    """The mean count of the neighbours of these values."""
    import numpy as np

    before = np.concatenate(([0], np.cumsum(counts)))
    begins = np.searchsorted(found, found[often] - NEIGHBOURS, "left")
    ends = np.searchsorted(found, found[often] + NEIGHBOURS, "right")
    around = before[ends] - before[begins] - counts[often]
    # One more than was seen: an empty neighbourhood is not proof of an empty world.
    densities: list[float] = ((around + 1) * _LEAST_DENSITY).tolist()
    return densities
