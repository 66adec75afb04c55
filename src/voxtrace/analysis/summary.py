"""Many turns told in few numbers, population by population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.groups import Population, Summary
from voxtrace.analysis.model import Measured
from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.units import Nanos


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
        labels.transport,
    )


def summarize(turns: Iterable[Measured], now_wall_ns: int | None = None) -> Summary:
    """The numbers of `turns`. Turns that failed or were cancelled are counted and never enter a percentile."""
    # Loaded here: numpy takes a tenth of a second, and who shows one turn needs none of it.
    from voxtrace.analysis.columns import columns_of
    from voxtrace.analysis.summing import Summing

    summing = Summing(now_wall_ns)
    at_hand = list(turns)
    if at_hand:
        summing.add(columns_of(at_hand))
    return summing.summary()


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


class Bucket(Struct, frozen=True):
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
