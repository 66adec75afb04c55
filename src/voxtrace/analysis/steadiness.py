"""Flat or with spikes: requests that took many times as long as the others of their run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

from voxtrace.analysis.model import Measured

# The time until somebody heard something, by the best definition that was measured.
METRICS = ("voice_to_voice_ms", "ttfa_ms", "first_audio_ms", "ttfb_ms", "server_response_ms")
FEWEST = 20  # requests: of fewer nobody can say what is usual
TIMES = 3.0  # the median
DEVIATIONS = 6.0  # robust standard deviations of the logarithms, for latencies are skewed
MAD_TO_SIGMA = 1.4826  # of a normal distribution
METHOD = (
    f"A spike is above {TIMES:g} times the median and above {DEVIATIONS:g} robust standard deviations "
    "(median absolute deviation of the logarithms)."
)


@dataclass(frozen=True, slots=True)
class Spike:
    """A request that stands out."""

    place: int  # in the order of starting, from 1
    request_id: str
    value: float


@dataclass(frozen=True, slots=True)
class Steadiness:
    """One metric over one run of requests."""

    run: str  # its session; "" for a whole population
    metric: str
    expected: int
    measured: int
    median: float
    limit: float  # what is above is a spike
    flat: int
    smallest: float  # of the flat ones
    largest: float
    spikes: tuple[Spike, ...]  # in the order of starting


def steadiness(turns: Sequence[Measured]) -> tuple[Steadiness, ...]:
    """How steady the runs of one population are, the largest first.

    Benchmarks and load tests are taken run by run, because runs differ in what they ask; all other requests of the
    population together. Runs with fewer than 20 measured requests are left out.
    """
    runs: dict[str, list[Measured]] = {}
    for turn in turns:
        is_run = turn.labels.source in ("bench", "load") and turn.session_id
        runs.setdefault(str(turn.session_id) if is_run else "", []).append(turn)
    found = [each for run, members in runs.items() if (each := _of_run(run, members)) is not None]
    return tuple(sorted(found, key=lambda each: (-each.measured, each.run)))


def spike_limit(values: Sequence[float]) -> float:
    """The value above which one of `values`, all above 0, is a spike."""
    logs = [log(value) for value in values]
    middle = median(logs)
    sigma = MAD_TO_SIGMA * median(abs(each - middle) for each in logs)
    return max(TIMES * median(values), exp(middle + DEVIATIONS * sigma))


def _of_run(run: str, turns: Iterable[Measured]) -> Steadiness | None:
    ordered = sorted(turns, key=lambda turn: (turn.started_wall_ns, turn.request_id))
    for metric in METRICS:
        known = [
            Spike(place, turn.request_id, value)
            for place, turn in enumerate(ordered, 1)
            if (value := _value(turn, metric)) is not None and value > 0
        ]
        if len(known) >= FEWEST:
            return _told(run, metric, len(ordered), known)
    return None


def _value(turn: Measured, name: str) -> float | None:
    metric = turn.metrics.get(name)
    return metric.value if metric and metric.bound == "exact" else None


def _told(run: str, metric: str, expected: int, known: Sequence[Spike]) -> Steadiness:
    values = [each.value for each in known]
    limit = spike_limit(values)
    flat = [value for value in values if value <= limit]
    return Steadiness(
        run=run,
        metric=metric,
        expected=expected,
        measured=len(known),
        median=median(values),
        limit=limit,
        flat=len(flat),
        smallest=min(flat),
        largest=max(flat),
        spikes=tuple(each for each in known if each.value > limit),
    )
