"""The numbers of the Overview. Everything statistical comes from `analysis`, every verdict from `judge`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voxtrace.analysis import Group, Measured, Population, Summary, summarize
from voxtrace.analysis.plausibility import check_population
from voxtrace.analysis.summary import metric_distribution, population_of, series
from voxtrace.dashboard.reading import Reader, row_to_json
from voxtrace.judge.budgets import Budget
from voxtrace.judge.packaged import budget_for, share_budget
from voxtrace.judge.status import Status, Window, follow, level_of
from voxtrace.reports.json_report import distribution_to_json, measured_to_json, summary_to_json
from voxtrace.store import RequestQuery, RequestRow
from voxtrace.units import NANOS_PER_SECOND, Nanos

MAX_ROWS = 3_000  # of the newest requests of a window; the page says when there were more
BUCKETS = 60  # slices of the time axis
STEPS = 5  # windows that a status looks back over, one of them the whole one shown
EXAMPLES = 5
MIN_ERRORS_OF = 20  # requests: one failure of three is 33 % and says nothing about the next thousand

# The first that a population has is its headline; the others follow as cards of their own.
HEADLINES = {"speech": ("ttfa_ms", "server_response_ms"), "conversation": ("voice_to_voice_ms", "turn_total_ms")}
CARDS = {
    "speech": ("first_audio_ms", "ttfb_ms", "server_response_ms", "rtf", "max_stall_ms"),
    "conversation": ("turn_total_ms", "stt_ms", "llm_first_token_ms", "llm_total_ms"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a viewer asked for."""

    minutes: int
    population: str | None = None  # its name; None: the one with most turns


@dataclass(frozen=True, slots=True)
class _Seen:
    """The rows of the window and, before it, those that its earlier windows need."""

    now_wall_ns: int
    minutes: int
    rows: Sequence[RequestRow]
    truncated: bool
    turns: Sequence[Measured]  # source real only; over both windows

    @property
    def length_ns(self) -> int:
        return self.minutes * 60 * NANOS_PER_SECOND

    @property
    def begin_wall_ns(self) -> int:
        return self.now_wall_ns - self.length_ns


def overview(reader: Reader, question: Question, now_wall_ns: int) -> dict[str, Any]:
    """Everything that the Overview shows, as JSON."""
    seen, sources = _look(reader, question.minutes, now_wall_ns)
    inside = [turn for turn in seen.turns if turn.started_wall_ns >= seen.begin_wall_ns]
    inside_rows = [row for row in seen.rows if row.started_wall_ns >= seen.begin_wall_ns]
    unmeasured = sum(1 for row in inside_rows if reader.turn_of(row) is None)
    summary = summarize(inside, now_wall_ns)
    group = _headline_group(summary, question.population)
    newest = None if inside_rows else next(iter(reader.store.recent(RequestQuery(limit=1))), None)
    return {
        "now": now_wall_ns / NANOS_PER_SECOND,
        "begin": seen.begin_wall_ns / NANOS_PER_SECOND,
        "minutes": seen.minutes,
        "seen": len(inside) + unmeasured,
        "unmeasured": unmeasured,
        "truncated": seen.truncated,
        "sources": sources,
        "newest": None if newest is None else row_to_json(newest, reader.turn_of(newest)),
        "summary": summary_to_json(summary),
        "errors": _errors(summary),
        "cache": _cache(inside),
        "population": None,
        **({} if group is None else _of_group(seen, group)),
    }


def _look(reader: Reader, minutes: int, now_wall_ns: int) -> tuple[_Seen, dict[str, int]]:
    length = minutes * 60 * NANOS_PER_SECOND
    since = now_wall_ns - length - length * (STEPS - 1) // STEPS
    rows = reader.store.recent(RequestQuery(limit=MAX_ROWS + 1, since_wall_ns=since))
    truncated = len(rows) > MAX_ROWS and rows[-1].started_wall_ns >= now_wall_ns - length
    rows = rows[:MAX_ROWS]
    turns = [turn for row in rows if (turn := reader.turn_of(row)) is not None]
    begin = now_wall_ns - length
    sources = Counter[str](turn.labels.source for turn in turns if turn.started_wall_ns >= begin)
    # Checked as one population before it is cut into windows: a repeated value is seen only over all of them.
    real = check_population([turn for turn in turns if turn.labels.source == "real"], now_wall_ns)
    return _Seen(now_wall_ns, minutes, rows, truncated, real), dict(sources)


def _headline_group(summary: Summary, asked: str | None) -> Group | None:
    """The population asked for; else the largest that a person waits for."""
    by_name = {group.population.name: group for group in summary.groups}
    if asked in by_name:
        return by_name[asked]
    waited = [group for group in summary.groups if group.population.kind != "events"]
    return next(iter(waited or summary.groups), None)


def _headline_metric(group: Group) -> str:
    names = HEADLINES.get(group.population.kind, ())
    measured = (name for name in names if name in group.metrics and group.metrics[name].measured)
    return next(measured, next((name for name in names if name in group.metrics), "turn_total_ms"))


def _of_group(seen: _Seen, group: Group) -> dict[str, Any]:
    name = _headline_metric(group)
    budget = budget_for(group.population, name)
    members = [turn for turn in seen.turns if population_of(turn) == group.population]
    inside = [turn for turn in members if turn.started_wall_ns >= seen.begin_wall_ns]
    valued = [turn for turn in inside if name in turn.metrics and turn.metrics[name].value is not None]
    slowest = sorted(valued, key=lambda turn: -(turn.metrics[name].value or 0.0))[:EXAMPLES]
    return {
        "population": group.population.name,
        "metric": name,
        "target": None if budget is None else budget.target,
        "cards": [
            _card(seen, group.population, metric, members)
            for metric in (name, *(each for each in CARDS.get(group.population.kind, ()) if each != name))
        ],
        "series": _series(seen, name, inside),
        "heat": _heat(seen, name, valued),
        "slowest": [measured_to_json(turn) for turn in slowest],
    }


def _card(seen: _Seen, population: Population, metric: str, members: Sequence[Measured]) -> dict[str, Any]:
    windows = [_window(seen, metric, members, step) for step in range(STEPS - 1, -1, -1)]
    budget = budget_for(population, metric)
    status = None if budget is None else _status_to_json(follow(windows, budget), budget)
    return {"name": metric, "of": distribution_to_json(windows[-1].of), "status": status}


def _window(seen: _Seen, metric: str, members: Sequence[Measured], steps_back: int) -> Window:
    end = seen.now_wall_ns - seen.length_ns * steps_back // STEPS
    inside = [turn for turn in members if end - seen.length_ns <= turn.started_wall_ns <= end]
    return Window(end, metric_distribution(inside, metric))


def _status_to_json(status: Status, budget: Budget | None = None) -> dict[str, Any]:
    facts: dict[str, Any] = {"level": status.level, "why": status.why}
    if status.since_wall_ns is not None:
        facts["since"] = status.since_wall_ns / NANOS_PER_SECOND
    return (
        facts
        if budget is None
        else facts | {"target": budget.target, "warning": budget.warning, "critical": budget.critical}
    )


def _errors(summary: Summary) -> dict[str, Any]:
    known = sum(count for outcome, count in summary.outcomes.items() if outcome != "unknown")
    status = Status(level_of(summary.error_rate, share_budget("error_rate")))
    if known < MIN_ERRORS_OF:
        status = Status("none", f"n={known}, a rate of errors needs {MIN_ERRORS_OF}")
    return {
        "count": summary.outcomes.get("error", 0),
        "known": known,
        "rate": summary.error_rate,
        "causes": summary.errors,
        "status": _status_to_json(status),
    }


def _cache(turns: Sequence[Measured]) -> dict[str, Any]:
    counts = Counter(turn.labels.cache for turn in turns)
    known = counts["hit"] + counts["partial"] + counts["miss"]
    # Nobody is warned of misses before the cache was ever hit: it may be switched off.
    status = {"level": level_of(counts["hit"] / known, share_budget("cache_hits"))} if counts["hit"] else None
    return {**{state: counts[state] for state in ("hit", "partial", "miss", "unknown")}, "status": status}


def _series(seen: _Seen, metric: str, turns: Sequence[Measured]) -> dict[str, Any]:
    width = Nanos(seen.length_ns // BUCKETS)
    buckets = series(turns, metric, width)
    return {
        "width_s": width / NANOS_PER_SECOND,
        "buckets": [
            {
                "at": bucket.begin_wall_ns / NANOS_PER_SECOND,
                "of": distribution_to_json(bucket.of),
                "slowest": bucket.slowest_request,
            }
            for bucket in buckets
        ],
    }


def _heat(seen: _Seen, metric: str, turns: Sequence[Measured]) -> dict[str, Any]:
    """How many requests fell into each cell; row r holds values from 2^(r/2) to 2^((r+1)/2)."""
    width = seen.length_ns // BUCKETS
    cells = Counter(
        (turn.started_wall_ns // width * width, math.floor(2 * math.log2(value)))
        for turn in turns
        if (value := turn.metrics[metric].value) is not None and value > 0
    )
    rows = [row for _, row in cells]
    return {
        "lowest": min(rows, default=0),
        "highest": max(rows, default=0),
        "cells": [
            {"at": at / NANOS_PER_SECOND, "row": row, "count": count} for (at, row), count in sorted(cells.items())
        ],
    }
