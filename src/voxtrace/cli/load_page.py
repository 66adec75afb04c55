"""The result of a load test for a terminal, as Markdown and as JSON; all three are made from the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.groups import Group
from voxtrace.analysis.quantiles import Distribution
from voxtrace.cli.load_outcome import LoadOutcome, rates_of
from voxtrace.judge.limits import Verdict
from voxtrace.loadtest.arrivals import ClosedLoop
from voxtrace.reports.json_report import distribution_to_json, schema_name, summary_to_json, verdict_to_json
from voxtrace.reports.summary_report import METRIC_HEAD, metric_rows, missing_rows
from voxtrace.reports.words import NONE, amount, coverage, percentile
from voxtrace.units import NANOS_PER_SECOND

# What a page shows of each class of text; --json has every metric.
SHOWN = (
    "ttfa_ms", "ttfa_from_send_ms", "first_audio_ms", "ttfb_ms", "headers_ms", "leading_silence_ms", "audio_ms",
    "realtime_ratio", "stall_count", "max_stall_ms", "required_prebuffer_ms",
)  # fmt: skip
SELF_HEAD = ("the generator itself", "p50", "p99", "largest", "measured")
ERROR_HEAD = ("error", "requests", "known after p50", "p95", "largest", "measured", "for example")
LIMIT_HEAD = ("limit", "verdict", "measured", "n", "")
METHOD = (
    "ttfa_ms counts from the planned moment of each request (no coordinated omission), ttfa_from_send_ms from its "
    "sending. Failed requests are counted and enter no percentile."
)


def plan_line(outcome: LoadOutcome) -> str:
    """What was asked for."""
    plan, work = outcome.run.plan, outcome.run.plan.workload
    arrivals = plan.arrivals
    if isinstance(arrivals, ClosedLoop):
        think = f", thinking {arrivals.think_s:g} s" if arrivals.think_s else ""
        who = f"{arrivals.users} users{think} for {arrivals.seconds:g} s"
    else:
        to = "" if arrivals.end_rate_per_s is None else f" to {arrivals.end_rate_per_s:g}"
        who = f"{arrivals.shape} arrivals, {arrivals.rate_per_s:g}{to}/s for {arrivals.seconds:g} s"
    texts = " ".join(f"{name}={weight:g}" for name, weight in work.texts.items())
    kind = "repeated texts" if work.repeat else "new texts, no-cache"
    pace = "" if work.pace == "at once" else ", read in real time"
    return f"{who}; {texts} ({kind}); {work.format}, {work.voice}{pace}; seed {plan.seed}"


def run_lines(outcome: LoadOutcome) -> Iterator[str]:
    """What became of it, as a whole."""
    run = outcome.run
    rates = rates_of(run)
    counts = {"offered": run.offered, "sent": run.sent, "completed": run.completed}
    yield "; ".join(f"{name} {count:,} ({_rate(rates[f'{name}_per_s'])})" for name, count in counts.items())
    seconds = (run.ended_ns - run.started_ns) / NANOS_PER_SECOND
    took = f"{seconds:.1f} s in all, {run.connections} connections opened"
    yield f"{took}; ended early by Ctrl-C" if run.interrupted else took
    if outcome.events_dropped:
        yield f"{outcome.events_dropped} events found no room and are not recorded"
    yield f"NOT VALID: {'; '.join(outcome.faults)}" if outcome.faults else "valid: the generator kept up with its plan"


def self_rows(outcome: LoadOutcome) -> Iterator[tuple[str, ...]]:
    """What the generator knows about itself."""
    check = outcome.check
    yield _self_row("sent behind the plan", check.late_ms)
    yield _self_row("lag of its event loop", check.lag_ms)
    if check.error_ms is None:
        yield ("error of its first audio", *(["not calibrated (--calibrate)"] + [NONE] * 3))
    else:
        yield _self_row("error of its first audio", check.error_ms)
    yield ("processor, of one core", f"{check.cpu_share:.0%}", NONE, NONE, NONE)


def error_rows(outcome: LoadOutcome) -> Iterator[tuple[str, ...]]:
    """Failures by cause."""
    for kind in outcome.errors:
        of = kind.told_ms
        tail = percentile(of, of.p50, "ms"), percentile(of, of.p95, "ms"), percentile(of, of.largest, "ms")
        yield (kind.code, str(kind.count), *tail, coverage(of), kind.example)


def limit_rows(outcome: LoadOutcome) -> Iterator[tuple[str, ...]]:
    """What became of each limit."""
    for verdict in outcome.verdicts:
        yield verdict.limit.text, verdict.state, _measured(verdict), str(verdict.n), verdict.why


def load_to_terminal(outcome: LoadOutcome) -> RenderableType:
    """For people at a terminal."""
    lines = list(run_lines(outcome))
    blocks: list[RenderableType] = [Text(outcome.run.told.url, style="bold"), Text(plan_line(outcome))]
    blocks += [Text(line, style="bold red" if line.startswith("NOT VALID") else "") for line in lines]
    for title, group in _groups(outcome):
        blocks += [Text(), Text(title, style="bold"), _table(METRIC_HEAD, _metric_rows(group))]
        if missing := list(_missing(group)):
            blocks += [Text(), _table(("not measured", "why (requests)"), missing)]
    blocks += [Text(), _table(SELF_HEAD, self_rows(outcome))]
    for head, rows in ((ERROR_HEAD, list(error_rows(outcome))), (LIMIT_HEAD, list(limit_rows(outcome)))):
        if rows:
            blocks += [Text(), _table(head, rows)]
    return Stack(*blocks, Text(), Text(METHOD, style="dim"))


def load_to_markdown(outcome: LoadOutcome) -> str:
    """For an issue, a chat or a file."""
    lines = [f"# Load test of {outcome.run.told.url}", "", plan_line(outcome), ""]
    lines += [f"- {line}" for line in run_lines(outcome)]
    for title, group in _groups(outcome):
        lines += ["", f"## {title}", "", *_markdown(METRIC_HEAD, _metric_rows(group))]
        if missing := list(_missing(group)):
            lines += ["", *_markdown(("not measured", "why (requests)"), missing)]
    lines += ["", "## The generator", "", *_markdown(SELF_HEAD, self_rows(outcome))]
    for title, head, rows in (
        ("Errors", ERROR_HEAD, list(error_rows(outcome))),
        ("Limits", LIMIT_HEAD, list(limit_rows(outcome))),
    ):
        if rows:
            lines += ["", f"## {title}", "", *_markdown(head, rows)]
    return "\n".join([*lines, "", f"_{METHOD}_", ""])


def load_to_json(outcome: LoadOutcome) -> dict[str, Any]:
    """For programs."""
    run, check = outcome.run, outcome.check
    plan = run.plan
    own = {"late_ms": check.late_ms, "loop_lag_ms": check.lag_ms}
    return {
        "schema": schema_name("load"),
        "target": run.told.url,
        "plan": {
            "arrivals": "closed" if isinstance(plan.arrivals, ClosedLoop) else plan.arrivals.shape,
            **{name: value for name, value in asdict(plan.arrivals).items() if name != "shape"},
            **asdict(plan.workload),
            "seed": plan.seed,
            "run": plan.run,
        },
        "valid": not outcome.faults,
        "invalid_because": list(outcome.faults),
        "interrupted": run.interrupted,
        "counts": {"offered": run.offered, "sent": run.sent, "completed": run.completed},
        "rates": rates_of(run),
        "connections": run.connections,
        "generator": {
            **{name: distribution_to_json(of) for name, of in own.items()},
            "cpu_share": round(check.cpu_share, 4),
            "calibration_error_ms": None if check.error_ms is None else distribution_to_json(check.error_ms),
        },
        "scenarios": {kind: summary_to_json(summary) for kind, summary in outcome.scenarios.items()},
        "errors": [
            {"code": each.code, "count": each.count, "example": each.example,
             "known_after_ms": distribution_to_json(each.told_ms)}
            for each in outcome.errors
        ],
        "limits": [verdict_to_json(each) for each in outcome.verdicts],
        "events_dropped": outcome.events_dropped,
    }  # fmt: skip


def _groups(outcome: LoadOutcome) -> Iterator[tuple[str, Group]]:
    for kind, summary in sorted(outcome.scenarios.items()):
        for group in summary.groups:
            continuity = NONE if group.continuity is None else f"{group.continuity:.1%}"
            told = f"{group.turns} requests, {continuity} of them without a stall over 100 ms"
            cache = "" if group.population.cache == "unknown" else f", cache {group.population.cache}"
            yield f"{kind}{cache}: {told}", group


def _metric_rows(group: Group) -> list[tuple[str, ...]]:
    by_name = {row[0]: row for row in metric_rows(group)}
    return [by_name[name] for name in SHOWN if name in by_name]


def _missing(group: Group) -> Iterator[tuple[str, str]]:
    return ((name, why) for name, why in missing_rows(group) if name in SHOWN)


def _self_row(name: str, of: Distribution) -> tuple[str, ...]:
    values = (percentile(of, value, "ms") for value in (of.p50, of.p99, of.largest))
    return (name, *values, coverage(of))


def _rate(per_s: float | None) -> str:
    return NONE if per_s is None else f"{per_s:.1f}/s"


def _measured(verdict: Verdict) -> str:
    if verdict.measured is None:
        return NONE
    definition = DEFINITION_BY_NAME.get(verdict.limit.name)
    return amount(verdict.measured, definition.unit) if definition else f"{verdict.measured:.2%}"


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for index, name in enumerate(head):
        table.add_column(name, justify="right" if index and name in _NUMERIC else "left")
    for row in rows:
        table.add_row(*row)
    return table


_NUMERIC = frozenset({*METRIC_HEAD[1:], *SELF_HEAD[1:], *ERROR_HEAD[1:-1], "measured"})


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _markdown_row(head)
    yield _markdown_row("---:" if name in _NUMERIC else "---" for name in head)
    for row in rows:
        yield _markdown_row(row)


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
