"""Flat or with spikes: requests that took many times as long as the others of their run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import exp, log

from msgspec import Struct

from voxtrace.analysis.model import Measured

# The time until somebody heard something, by the best definition that was measured.
METRICS = ("voice_to_voice_ms", "ttfa_ms", "first_audio_ms", "ttfb_ms", "server_response_ms")
RUN_SOURCES = ("bench", "load")  # whose sessions are runs
FEWEST = 20  # requests: of fewer nobody can say what is usual
TIMES = 3.0  # the median
DEVIATIONS = 6.0  # robust standard deviations of the logarithms, for latencies are skewed
MAD_TO_SIGMA = 1.4826  # of a normal distribution
METHOD = (
    f"A spike is above {TIMES:g} times the median and above {DEVIATIONS:g} robust standard deviations "
    "(median absolute deviation of the logarithms)."
)


class Spike(Struct, frozen=True):
    """A request that stands out."""

    place: int  # in the order of starting, from 1
    request_id: str
    value: float


class Steadiness(Struct, frozen=True):
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
        is_run = turn.labels.source in RUN_SOURCES and turn.session_id
        runs.setdefault(str(turn.session_id) if is_run else "", []).append(turn)
    found = [each for run, members in runs.items() if (each := _of_run(run, members)) is not None]
    return tuple(sorted(found, key=lambda each: (-each.measured, each.run)))


def spike_limit(values: Sequence[float]) -> float:
    """The value above which one of `values`, all above 0, is a spike."""
    return _limit(sorted(values))


def _limit(ordered: Sequence[float]) -> float:
    far = TIMES * _median(ordered)
    if ordered[-1] <= far:
        return far  # nobody is far enough, however narrow the spread: most runs end here
    logs = list(map(log, ordered))
    middle = _median(logs)
    sigma = MAD_TO_SIGMA * _median(sorted([abs(each - middle) for each in logs]))
    return max(far, exp(middle + DEVIATIONS * sigma))


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _of_run(run: str, turns: Sequence[Measured]) -> Steadiness | None:
    starts = [(turn.started_wall_ns, turn.request_id) for turn in turns]
    for metric in METRICS:
        known = [
            (found.value or 0.0, start)
            for turn, start in zip(turns, starts, strict=True)
            if (found := turn.metrics.get(metric)) and (found.value or 0) > 0 and found.bound == "exact"
        ]
        if len(known) >= FEWEST:
            return steady_run(run, metric, starts, known)
    return None


def steady_run(
    run: str, metric: str, starts: Sequence[tuple[int, str]], known: Sequence[tuple[float, tuple[int, str]]]
) -> Steadiness:
    """What is to be said of one run.

    Args:
        run: its name.
        metric: what was measured.
        starts: Unix time and id of every request, measured or not.
        known: the value of each measured request, above 0, and which of `starts` it is.
    """

    def above(limit: float) -> tuple[Spike, ...]:
        in_time = sorted(starts)
        high = sorted((start, value) for value, start in known if value > limit)
        return tuple(Spike(bisect_left(in_time, start) + 1, start[1], value) for start, value in high)

    return steadiness_of((run, metric), len(starts), sorted([value for value, _ in known]), above)


def steadiness_of(
    names: tuple[str, str], expected: int, ordered: Sequence[float], above: Callable[[float], tuple[Spike, ...]]
) -> Steadiness:
    """What is to be said of one run whose spikes are looked for only if there are any.

    Args:
        names: those of the run and of what was measured.
        expected: requests, measured or not.
        ordered: their values, above 0, in ascending order.
        above: the requests with values above a limit, in the order of starting.
    """
    limit = _limit(ordered)
    flat = bisect_right(ordered, limit)
    return Steadiness(
        run=names[0],
        metric=names[1],
        expected=expected,
        measured=len(ordered),
        median=_median(ordered),
        limit=limit,
        flat=flat,
        smallest=ordered[0],
        largest=ordered[flat - 1],
        spikes=above(limit) if flat < len(ordered) else (),
    )
