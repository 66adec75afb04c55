"""What a report shows of many turns, population by population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.statistics.ratio import Ratio
from voxtrace.analysis.steadiness import Steadiness

if TYPE_CHECKING:  # with numpy, which who shows one turn needs none of
    from voxtrace.analysis.absence import Absence

# A gap shorter than this is not noticed as one (continuity counts streams without a longer stall).
CONTINUOUS_STALL_MS = 100.0
# The others are counted, and their numbers enter no percentile: what did not come to its end has no length.
MEASURED_OUTCOMES = ("ok", "interrupted", "unknown")
_TRANSPORTS = {
    "http": "over HTTP",
    "live": "live text",
    "wyoming": "over Wyoming",
    "wyoming-live": "live text over Wyoming",
}


class Population(Struct, frozen=True, order=True):
    """What the turns of one group have in common; percentiles are never taken over more than one group."""

    kind: str
    outcome: str  # ok, interrupted by the user, or unknown where no event tells the end
    origin: str  # whose events told: client, server, turn
    cache: str
    start: str  # cold or warm
    source: str
    truth: str
    mode: str = ""  # of the engine: another one starts sooner, or sounds better
    hedged: str = ""  # the engine that was heard first, and not the one that was asked
    transport: str = ""  # a text that comes in pieces starts the clock with the first of them

    @property
    def name(self) -> str:
        """For people: only what is known and not the usual."""
        words = [self.kind]
        if self.kind == "speech":
            words.append("seen by the client" if self.origin == "client" else "seen by the server only")
        words += ["end not logged"] if self.outcome == "unknown" else []
        words += ["interrupted"] if self.outcome == "interrupted" else []
        words += [_TRANSPORTS[self.transport]] if self.transport else []
        words += [f"cache {self.cache}"] if self.cache != "unknown" else []
        words += [self.start] if self.start != "unknown" else []
        words += [self.source] if self.source != "real" else []
        words += [f"mode {self.mode}"] if self.mode else []
        words += [f"begun by {self.hedged}"] if self.hedged else []
        words += [self.truth] if self.truth != "unknown" else []
        return ", ".join(words)


class PartShare(Struct, frozen=True):
    """How much of the time that somebody waited went into one part."""

    name: str
    share: float  # of the waited time of all turns of the population
    turns: int  # in which it occurs
    length: Distribution  # milliseconds, over the turns in which it occurs


class Group(Struct, frozen=True):
    """One population of turns that did not fail, in numbers."""

    population: Population
    turns: int
    metrics: dict[str, Distribution]
    parts: tuple[PartShare, ...]  # largest share first
    slowest: tuple[tuple[str, int], ...]  # part, turns in which it was the longest
    continuity: float | None  # share of streams with max_stall_ms <= 100; unmeasured ones count as broken
    steadiness: tuple[Steadiness, ...] = ()  # largest run first
    contention: Ratio | None = None  # RTF of chunks that were made beside others / of those made alone, in the middle
    absences: Mapping[str, Absence] = field(default_factory=dict)  # of the metrics that some turns have and others lack

    @property
    def is_measured(self) -> bool:
        """Whether any of its turns has any number. Without one there is nothing to pass or to fail."""
        return any(of.measured for of in self.metrics.values())


class Summary(Struct, frozen=True):
    """Everything a report or an overview shows."""

    turns: int
    first_wall_ns: int | None
    last_wall_ns: int | None
    outcomes: dict[str, int]
    errors: dict[str, int]  # cause -> turns
    groups: tuple[Group, ...]  # most turns first; none of turns that failed or were cancelled
    findings: tuple[tuple[str, int], ...]  # rule -> turns, most frequent first

    @property
    def is_measured(self) -> bool:
        """Whether any number was measured at all; else nothing is good and nothing is bad."""
        return any(group.is_measured for group in self.groups)

    @property
    def ended(self) -> int:
        """Turns whose end is known."""
        return sum(count for outcome, count in self.outcomes.items() if outcome != "unknown")

    @property
    def error_rate(self) -> float | None:
        """Errors / turns whose end is known; None where no end is known."""
        return self.outcomes.get("error", 0) / self.ended if self.ended else None

    @property
    def cache_hits(self) -> tuple[int, int]:
        """Speech requests that a cache answered as a whole, of those that say whether one did."""
        turns = Counter[str]()
        for group in self.groups:
            if group.population.kind == "speech":
                turns[group.population.cache] += group.turns
        return turns["hit"], turns["hit"] + turns["partial"] + turns["miss"]
