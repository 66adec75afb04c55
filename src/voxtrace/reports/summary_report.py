"""A summary for the terminal and as markdown; both are made from the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from voxtrace.analysis import Group, Summary
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.plausibility import EXPLANATIONS
from voxtrace.analysis.quantiles import NEAREST_RANK
from voxtrace.analysis.steadiness import METHOD as SPIKES
from voxtrace.analysis.steadiness import Steadiness
from voxtrace.judge.limits import Verdict
from voxtrace.reports.absence_words import METHOD as ABSENCE
from voxtrace.reports.absence_words import absence_rows, distorted
from voxtrace.reports.words import (
    NONE,
    amount,
    counted,
    coverage,
    interval,
    percent,
    percentile,
    point_in_time,
    unit_of,
)

METRIC_HEAD = ("metric", "p50", "95 % interval", "p95", "95 % interval", "p99", "smallest", "largest", "measured")
# What a narrow terminal and a wide one leave out; a page has all.
_WITHOUT_INTERVALS = (2, 4)
_WITHOUT_SMALLEST = (6,)
_WITHOUT_ENDS = (2, 4, 6)
_WIDE, _NARROW = 114, 90  # columns of a table with intervals, and of one without them
ABSENT_HEAD = ("missing in some turns", "what that does")
PART_HEAD = ("part", "share of the wait", "p50", "p95", "in turns")
FINDING_HEAD = ("rule", "turns", "why")
RUNS_SHOWN = 10
SPIKES_SHOWN = 8
METHOD = (
    "Percentiles are nearest-rank over one population each, uncorrected for repeated sessions; "
    "p95 is shown from 20 samples on, p99 from 100; intervals are order statistics (exact binomial). "
    "Failed requests are counted above and enter no percentile."
)

REPLAYED = "Cached, by the rule cached_replay: no synthesis took that time, and it keeps no limit."


def method(summary: Summary) -> str:
    """How the numbers were made, with a word on those that are not exact."""
    used = {of.method for group in summary.groups for of in group.metrics.values()} - {NEAREST_RANK}
    words = [METHOD]
    words += [f"Of more than 100,000 samples: {'; '.join(sorted(used))}."] if used else []
    words += [SPIKES] if any(group.steadiness for group in summary.groups) else []
    words += [REPLAYED] if any(of.replayed for group in summary.groups for of in group.metrics.values()) else []
    words += [ABSENCE] if any(group.absences for group in summary.groups) else []
    return " ".join(words)


def metric_rows(group: Group) -> Iterator[tuple[str, ...]]:
    """One row a metric that somebody measured; the unmeasured ones follow in `missing_rows`."""
    for name, of in group.metrics.items():
        if not of.measured:
            continue
        unit = unit_of(name)
        tail = (
            percentile(of, of.p50, unit),
            interval(of, "p50", unit),
            percentile(of, of.p95, unit),
            interval(of, "p95", unit),
            percentile(of, of.p99, unit),
        )
        ends = (percentile(of, of.smallest, unit), percentile(of, of.largest, unit))
        yield (name, *tail, *ends, f"{coverage(of)}{_beside(group, name)}")


def _beside(group: Group, name: str) -> str:
    """What has to be known of a number where it stands: what it leaves out, and what should not be in it."""
    uneven, replayed = distorted(group.absences.get(name), name), group.metrics[name].replayed
    return f"{uneven and f' {uneven}'}{f', {replayed:,} cached' if replayed else ''}"


def missing_rows(group: Group) -> Iterator[tuple[str, str]]:
    """What no turn, or not every turn, has a value for, and why; what lacks the same stands together."""
    alike: dict[str, list[str]] = {}
    for name, of in group.metrics.items():
        reasons = [f"{why} ({count})" for why, count in of.missing[:2]]
        reasons += [f"rejected by {rule} ({count})" for rule, count in of.rejected]
        if reasons:
            alike.setdefault("; ".join(reasons), []).append(name)
    for words, names in alike.items():
        yield ", ".join(names), words


def finding_rows(summary: Summary) -> Iterator[tuple[str, ...]]:
    """Which rules found something in how many turns, and what each says."""
    for rule, count in summary.findings:
        yield (rule, f"{count:,}", EXPLANATIONS.get(rule, ""))


def part_rows(group: Group) -> Iterator[tuple[str, ...]]:
    """Where the waited time went."""
    for part in group.parts:
        of = part.length
        yield (
            part.name,
            percent(part.share),
            percentile(of, of.p50, "ms"),
            percentile(of, of.p95, "ms"),
            coverage(of),
        )


def headline(summary: Summary) -> str:
    """What it is about, in two lines: how many turns of which time, and how they ended."""
    ends = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items()) or "none"
    rate = NONE if summary.error_rate is None else percent(summary.error_rate)
    first, last = point_in_time(summary.first_wall_ns), point_in_time(summary.last_wall_ns)
    if not summary.is_measured:
        rate += "\ninconclusive: no metric was measured; that is no pass"
    return f"{counted(summary.turns, 'turn')} from {first} to {last}\nhow they ended: {ends}; error rate {rate}"


def continuity_line(group: Group) -> str:
    """How many streams a listener heard without a break."""
    if group.continuity is None:
        return "continuity: not measured (no client's chunk times)"
    return f"continuity: {percent(group.continuity)} of {counted(group.turns, 'stream')} without a stall over 100 ms"


def steadiness_lines(group: Group) -> Iterator[str]:
    """How many requests of each run were as usual, and which stand out."""
    for run in group.steadiness[:RUNS_SHOWN]:
        name = f"{run.run}: " if run.run else ""
        of = f"{run.measured:,} of {run.expected:,}" if run.measured < run.expected else f"{run.measured:,}"
        low, high, middle = (amount(value, "ms") for value in (run.smallest, run.largest, run.median))
        line = f"{name}{run.metric} of {of} requests: {run.flat:,} flat ({low} to {high}, median {middle})"
        spikes = counted(len(run.spikes), "spike") if run.spikes else "no spike"
        yield f"{line}, {spikes}" + (f" above {amount(run.limit, 'ms')}: {_spikes(run)}" if run.spikes else "")
    if len(group.steadiness) > RUNS_SHOWN:
        yield f"and {len(group.steadiness) - RUNS_SHOWN} more runs; --json lists all"


def _spikes(run: Steadiness) -> str:
    shown = [f"{amount(each.value, 'ms')} (no. {each.place:,})" for each in run.spikes[:SPIKES_SHOWN]]
    more = [f"and {len(run.spikes) - SPIKES_SHOWN:,} more"] if len(run.spikes) > SPIKES_SHOWN else []
    return ", ".join([*shown, *more])


def verdict_lines(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Whether each limit was kept: by a number, or by none, which is no pass."""
    for verdict in verdicts:
        name = verdict.limit.name
        measured = NONE
        if verdict.measured is not None:
            known = DEFINITION_BY_NAME.get(name)
            measured = amount(verdict.measured, known.unit) if known else percent(verdict.measured)
        why = f" ({verdict.why})" if verdict.why else ""
        yield f"{verdict.limit.text}: {verdict.state}, {measured}, n={verdict.n}{why}"


def inconclusive(group: Group) -> str:
    """What is to be said of turns of which nothing was measured; "" where something was."""
    if group.is_measured:
        return ""
    if group.parts:
        return f"inconclusive: of {counted(group.turns, 'turn')} only the whole length is known; that is no pass"
    return f"inconclusive: not one of {counted(group.turns, 'turn')} has a measurement; that is no pass"


def remarks_of(group: Group) -> list[str]:
    """What is said of a population in a line."""
    lines = [continuity_line(group)] if group.population.kind == "speech" else []
    if group.contention is not None:
        low, high = group.contention.interval.low, group.contention.interval.high
        ends = " – ".join("?" if end is None else f"{end:.2f}" for end in (low, high))
        lines.append(
            f"contention: chunks that are made beside others take {group.contention.value:.2f}× the time of those made "
            f"alone ({ends}; {group.contention.method})"
        )
    return [*lines, *steadiness_lines(group)]


def summary_to_terminal(summary: Summary, width: int = 120) -> RenderableType:
    """A report for people at a terminal; intervals where there is room for them."""
    dropped = _WITHOUT_SMALLEST if width >= _WIDE else _WITHOUT_INTERVALS if width >= _NARROW else _WITHOUT_ENDS
    blocks: list[RenderableType] = [Text(headline(summary)), Text()]
    for group in summary.groups:
        blocks.append(Text(f"{group.population.name} · {counted(group.turns, 'turn')}", style="bold"))
        blocks += map(Text, remarks_of(group))
        if unclear := inconclusive(group):
            blocks += [Text(unclear, style="yellow"), Text()]
            blocks += [_table(PART_HEAD, part_rows(group)), Text()] if group.parts else []
            continue
        metrics = _table(_left(METRIC_HEAD, dropped), (_left(row, dropped) for row in metric_rows(group)))
        blocks += [metrics, Text(), _table(PART_HEAD, part_rows(group)), Text()]
        unmeasured = list(missing_rows(group))
        if unmeasured:
            blocks += [_table(("not measured", "why (turns)"), unmeasured, numeric=False), Text()]
        absent = list(absence_rows(group))
        if absent:
            blocks += [_table(ABSENT_HEAD, absent, numeric=False), Text()]
    if summary.findings:
        blocks += [_table(FINDING_HEAD, finding_rows(summary), numeric=False), Text()]
    blocks.append(Text(method(summary), style="dim"))
    return Stack(*blocks)


def _left(cells: tuple[str, ...], dropped: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(cell for index, cell in enumerate(cells) if index not in dropped)


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]], *, numeric: bool = True) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for index, name in enumerate(head):
        # The name of a metric that lost its end would be another one: what is beside it has to give way.
        is_name, is_number = not index and numeric, bool(index) and numeric
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def summary_to_markdown(summary: Summary, head: Sequence[str] = ()) -> str:
    """A report for an issue, a chat or a file; `head` are lines in front of all numbers."""
    lines = ["# Voice latency report", ""]
    for line in head:
        lines += [line, ""]
    lines += [*headline(summary).splitlines(), ""]
    for group in summary.groups:
        lines += [f"## {group.population.name} ({counted(group.turns, 'turn')})", ""]
        lines += [f"- {line}" for line in remarks_of(group)]
        lines += [""] if remarks_of(group) else []
        if unclear := inconclusive(group):
            lines += [f"**{unclear}**", ""]
            lines += [*_markdown_table(PART_HEAD, part_rows(group)), ""] if group.parts else []
            continue
        lines += [
            *_markdown_table(METRIC_HEAD, metric_rows(group)),
            "",
            *_markdown_table(PART_HEAD, part_rows(group)),
            "",
        ]
        unmeasured = list(missing_rows(group))
        if unmeasured:
            lines += [*_markdown_table(("not measured", "why (turns)"), unmeasured), ""]
        absent = list(absence_rows(group))
        if absent:
            lines += [*_markdown_table(ABSENT_HEAD, absent), ""]
    if summary.findings:
        lines += ["## What to know", ""]
        lines += [*_markdown_table(FINDING_HEAD, finding_rows(summary)), ""]
    return "\n".join([*lines, f"_{method(summary)}_", ""])


def _markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [_markdown_row(head), _markdown_row("---" if not index else "---:" for index in range(len(head)))]
    return lines + [_markdown_row(row) for row in rows]


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
