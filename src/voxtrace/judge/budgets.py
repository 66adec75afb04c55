"""What is fast enough, per population: there is no one number for all.

The figures stand in `budgets.toml` beside this file; whoever has others writes a file of the same form.
"""

from __future__ import annotations

from msgspec import Struct

from voxtrace.analysis import Population
from voxtrace.errors import VoxtraceError

# Shares of requests, which no single request has; all else is a metric of `definitions`.
SHARES = {"error_rate": "less", "cache_hits": "more", "continuity": "more"}
# Of the process that serves. No event of a turn tells them.
OF_THE_PROCESS = ("memory_mb", "cpu_percent")


class UnreadableBudget(VoxtraceError):
    """A budget, or a file of budgets, that can't be read."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where} is no budget: {why}")
        self.where, self.why = where, why


class Budget(Struct, frozen=True):
    """Limits of a metric, in its own unit; `more_is_better` turns them round."""

    target: float
    warning: float
    critical: float | None = None
    more_is_better: bool = False
    gate: float | None = None  # fails here, although it is critical only later
    aim: float | None = None  # what would be better still; judges nothing

    def breaks(self, value: float, limit: float) -> bool:
        """Whether `value` is on the wrong side of `limit`."""
        return value < limit if self.more_is_better else value > limit

    @property
    def fails_at(self) -> float:
        """The limit behind which a run is not good enough: the gate, else the furthest of those given."""
        return next(each for each in (self.gate, self.critical, self.warning) if each is not None)


class Line(Struct, frozen=True):
    """One line of a budget: a number and its limits."""

    metrics: tuple[str, ...]  # of several, each one that is measured is judged
    of: str  # p50, p95, p99, max, min, or "" where it is a share
    budget: Budget
    told: str = ""  # as another tool's file named it, where it has another name here


class Profile(Struct, frozen=True):
    """The budget of one population."""

    name: str
    title: str
    lines: tuple[Line, ...]
    kind: str = ""  # "": of every kind
    cache: tuple[str, ...] = ()  # (): whatever the cache had
    where: str = ""  # a filter, as `voxtrace compare` takes them
    text_class: str = ""
    chars: tuple[int, int] | None = None  # of the text, where nobody named its class

    @property
    def is_slice(self) -> bool:
        """Whether it is for some turns of a population only, which have to be summed up by themselves."""
        return bool(self.where or self.text_class or self.chars)

    def covers(self, population: Population) -> bool:
        """Whether it is for turns of this population.

        Those that do not say whether they were cached are held to what is asked of uncached ones, and do not pass by
        it (`claims`).
        """
        if self.kind and population.kind != self.kind:
            return False
        return not self.cache or population.cache in self.cache or self._is_unclear(population)

    def claims(self, population: Population) -> bool:
        """Whether its numbers, where they are good, say what the budget is about."""
        return not self.cache or population.cache in self.cache

    def _is_unclear(self, population: Population) -> bool:
        return population.cache == "unknown" and "miss" in self.cache
