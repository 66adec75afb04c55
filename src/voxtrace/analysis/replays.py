"""Runs whose first request took many times as long as those that repeated it: the others came out of a cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from voxtrace.analysis.model import Measured
from voxtrace.units import millis

# Warming up makes the first request of a run two or three times as long; a cache makes the others vanish.
TIMES = 20.0
FEWEST = 1  # that repeated it
SOURCES = ("bench", "load", "probe")
# Above this many times real time no engine speaks that has a model: it was there already. Formant synthesisers do:
# espeak-ng was measured at 3,700 times.
FASTEST = 100.0
FORMANT = ("espeak", "flite", "pico", "mbrola")
LENGTHS = ("ttfa_ms", "first_audio_ms", "ttfb_ms")
RULE = "cached_replay"


def replayed(turns: Sequence[Measured]) -> frozenset[str]:
    """Ids of requests that must have been replays, because their run says so, though nothing in them does.

    Requests of one session that are benchmarks or probes are a run. What is labelled as cached is no surprise.
    """
    runs: dict[str, list[Measured]] = {}
    for turn in turns:
        if turn.session_id and _is_open(turn):
            runs.setdefault(turn.session_id, []).append(turn)
    return frozenset().union(*map(_repeats, runs.values()))


def impossible_ratio(turn: Measured) -> float | None:
    """The real-time ratio of a request, where it alone says that this was a replay."""
    metric = turn.metrics.get("realtime_ratio")
    ratio = metric.value if metric else None
    if ratio is None or ratio <= FASTEST or turn.labels.engine.lower().startswith(FORMANT):
        return None
    return ratio if _is_open(turn) else None


def _is_open(turn: Measured) -> bool:
    """Whether nothing says if a cache answered, of a request that was made to measure."""
    return turn.kind == "speech" and turn.labels.source in SOURCES and turn.labels.cache == "unknown"


def _repeats(run: list[Measured]) -> frozenset[str]:
    return repeats_of(
        [(turn.started_wall_ns, turn.request_id, length) for turn in run if (length := _length(turn)) is not None]
    )


def repeats_of(run: Iterable[tuple[int, str, float]]) -> frozenset[str]:
    """Ids of the requests of one run, each with its start and its length, that its first one made needless."""
    timed = sorted(each for each in run if each[2] > 0)
    if len(timed) <= FEWEST:
        return frozenset()
    (_, _, first), *others = timed
    if first < TIMES * median(length for _, _, length in others):
        return frozenset()
    return frozenset(request_id for _, request_id, length in others if first >= TIMES * length)


def _length(turn: Measured) -> float | None:
    known = (turn.metrics[name].value for name in LENGTHS if name in turn.metrics)
    return next((value for value in known if value is not None), millis(turn.total) or None)
