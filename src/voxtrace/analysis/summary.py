"""Many turns told in few numbers, population by population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.model import Measured
from voxtrace.analysis.plausibility import check_population
from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.units import Nanos, millis

# A gap shorter than this is not noticed as one (continuity counts streams without a longer stall).
CONTINUOUS_STALL_MS = 100.0
# The others are counted, and their numbers enter no percentile: what did not come to its end has no length.
MEASURED_OUTCOMES = ("ok", "interrupted", "unknown")


@dataclass(frozen=True, slots=True, order=True)
class Population:
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

    @property
    def name(self) -> str:
        """For people: only what is known and not the usual."""
        words = [self.kind]
        if self.kind == "speech":
            words.append("seen by the client" if self.origin == "client" else "seen by the server only")
        words += ["end not logged"] if self.outcome == "unknown" else []
        words += ["interrupted"] if self.outcome == "interrupted" else []
        words += [f"cache {self.cache}"] if self.cache != "unknown" else []
        words += [self.start] if self.start != "unknown" else []
        words += [self.source] if self.source != "real" else []
        words += [f"mode {self.mode}"] if self.mode else []
        words += [f"begun by {self.hedged}"] if self.hedged else []
        words += [self.truth] if self.truth != "unknown" else []
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class PartShare:
    """How much of the time that somebody waited went into one part."""

    name: str
    share: float  # of the waited time of all turns of the population
    turns: int  # in which it occurs
    length: Distribution  # milliseconds, over the turns in which it occurs


@dataclass(frozen=True, slots=True)
class Group:
    """One population of turns that did not fail, in numbers."""

    population: Population
    turns: int
    metrics: dict[str, Distribution]
    parts: tuple[PartShare, ...]  # largest share first
    slowest: tuple[tuple[str, int], ...]  # part, turns in which it was the longest
    continuity: float | None  # share of streams with max_stall_ms <= 100; unmeasured ones count as broken


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a report or an overview shows."""

    turns: int
    first_wall_ns: int | None
    last_wall_ns: int | None
    outcomes: dict[str, int]
    errors: dict[str, int]  # cause -> turns
    groups: tuple[Group, ...]  # most turns first; none of turns that failed or were cancelled
    findings: tuple[tuple[str, int], ...]  # rule -> turns, most frequent first

    @property
    def error_rate(self) -> float | None:
        """Errors / turns whose end is known; None where no end is known."""
        known = sum(count for outcome, count in self.outcomes.items() if outcome != "unknown")
        return self.outcomes.get("error", 0) / known if known else None


def population_of(turn: Measured) -> Population:
    """The group that a turn is counted in."""
    labels = turn.labels
    return Population(
        turn.kind,
        labels.outcome,
        labels.origin,
        labels.cache,
        labels.start,
        labels.source,
        labels.truth,
        labels.mode,
        labels.hedged,
    )


def summarize(turns: Iterable[Measured], now_wall_ns: int | None = None) -> Summary:
    """The numbers of `turns`. Turns that failed or were cancelled are counted and never enter a percentile."""
    checked = check_population(list(turns), now_wall_ns)
    groups: dict[Population, list[Measured]] = {}
    for turn in checked:
        if turn.labels.outcome in MEASURED_OUTCOMES:
            groups.setdefault(population_of(turn), []).append(turn)
    times = [turn.started_wall_ns for turn in checked]
    return Summary(
        turns=len(checked),
        first_wall_ns=min(times, default=None),
        last_wall_ns=max(times, default=None),
        outcomes=dict(Counter(turn.labels.outcome for turn in checked)),
        errors=dict(Counter(turn.labels.error or "unknown" for turn in checked if turn.labels.outcome == "error")),
        groups=tuple(
            summarize_group(population, members)
            for population, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        ),
        findings=tuple(Counter(rule for turn in checked for rule in {f.rule for f in turn.findings}).most_common()),
    )


def summarize_group(population: Population, turns: Sequence[Measured]) -> Group:
    """The numbers of turns that belong to one population."""
    names = [name for name in DEFINITION_BY_NAME if any(name in turn.metrics for turn in turns)]
    stalls = [turn.metrics.get("max_stall_ms") for turn in turns]
    continuous = sum(
        1 for stall in stalls if stall is not None and stall.value is not None and stall.value <= CONTINUOUS_STALL_MS
    )
    measured = any(stall is not None and stall.measured for stall in stalls)
    return Group(
        population=population,
        turns=len(turns),
        metrics={name: metric_distribution(turns, name) for name in names},
        parts=_part_shares(turns),
        slowest=tuple(Counter(part.name for turn in turns if (part := turn.slowest)).most_common()),
        continuity=continuous / len(turns) if measured else None,
    )


def metric_distribution(turns: Sequence[Measured], name: str) -> Distribution:
    """One metric over turns of one population, with what is missing and why.

    A sample that is a lower bound makes every percentile a lower bound: raising samples to their true
    values can only raise the order statistics.
    """
    samples: list[float] = []
    is_bound = False
    missing: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for turn in turns:
        metric = turn.metrics.get(name)
        if metric is None:
            missing["not part of this kind of turn"] += 1
        elif metric.value is not None:
            samples.append(metric.value)
            is_bound = is_bound or metric.bound == "lower"
        elif metric.rejected is not None:
            rejected[metric.rejected] += 1
        else:
            missing[metric.missing or ""] += 1
    return replace(
        distribution(samples, len(turns)),
        missing=tuple(missing.most_common()),
        rejected=tuple(rejected.most_common()),
        bound="lower" if is_bound else "exact",
    )


def _part_shares(turns: Sequence[Measured]) -> tuple[PartShare, ...]:
    lengths: dict[str, list[float]] = {}
    for turn in turns:
        of_turn: dict[str, int] = {}
        for part in turn.parts:
            if part.waited:
                of_turn[part.name] = of_turn.get(part.name, 0) + part.end - part.begin
        for name, length in of_turn.items():
            lengths.setdefault(name, []).append(millis(length))
    whole = sum(sum(each) for each in lengths.values())
    if not whole:
        return ()
    shares = [
        PartShare(name, sum(each) / whole, len(each), distribution(each, len(turns))) for name, each in lengths.items()
    ]
    return tuple(sorted(shares, key=lambda part: -part.share))


@dataclass(frozen=True, slots=True)
class Bucket:
    """One metric over the turns that began within one slice of time."""

    begin_wall_ns: int
    of: Distribution
    slowest_request: str | None  # the turn with the largest value, as an example to look at


def series(turns: Sequence[Measured], name: str, width: Nanos) -> tuple[Bucket, ...]:
    """One metric over time, in slices of `width` nanoseconds of wall time; empty slices are left out."""
    slices: dict[int, list[Measured]] = {}
    for turn in turns:
        slices.setdefault(turn.started_wall_ns // width * width, []).append(turn)
    buckets = []
    for begin, members in sorted(slices.items()):
        valued = [turn for turn in members if name in turn.metrics and turn.metrics[name].value is not None]
        worst = max(valued, key=lambda turn: turn.metrics[name].value or 0.0, default=None)
        buckets.append(Bucket(begin, metric_distribution(members, name), worst.request_id if worst else None))
    return tuple(buckets)
