"""The one JSON form of a turn and of a summary: the command line's `--json` and the dashboard send the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from msgspec.structs import asdict

from voxtrace.analysis import Measured, Metric, Summary, Turn
from voxtrace.analysis.alignment import ClockView
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.groups import Group
from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.statistics.interval import Interval
from voxtrace.analysis.steadiness import METHOD, Steadiness
from voxtrace.judge.limits import Verdict
from voxtrace.reports.absence_words import absences_to_json
from voxtrace.reports.path_report import path_to_json
from voxtrace.units import NANOS_PER_SECOND, millis

SCHEMA = "voxtrace/1"
INCONCLUSIVE = "inconclusive"
PLACES = 3  # of milliseconds: what is finer than a microsecond is the machine's noise


def schema_name(form: str) -> str:
    """What a JSON form is called in its field `schema`; `reports.schemas` describes those that commands print."""
    return f"{SCHEMA}/{form}"


def metric_to_json(metric: Metric) -> dict[str, object]:
    """`{"value": x}`, `{"missing": why}` or `{"rejected": rule}`, with what else the metric says of itself."""
    facts: dict[str, object]
    if metric.value is not None:
        facts = {"value": round(metric.value, PLACES + 3)}
    elif metric.missing is not None:
        facts = {"missing": metric.missing}
    else:
        facts = {"rejected": metric.rejected}
    facts["origin"] = metric.origin
    if metric.start:
        facts |= {"start": metric.start, "end": metric.end}
    if metric.bound != "exact":
        facts["bound"] = metric.bound
    if metric.note:
        facts["note"] = metric.note
    if metric.uncertainty is not None:
        facts["uncertainty"] = round(metric.uncertainty, PLACES + 3)
    return facts


def measured_to_json(turn: Measured) -> dict[str, Any]:
    """A turn without its events, as lists show it."""
    total = turn.total or 1
    return {
        "request_id": turn.request_id,
        "session_id": turn.session_id,
        "kind": turn.kind,
        "started": turn.started_wall_ns / NANOS_PER_SECOND,
        # A single event has a place in time and no length.
        "total_ms": _ms(turn.total) if turn.total else None,
        "labels": {name: value for name, value in structs.asdict(turn.labels).items() if value not in ("", None)},
        "metrics": {name: metric_to_json(metric) for name, metric in turn.metrics.items()},
        "parts": [
            {
                "name": part.name,
                "begin_ms": _ms(part.begin),
                "end_ms": _ms(part.end),
                "share": round(part.length / total, 6),
                "explained": part.explained,
                "waited": part.waited,
                **_uncertainty(part.uncertainty),
            }
            for part in turn.parts
        ],
        "findings": [structs.asdict(finding) for finding in turn.findings],
        "slowest": turn.slowest.name if turn.slowest else None,
    }


def turn_to_json(turn: Turn) -> dict[str, Any]:
    """A turn with all that a waterfall draws."""
    return {
        "schema": schema_name("turn"),
        **measured_to_json(turn),
        "spans": [
            {
                "name": span.name,
                "service": span.service,
                "begin_ms": _ms(span.begin),
                "end_ms": None if span.end is None else _ms(span.end),
                "detail": dict(span.detail),
                **_uncertainty(span.uncertainty),
            }
            for span in turn.spans
        ],
        "marks": [
            {
                "at_ms": _ms(mark.at),
                "service": mark.service,
                "name": mark.name,
                "stage": mark.stage,
                "metadata": dict(mark.metadata),
                **({} if mark.raw is None else {"raw_at_ms": _ms(mark.raw), "clock": mark.clock}),
            }
            for mark in turn.marks
        ],
        "chunks": [
            {"at_ms": _ms(chunk.at), "audio_ms": _ms(chunk.audio), "bytes": chunk.bytes} for chunk in turn.chunks
        ],
        "critical_path": path_to_json(turn),
        "clock_note": turn.clock_note,
        "clocks": [clock_to_json(clock) for clock in turn.clocks],
    }


def clock_to_json(clock: ClockView) -> dict[str, object]:
    """One clock of a turn against the first of them; null is what is not known."""
    return {
        "name": clock.name,
        "domain": clock.domain,
        "services": list(clock.services),
        "method": clock.method,
        "ahead_ms": _ms_or_none(clock.offset),
        "uncertainty_ms": _ms_or_none(clock.uncertainty),
        "between_ms": [_ms_or_none(clock.low), _ms_or_none(clock.high)],
        "corrected_by_ms": _ms(clock.corrected),
        "samples": clock.samples,
        "via": list(clock.via),
        "drift_ppm": None if clock.drift_ppm is None else round(clock.drift_ppm, PLACES),
        "steps": clock.steps,
        "samples_away_ms": _ms_or_none(clock.away),
    }


def _uncertainty(nanos: int) -> dict[str, object]:
    return {"uncertainty_ms": _ms(nanos)} if nanos else {}


def _ms_or_none(nanos: int | None) -> float | None:
    return None if nanos is None else _ms(nanos)


def distribution_to_json(of: Distribution) -> dict[str, object]:
    """n measured of n expected, percentiles where there are enough samples, and why the rest is missing."""
    facts: dict[str, object] = {"measured": of.measured, "expected": of.expected}
    for name in ("p50", "p95", "p99", "smallest", "largest"):
        value = getattr(of, name)
        facts[name] = None if value is None else round(value, PLACES + 3)
    facts["bound"] = of.bound
    facts["missing"] = dict(of.missing)
    facts["rejected"] = dict(of.rejected)
    return facts


def interval_to_json(of: Interval) -> dict[str, object]:
    """Both ends, None where an end is open, and the method."""
    ends = {name: None if end is None else round(end, PLACES + 3) for name, end in (("low", of.low), ("high", of.high))}
    return {**ends, "confidence": of.confidence, "method": of.method}


def _intervals(of: Distribution) -> dict[str, object]:
    return {name: interval_to_json(interval) for name, interval in of.intervals.items()}


def group_to_json(group: Group) -> dict[str, object]:
    """One population in numbers."""
    absences = absences_to_json(group.absences)
    return {
        "population": {"name": group.population.name, **asdict(group.population)},
        "turns": group.turns,
        "metrics": {
            name: {
                "unit": DEFINITION_BY_NAME[name].unit,
                **distribution_to_json(of),
                "method": of.method,
                "intervals": _intervals(of),
                "cached_replays": of.replayed,
                "absence": absences.get(name),
            }
            for name, of in group.metrics.items()
        },
        "parts": [
            {
                "name": part.name,
                "share": round(part.share, 6),
                "turns": part.turns,
                "ms": distribution_to_json(part.length),
            }
            for part in group.parts
        ],
        "slowest": [{"name": name, "turns": count} for name, count in group.slowest],
        "continuity": group.continuity,
        "verdict": None if group.is_measured else INCONCLUSIVE,
        "steadiness": [steadiness_to_json(each) for each in group.steadiness],
        "contention": None
        if group.contention is None
        else {
            "ratio": round(group.contention.value, PLACES + 3),
            "interval": interval_to_json(group.contention.interval),
        },
    }


def steadiness_to_json(of: Steadiness) -> dict[str, object]:
    """One run: how many requests were as usual, and which stand out."""
    return {
        "run": of.run or None,
        "metric": of.metric,
        "measured": of.measured,
        "expected": of.expected,
        "median": round(of.median, PLACES + 3),
        "spike_above": round(of.limit, PLACES + 3),
        "flat": of.flat,
        "flat_smallest": round(of.smallest, PLACES + 3),
        "flat_largest": round(of.largest, PLACES + 3),
        "spikes": [
            {"place": each.place, "request_id": each.request_id, "value": round(each.value, PLACES + 3)}
            for each in of.spikes
        ],
        "method": METHOD,
    }


def summary_to_json(summary: Summary, verdicts: Sequence[Verdict] = ()) -> dict[str, Any]:
    """A summary, with what became of limits that somebody named; `full_report` makes a report of it."""
    return {
        "schema": schema_name("summary"),
        "turns": summary.turns,
        "from": _unix(summary.first_wall_ns),
        "to": _unix(summary.last_wall_ns),
        "outcomes": summary.outcomes,
        "errors": summary.errors,
        "error_rate": summary.error_rate,
        # Where nothing was measured nothing is good, however little failed.
        "verdict": None if summary.is_measured else INCONCLUSIVE,
        "groups": [group_to_json(group) for group in summary.groups],
        "findings": [{"rule": rule, "turns": count} for rule, count in summary.findings],
        **({"limits": [verdict_to_json(each) for each in verdicts]} if verdicts else {}),
    }


def verdict_to_json(verdict: Verdict) -> dict[str, object]:
    """What became of one limit."""
    return {
        "limit": verdict.limit.text,
        "verdict": verdict.state,
        "measured": verdict.measured,
        "n": verdict.n,
        "why": verdict.why,
    }


def _ms(nanos: int) -> float:
    return round(millis(nanos), PLACES)


def _unix(wall_ns: int | None) -> float | None:
    return None if wall_ns is None else wall_ns / NANOS_PER_SECOND
