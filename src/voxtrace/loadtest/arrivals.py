"""When requests arrive: lists that are known before the run begins, so that the same seed is the same run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

from voxtrace.errors import InvalidOption
from voxtrace.loadtest.errors import PlanTooLarge
from voxtrace.units import NANOS_PER_SECOND, Nanos

Shape = Literal["poisson", "constant", "ramp"]
MAX_RATE_PER_S = 10_000.0
MAX_SECONDS = 3600.0 * 24
MAX_USERS = 10_000


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests come whether or not earlier ones were answered, as callers who know nothing of each other do.

    `poisson` at `rate_per_s`; `constant` at equal distances; `ramp` is Poisson with a rate that goes in a
    straight line from `rate_per_s` to `end_rate_per_s`.

    Raises:
        InvalidOption: a value is out of its range.
    """

    rate_per_s: float
    seconds: float
    shape: Shape = "poisson"
    end_rate_per_s: float | None = None  # of a ramp

    def __post_init__(self) -> None:
        # Written this way round so that nan, which compares with nothing, is refused too.
        if not 0 < self.rate_per_s <= MAX_RATE_PER_S:
            raise InvalidOption("rate", self.rate_per_s, f"must be above 0 and at most {MAX_RATE_PER_S:g} a second")
        _check_seconds(self.seconds)
        if (self.shape == "ramp") != (self.end_rate_per_s is not None):
            raise InvalidOption("rate-to", self.end_rate_per_s, "belongs to --arrivals ramp, which needs it")
        if self.end_rate_per_s is not None and not 0 <= self.end_rate_per_s <= MAX_RATE_PER_S:
            raise InvalidOption("rate-to", self.end_rate_per_s, f"must be from 0 to {MAX_RATE_PER_S:g} a second")

    @property
    def expected(self) -> float:
        """How many requests to expect."""
        end = self.rate_per_s if self.end_rate_per_s is None else self.end_rate_per_s
        return (self.rate_per_s + end) / 2 * self.seconds

    def times(self, seed: int, most: int) -> list[Nanos]:
        """Nanoseconds from the start of the run at which requests arrive, in order.

        Raises:
            PlanTooLarge: there would be more than `most`.
        """
        if self.expected > most:
            raise PlanTooLarge(self.expected, most)
        if self.shape == "constant":
            count = math.ceil(self.rate_per_s * self.seconds)
            times = [Nanos(round(number / self.rate_per_s * NANOS_PER_SECOND)) for number in range(count)]
        else:
            times = self._poisson(Random(seed))
        if len(times) > most:
            raise PlanTooLarge(len(times), most)
        return times

    def _poisson(self, chance: Random) -> list[Nanos]:
        """Arrivals of a process of rate 1, mapped through the inverse of the mean count (Çinlar 1975)."""
        times, count = [], chance.expovariate(1.0)
        while count < self.expected:
            times.append(Nanos(round(self._when(count) * NANOS_PER_SECOND)))
            count += chance.expovariate(1.0)
        return times

    def _when(self, count: float) -> float:
        """The second by which `count` requests are expected."""
        rate = self.rate_per_s
        growth = 0.0 if self.end_rate_per_s is None else (self.end_rate_per_s - rate) / self.seconds
        # The root of growth/2 t² + rate t = count, in the form that also holds where growth is 0.
        return 2 * count / (rate + math.sqrt(max(rate * rate + 2 * growth * count, 0.0)))


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """A fixed number of users, each of whom asks again when he has heard the answer and thought for a while.

    A slow server is asked less often, so this hides what callers who do not wait would feel.

    Raises:
        InvalidOption: a value is out of its range.
    """

    users: int
    seconds: float
    think_s: float = 0.0  # mean; each pause is drawn from half of it to one and a half

    def __post_init__(self) -> None:
        if not 1 <= self.users <= MAX_USERS:
            raise InvalidOption("users", self.users, f"must be from 1 to {MAX_USERS}")
        _check_seconds(self.seconds)
        if not 0 <= self.think_s <= self.seconds:
            raise InvalidOption("think", self.think_s, "must be from 0 to the length of the run")


Arrivals = OpenLoop | ClosedLoop


def _check_seconds(seconds: float) -> None:
    if not 0 < seconds <= MAX_SECONDS:
        raise InvalidOption("for", seconds, f"must be above 0 and at most {MAX_SECONDS:g} seconds")
