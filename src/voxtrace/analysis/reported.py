"""Rules about what other tools say of themselves: numbers that they computed, and the dates they give.

Importers keep such numbers as `reported_…` facts of a request. They are no metrics; they give results away that can't
have been measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import isfinite

from voxtrace.analysis.doubts import TTFA, Doubt, TurnRule, value_of
from voxtrace.analysis.model import Turn
from voxtrace.analysis.timeline import Timeline, finite
from voxtrace.units import NANOS_PER_SECOND, millis

EFFICIENCY = ("streaming_efficiency", "streamingEfficiency", "efficiency", "reported_efficiency")
API_LATENCY = "reported_api_latency_ms"
MAX_GAP = "reported_max_gap_ms"
NEXT_RESULT = "next_result_after_ms"
DATES_APART = "dates_apart_s"

_PERCENTILE = re.compile(r"(.*?)(p50|median|p95|p99)(|_.*)")
# Under which names tools say that something went well, and of how much they say it.
_VERDICTS = frozenset({"success", "passed", "pass", "passes_gate", "overall_health"})
_RATES = frozenset({"success_rate", "avg_success_rate"})
_COUNTED = (
    *("total_requests", "successful_requests", "request_count", "num_requests"),
    *("total_trials", "successful_trials", "sample_count", "total_tests"),
)
ROUNDED = 0.01  # summaries are printed with two digits
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(%?)\s*")

# Two clocks that are never read at once agree to a microsecond only where one number was copied.
SAME_MS = 0.0005
# A run's timestamps are rounded, and trials follow each other at once.
PACE = 0.9
# Behind the first byte, so long and so many times as long: what came first was a header.
SILENCE_MS, SILENCE_TIMES = 1000.0, 10.0
# A zone is a multiple of a quarter of an hour, at most 14 hours; names of files have whole seconds.
ZONE_STEP_S, ZONE_MOST_S, DATE_SLACK_S = 900, 14 * 3600, 60.0


def dates_apart(epoch_ns: int, other_ns: int) -> float:
    """Seconds between two dates of one record that no time zone explains; 0 where one does."""
    apart = abs(epoch_ns - other_ns) / NANOS_PER_SECOND
    if apart > ZONE_MOST_S + DATE_SLACK_S:
        return apart
    rest = apart % ZONE_STEP_S
    unexplained = min(rest, ZONE_STEP_S - rest)
    return unexplained if unexplained > DATE_SLACK_S else 0.0


def document_doubts(document: object) -> Iterator[tuple[str, str]]:
    """What can't be true of a file's own sums: the rule, and where and why in words."""
    told = (
        ("p50_above_p95", out_of_order(document)),
        ("mean_outside_range", mean_outside(document)),
        ("success_without_data", success_without_data(document)),
        ("api_equals_ttfa", copied_latency(document)),
    )
    return ((rule, doubt) for rule, doubt in told if doubt)


def out_of_order(document: object) -> str:
    """The first summary within a document whose percentiles contradict each other, in words; "" where none does."""
    for path, found in _objects(document, "", 0):
        for (of, _), known in _percentiles(found).items():
            ordered = [(name, known[name]) for name in ("p50", "p95", "p99") if name in known]
            for (lower, one), (upper, other) in pairwise(ordered):
                if one > other:
                    return f"{_place(path, of)} has {lower} = {one:g} above {upper} = {other:g}"
    return ""


def _percentiles(found: Mapping[str, object]) -> dict[tuple[str, str], dict[str, float]]:
    """The percentiles of an object, by what stands around their names: `ttfa_p50_ms` and `ttfa_p95_ms` are of one."""
    by: dict[tuple[str, str], dict[str, float]] = {}
    for key, value in found.items():
        named = _PERCENTILE.fullmatch(key) if isinstance(key, str) else None
        if named is not None and (number := _told(value)) is not None:
            name = "p50" if named[2] == "median" else named[2]
            by.setdefault((named[1], named[3]), {}).setdefault(name, number)
    return by


def mean_outside(document: object) -> str:
    """The first summary whose mean is no mean of what lies between its least and greatest, in words; else ""."""
    for path, found in _objects(document, "", 0):
        mean = _told(found.get("mean", found.get("avg")))
        least, most = _told(found.get("min")), _told(found.get("max"))
        if mean is None:
            continue
        slack = ROUNDED + abs(mean) * 1e-6
        if (least is not None and mean < least - slack) or (most is not None and mean > most + slack):
            bounds = " to ".join("?" if each is None else f"{each:g}" for each in (least, most))
            return f"{_place(path)} has a mean of {mean:g} outside {bounds}"
    return ""


def success_without_data(document: object) -> str:
    """The first claim of success over nothing, in words; "" where there is none."""
    for path, found in _objects(document, "", 0):
        near = [found, *(each for each in found.values() if isinstance(each, dict))]
        claims = next((key for each in near for key in each if _claims(key, each[key])), None)
        empty = next((key for each in near for key in _COUNTED if _told(each.get(key)) == 0), None)
        if claims and empty:
            return f"{_place(path)} says {claims} with {empty} = 0: inconclusive, and no pass"
    return ""


def _claims(key: object, value: object) -> bool:
    if key in _VERDICTS:
        return value is True or value == "healthy"
    return key in _RATES and (_told(value) or 0.0) > 0


def _place(path: str, of: str = "") -> str:
    return ".".join(each for each in (path, of.strip("_")) if each) or "its summary"


def _told(value: object) -> float | None:
    """A number, or one that was written as text."""
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        return finite(float(found[1]))
    return finite(value)


def copied_latency(document: object) -> str:
    """Where a document gives an API latency that is the client's TTFA over again, in words; "" where none does."""
    for path, found in _objects(document, "", 0):
        api, ttfa = found.get("api_latency_ms"), found.get("ttfa_ms")
        if not isinstance(api, dict) or not isinstance(ttfa, dict):
            continue
        one, other = _told(api.get("p95")), _told(ttfa.get("p95"))
        if one is not None and one == other:
            return f"{path or 'it'} gives one p95 of {one:g} ms for the API and for the client's TTFA: one is a copy"
    return ""


def _objects(found: object, path: str, depth: int) -> Iterator[tuple[str, Mapping[str, object]]]:
    if depth > 8:
        return
    if isinstance(found, dict):
        yield path, found
        for key, value in found.items():
            yield from _objects(value, f"{path}.{key}" if path else str(key)[:80], depth + 1)
    elif isinstance(found, list):
        for each in found[:1000]:
            yield from _objects(each, path, depth + 1)


def _facts(timeline: Timeline, *names: str) -> Iterable[object]:
    if timeline.told.isdisjoint(names):
        return ()
    told = (placed.event.metadata for placed in timeline.axis.placed)
    return (metadata[name] for metadata in told for name in names if name in metadata)


def _reported_ratios(timeline: Timeline) -> Iterator[tuple[float, bool]]:
    """Efficiencies that a tool reported, and whether it called them percent."""
    for told in _facts(timeline, *EFFICIENCY):
        if isinstance(told, str) and (found := _NUMBER.fullmatch(told)):
            yield float(found[1]), found[2] == "%"
        elif isinstance(told, int | float) and not isinstance(told, bool) and isfinite(told):
            yield float(told), False


def _full_ratio_without_chunks(turn: Turn, timeline: Timeline) -> Doubt | None:
    if turn.chunks:
        return None
    if value_of(turn, "realtime_ratio") == 1.0:
        return Doubt("a real-time ratio of exactly 100 % without any chunk times", ("realtime_ratio",))
    if any(
        ratio == (100.0 if is_percent else 1.0) or ratio == 100.0 for ratio, is_percent in _reported_ratios(timeline)
    ):
        return Doubt("a reported efficiency of exactly 100 % without any chunk times: it was not measured")
    return None


def _ratio_called_percent(turn: Turn, timeline: Timeline) -> Doubt | None:
    measured = value_of(turn, "realtime_ratio")
    if measured is None or measured <= 0:
        return None
    for ratio, is_percent in _reported_ratios(timeline):
        if is_percent and abs(ratio - measured) <= 0.05 * measured:
            return Doubt(f"an efficiency of {ratio:g} % is the ratio {measured:.3f}, which is {measured:.1%}")
    return None


def _api_equals_ttfa(turn: Turn, timeline: Timeline) -> Doubt | None:
    api = next((value for told in _facts(timeline, API_LATENCY) if (value := finite(told)) is not None), None)
    if api is None:
        return None
    for name in ("ttfa_ms", "first_audio_ms", "ttfb_ms"):
        own = value_of(turn, name)
        if own is not None and abs(own - api) <= SAME_MS:
            gone = (*TTFA, "first_audio_ms", "ttfb_ms")
            return Doubt(f"the API's latency and the client's first sound are both {own:.3f} ms: one is a copy", gone)
    return None


def _closer_than_claimed(turn: Turn, timeline: Timeline) -> Doubt | None:
    gap = next((value for told in _facts(timeline, NEXT_RESULT) if (value := finite(told)) is not None), None)
    claimed = millis(turn.total)
    if gap is None or gap >= PACE * claimed - 1.0:
        return None
    message = f"it claims to have taken {claimed:,.0f} ms, and its neighbour was written {gap:,.3f} ms apart"
    return Doubt(message, tuple(turn.metrics))


def _first_byte_then_silence(turn: Turn, timeline: Timeline) -> Doubt | None:
    first, gap = value_of(turn, "ttfb_ms"), max(filter(None, map(finite, _facts(timeline, MAX_GAP))), default=None)
    if first is None or gap is None or gap < max(SILENCE_MS, SILENCE_TIMES * first):
        return None
    return Doubt(f"the first bytes came after {first:.1f} ms and then none for {gap:,.0f} ms: a header is no sound")


def _date_disagrees(turn: Turn, timeline: Timeline) -> Doubt | None:
    apart = next((value for told in _facts(timeline, DATES_APART) if (value := finite(told)) is not None), None)
    if not apart:
        return None
    return Doubt(f"it gives two dates that are {apart:,.0f} s apart, which no time zone explains")


REPORTED_RULES: tuple[TurnRule, ...] = (
    TurnRule(
        "full_ratio_without_chunks",
        "A ratio of exactly 100 % without chunk times is a constant.",
        _full_ratio_without_chunks,
    ),
    TurnRule(
        "ratio_called_percent",
        "A ratio with a percent sign behind it is a hundred times off.",
        _ratio_called_percent,
        about=frozenset(EFFICIENCY),
    ),
    TurnRule(
        "api_equals_ttfa",
        "Two measurements that agree to the microsecond are one number copied.",
        _api_equals_ttfa,
        about=frozenset({API_LATENCY}),
    ),
    TurnRule(
        "closer_than_claimed",
        "Results of one run that are written closer together than the durations they claim were made up.",
        _closer_than_claimed,
        about=frozenset({NEXT_RESULT}),
    ),
    TurnRule(
        "first_byte_then_silence",
        "A first byte with a long silence behind it was a header: it is no time to first audio.",
        _first_byte_then_silence,
        about=frozenset({MAX_GAP}),
    ),
    TurnRule(
        "date_disagrees",
        "A record whose date disagrees with its own epoch has a wrong time.",
        _date_disagrees,
        about=frozenset({DATES_APART}),
    ),
)

DOCUMENT_RULES: dict[str, str] = {
    "p50_above_p95": "A summary whose p50 is above its p95 was not computed from samples; `voxtrace import` says so.",
    "mean_outside_range": "A mean below the least or above the greatest of its samples was not computed from them; "
    "`voxtrace import` says so.",
    "success_without_data": "A success of no request, trial or sample is none; `voxtrace import` says so.",
}
