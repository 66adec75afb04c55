"""Sessions as JSON; docs/sessions.md tells what each key means."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from voxtrace.analysis.kv_reuse import Reuse
from voxtrace.analysis.session_trends import SIZES, FirstTurn, Relation, Trend
from voxtrace.analysis.session_turns import FIRST, SessionTurn, Strand
from voxtrace.analysis.sessions import Explained, Session, StrandNumbers
from voxtrace.analysis.statistics.ratio import Ratio
from voxtrace.analysis.statistics.trend import Estimate
from voxtrace.reports.json_report import PLACES, distribution_to_json, interval_to_json, metric_to_json, schema_name
from voxtrace.reports.session_report import Listed
from voxtrace.units import NANOS_PER_SECOND


def list_to_json(listed: Listed) -> dict[str, Any]:
    """The list of sessions."""
    return {
        "schema": schema_name("sessions"),
        "sessions_in_store": listed.in_store,
        "turns_in_sessions": listed.turns,
        "turns_without_session": listed.without,
        "looked_at": listed.looked_at,
        "order": "longest_wait" if listed.is_slowest else "newest",
        "sessions": [session_to_json(session) for session in listed.sessions],
        "first_turns": _ratio(listed.firsts),
    }


def session_to_json(session: Session) -> dict[str, Any]:
    """One session in few numbers."""
    return {
        "session_id": session.session_id,
        "turns": session.turns,
        "looked_at": session.looked_at,
        "first": session.first_wall_ns / NANOS_PER_SECOND,
        "last": session.last_wall_ns / NANOS_PER_SECOND,
        "outcomes": dict(session.outcomes),
        "failed": session.failed,
        "ends_not_known": session.unknown_ends,
        "population": _population(session.main) if session.main else None,
        "turns_of_other_populations": session.others,
        "metric": session.head,
        "wait": None
        if session.wait is None
        else {**distribution_to_json(session.wait), "intervals": _intervals(session.wait.intervals)},
        "not_measured": session.why_unmeasured or None,
        "longest": None
        if session.longest is None
        else {"value": round(session.longest, PLACES + 3), "request_id": session.longest_id},
        "trend": None if session.trend is None else trend_to_json(session.trend),
        "first_turn": None if session.first is None else first_to_json(session.first),
    }


def explained_to_json(explained: Explained) -> dict[str, Any]:
    """Everything about one session."""
    return {
        "schema": schema_name("session"),
        **session_to_json(explained.session),
        "start": explained.start or None,
        "turn_list": [turn_to_json(turn) for turn in explained.turns],
        "populations": [numbers_to_json(numbers) for numbers in explained.strands],
        "first_turn_by_step": [first_to_json(each) for each in explained.firsts],
        "kv_reuse": [reuse_to_json(each) for each in explained.reuse],
        "findings": [{"rule": finding.rule, "message": finding.message} for finding in explained.findings],
    }


def turn_to_json(turn: SessionTurn) -> dict[str, Any]:
    """One turn of a session."""
    return {
        "place": turn.place,
        "request_id": turn.request_id,
        "started": turn.started_wall_ns / NANOS_PER_SECOND,
        "outcome": turn.population.outcome,
        "error": turn.error or None,
        "start": _start(turn.population.start),
        "slowest": turn.slowest or None,
        "metrics": {
            # The events that told a number stand in `voxtrace show ID --json`.
            name: {key: value for key, value in metric_to_json(metric).items() if key != "origin"}
            for name, metric in turn.metrics.items()
        },
        "findings": list(turn.findings),
    }


def numbers_to_json(numbers: StrandNumbers) -> dict[str, Any]:
    """One population of a session."""
    return {
        "population": _population(numbers.strand),
        "turns": len(numbers.strand.turns),
        "metrics": {
            name: {**distribution_to_json(of), "intervals": _intervals(of.intervals)}
            for name, of in numbers.numbers.items()
        },
        "trends": [trend_to_json(trend) for trend in numbers.trends],
        "prompt_size": [relation_to_json(each) for each in numbers.relations],
    }


def trend_to_json(trend: Trend) -> dict[str, Any]:
    """A trend; its slope is in the metric's unit, a turn."""
    return {
        "metric": trend.metric,
        "verdict": trend.verdict,
        "n": trend.n,
        "slope": _estimate(trend.slope),
        "of_lower_bounds": trend.is_bound,
    }


def relation_to_json(relation: Relation) -> dict[str, Any]:
    """A number against the size of the prompt; its slope is in ms for 1000 of `size_unit`."""
    return {
        "metric": relation.metric,
        "size": relation.size or None,
        "size_unit": SIZES.get(relation.size),
        "verdict": relation.verdict,
        "n": relation.n,
        "correlation": _estimate(relation.correlation),
        "slope_per_1000": _estimate(relation.slope),
        "why": relation.why or None,
    }


def first_to_json(first: FirstTurn) -> dict[str, Any]:
    """The first turn against the later ones."""
    return {
        "metric": first.metric,
        "value": None if first.value is None else round(first.value, PLACES + 3),
        "later": first.later,
        "ratio": _ratio(first.ratio),
        "is_slower": first.is_slower if first.ratio else None,
        "why": first.why or None,
    }


def reuse_to_json(reuse: Reuse) -> dict[str, Any]:
    """What one prompt could keep, and what it kept."""
    return {
        "place": reuse.place,
        "request_id": reuse.request_id,
        "start": _start(reuse.start),
        "prompt": reuse.prompt,
        "unit": reuse.unit or None,
        "prefill_ms": reuse.prefill_ms,
        "expected": reuse.expected,
        "expected_by": reuse.how_expected or None,
        "why_not_expected": reuse.why_not_expected or None,
        "observed": reuse.observed,
        "observed_by": reuse.how_observed or None,
        "why_not_observed": reuse.why_not_observed or None,
        "is_read_again": reuse.is_lost if reuse.expected is not None and reuse.observed is not None else None,
        "lost_ms": reuse.lost_ms,
        "pause_s": None if reuse.pause_ns is None else reuse.pause_ns / NANOS_PER_SECOND,
    }


def _population(strand: Strand) -> dict[str, Any]:
    of = strand.population
    return {
        "name": strand.name,
        **asdict(of),
        "start": _start(of.start),
        "is_first": of.start == FIRST,
    }


def _start(start: str) -> str:
    return "unknown" if start == FIRST else start


def _intervals(found: Any) -> dict[str, object]:
    return {name: interval_to_json(each) for name, each in found.items()}


def _estimate(of: Estimate | None) -> dict[str, object] | None:
    return None if of is None else {"value": round(of.value, PLACES + 3), "interval": interval_to_json(of.interval)}


def _ratio(of: Ratio | None) -> dict[str, object] | None:
    if of is None:
        return None
    return {"value": round(of.value, PLACES + 3), "interval": interval_to_json(of.interval), "units": of.units}
