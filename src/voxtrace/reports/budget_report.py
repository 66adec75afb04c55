"""Targets, actuals and statuses: one set of rows for the terminal, markdown, a page and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

from msgspec.structs import replace
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.judge.budget_verdicts import Judged, worst_of
from voxtrace.judge.budgets import OF_THE_PROCESS, SHARES
from voxtrace.reports.html_report import table_of
from voxtrace.reports.sections import STYLES
from voxtrace.reports.words import NONE, amount, interval_words, percent
from voxtrace.reports.words import SHARES as IN_PERCENT

HEAD = ("number", "target", "fails at", "actual", "95 % interval", "n", "status", "why")
_WORDS = 7  # from this column on cells are words
_PLACES = 6


def unit_of(metric: str) -> str:
    """The unit in which people read a number of a budget."""
    if metric in SHARES or metric in IN_PERCENT:
        return "%"
    if metric in OF_THE_PROCESS:
        return "MB" if metric.endswith("_mb") else ""
    known = DEFINITION_BY_NAME.get(metric)
    return known.unit if known else ""


def written(value: float, metric: str) -> str:
    """A number of a budget; a round limit has no places."""
    unit = unit_of(metric)
    if unit == "%":
        return percent(value)
    if value == int(value):
        return f"{value:,.0f}" + (f" {unit}" if unit in ("ms", "MB") else "")
    return amount(value, unit or "ratio")


def limit_words(judged: Judged) -> tuple[str, str]:
    """The target, and where it fails."""
    budget = judged.line.budget
    sign = "≥" if budget.more_is_better else "≤"
    target = f"{sign} {written(budget.target, judged.metric)}"
    aim = "" if budget.aim is None else f" (aim {written(budget.aim, judged.metric)})"
    other = "<" if budget.more_is_better else ">"
    return target + aim, f"{other} {written(budget.fails_at, judged.metric)}"


def rows_of(judged: Iterable[Judged]) -> Iterator[tuple[str, ...]]:
    """A row a line, as `HEAD` says."""
    for each in judged:
        name = each.line.told or each.metric
        value = NONE if each.value is None else written_value(each)
        n = f"{each.n:,}" if each.n == each.expected else f"{each.n:,}/{each.expected:,}"
        target, fails = limit_words(each)
        span = NONE if each.interval is None else interval_words(each.interval, unit_of(each.metric))
        yield (f"{name} {each.line.of}".strip(), target, fails, value, span, n, each.state, why_of(each))


def why_of(judged: Judged) -> str:
    """Why it is not simply kept or broken, with what is known where that is too little for a verdict."""
    if judged.ends is None:
        return judged.why
    low, high = (written_value(replace(judged, value=end)) for end in judged.ends)
    return f"{judged.why}; measured: {low if low == high else f'{low} to {high}'}"


def written_value(judged: Judged) -> str:
    """What was measured; a lower bound says that it is one."""
    value, unit = judged.value or 0.0, unit_of(judged.metric)
    words = percent(value) if unit == "%" else amount(value, unit or "ratio")
    return f"≥ {words}" if judged.bound == "lower" else words


def _blocks(judged: Sequence[Judged]) -> Iterator[tuple[str, list[Judged]]]:
    for (profile, population), members in groupby(judged, key=lambda each: (each.profile, each.population)):
        yield f"{profile} · {population}", list(members)


def verdict_line(judged: Sequence[Judged], left_out: Sequence[str]) -> str:
    """What decides, and what nobody judged."""
    counts = [(state, sum(each.state == state for each in judged)) for state in STYLES]
    told = ", ".join(f"{count} {state}" for state, count in counts if count)
    line = f"budget: {worst_of(judged)} ({told or 'no line'})"
    return line + (f"; no budget for: {'; '.join(left_out)}" if left_out else "")


def budgets_to_terminal(judged: Sequence[Judged], left_out: Sequence[str] = ()) -> RenderableType:
    """Tables, a population each, and what decides."""
    blocks: list[RenderableType] = []
    for name, members in _blocks(judged):
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
        for index, head in enumerate(HEAD[:_WORDS]):
            is_word = not index or index >= _WORDS - 1
            # A number that is cut is another number: where the terminal is narrow, the names are broken.
            table.add_column(head, justify="left" if is_word else "right", no_wrap=index > 0, overflow="fold")
        whys = []
        for row in rows_of(members):
            table.add_row(*map(Text, row[: _WORDS - 1]), Text(row[6], style=STYLES[row[6]]))
            whys += [Padding(Text(f"{row[0]}: {row[7]}", style="dim"), (0, 0, 0, 2))] if row[7] else []
        blocks += [Text(f"BUDGET {name}", style="bold"), table, *whys, Text()]
    blocks.append(Text(verdict_line(judged, left_out), style=STYLES[worst_of(judged)]))
    return Stack(*blocks)


def budgets_to_markdown(judged: Sequence[Judged], left_out: Sequence[str] = ()) -> str:
    """The same as markdown."""
    lines = ["## Budgets", ""]
    for name, members in _blocks(judged):
        lines += [f"### {name}", "", f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows_of(members)]
        lines.append("")
    return "\n".join([*lines, f"**{verdict_line(judged, left_out)}**", ""])


def budgets_to_html(judged: Sequence[Judged], left_out: Sequence[str] = ()) -> list[str]:
    """The same as blocks of a page."""
    blocks = ["<h2>Budgets</h2>"]
    for name, members in _blocks(judged):
        lines = [
            "<tr>" + "".join(f"<th{_kind(index)}>{escape(head)}</th>" for index, head in enumerate(HEAD)) + "</tr>"
        ]
        for row in rows_of(members):
            cells = "".join(f"<td{_kind(index, row[6])}>{escape(cell)}</td>" for index, cell in enumerate(row))
            lines.append(f"<tr>{cells}</tr>")
        blocks += [f"<h3>{escape(name)}</h3>", table_of(lines)]
    return [*blocks, f"<p><strong>{escape(verdict_line(judged, left_out))}</strong></p>"]


def _kind(column: int, state: str = "") -> str:
    if column == _WORDS - 1:
        return f' class="words {state}"'.replace(' "', '"')
    return ' class="words"' if column >= _WORDS else ""


def budgets_to_json(judged: Sequence[Judged], left_out: Sequence[str] = ()) -> dict[str, object]:
    """The same for machines; values are in the metric's own unit."""
    return {
        "verdict": worst_of(judged),
        "without_budget": list(left_out),
        "lines": [judged_to_json(each) for each in judged],
    }


def judged_to_json(judged: Judged) -> dict[str, object]:
    """One line."""
    budget, interval = judged.line.budget, judged.interval
    limits = {name: getattr(budget, name) for name in ("target", "warning", "critical", "gate", "aim")}
    return {
        "budget": judged.profile,
        "population": judged.population,
        "metric": judged.metric,
        **({"told": judged.line.told} if judged.line.told else {}),
        "of": judged.line.of or None,
        "better": "more" if budget.more_is_better else "less",
        **{name: limit for name, limit in limits.items() if limit is not None},
        "fails_at": budget.fails_at,
        "actual": None if judged.value is None else round(judged.value, _PLACES),
        "bound": judged.bound,
        "interval": None
        if interval is None
        else {"low": _rounded(interval.low), "high": _rounded(interval.high), "method": interval.method},
        "n": judged.n,
        "expected": judged.expected,
        "status": judged.state,
        "why": judged.why,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _PLACES)
