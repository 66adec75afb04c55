"""A report with all that was asked of it, in every form: each of them shows the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from msgspec import Struct, field
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.text import Text

from voxtrace.analysis import Measured, Summary
from voxtrace.analysis.choosing import Choice
from voxtrace.judge.budget_verdicts import Judged
from voxtrace.judge.limits import Verdict
from voxtrace.judge.recommendations import Finding
from voxtrace.reports.advice_report import findings_to_json, short_advice
from voxtrace.reports.budget_report import budgets_to_html, budgets_to_json, budgets_to_markdown, budgets_to_terminal
from voxtrace.reports.choice_report import choice_to_json, choice_words
from voxtrace.reports.json_report import schema_name, summary_to_json
from voxtrace.reports.summary_report import summary_to_markdown, summary_to_terminal, verdict_lines
from voxtrace.reports.words import counted

NOTHING = 'no requests in that range; ask for more, or bring some in: voxtrace say "Hello world", voxtrace import FILE'


class Report(Struct, frozen=True):
    """All that a report shows."""

    summary: Summary
    choice: Choice
    verdicts: Sequence[Verdict] = ()
    judged: Sequence[Judged] | None = None  # None: nobody asked for a budget
    left_out: Sequence[str] = ()  # populations that no budget is for
    findings: Sequence[Finding] = ()
    advised: int = 0  # turns, the newest, that the findings come from
    rejected: Mapping[str, int] = field(default_factory=dict)  # events by reason
    dropped: Mapping[str, int] = field(default_factory=dict)  # events by reason
    slowest: Sequence[Measured] = ()  # of a page

    def states(self) -> list[str]:
        """Of every limit and every line of a budget; a budget without a line judges nothing."""
        lines = [] if self.judged is None else [each.state for each in self.judged] or ["inconclusive"]
        return [*(each.state for each in self.verdicts), *lines]


def report_to_terminal(report: Report, width: int) -> RenderableType:
    """For people at a terminal; what was asked of it stands last, where they look."""
    blocks: list[RenderableType] = [Text(line) for line in _head(report)]
    if report.summary.turns:
        blocks.append(summary_to_terminal(report.summary, width))
    for verdict, line in zip(report.verdicts, verdict_lines(report.verdicts), strict=True):
        blocks.append(Text(line, style="" if verdict.state == "pass" else "yellow"))
    if advice := short_advice(report.findings):
        blocks += [Text(), Text(advice_head(report.advised), style="bold"), *map(Text, advice)]
    if report.judged is not None:
        blocks += [Text(), budgets_to_terminal(report.judged, report.left_out)]
    if lost := losses(report):
        blocks.append(Text(lost, style="yellow"))
    return Stack(*blocks)


def report_to_markdown(report: Report) -> str:
    """For an issue, a chat or a file."""
    lines = [summary_to_markdown(report.summary, list(_head(report)))]
    lines += [f"- {line}" for line in verdict_lines(report.verdicts)]
    if report.judged is not None:
        lines.append(budgets_to_markdown(report.judged, report.left_out))
    if advice := short_advice(report.findings):
        lines += ["", f"## {advice_head(report.advised)}", "", *(f"- {line}" for line in advice)]
    lost = losses(report)
    return "\n".join(lines) + "\n" + (f"\n_{lost}_\n" if lost else "")


def report_to_html(report: Report) -> str:
    """As one file that needs nothing else."""
    from voxtrace.reports.html_report import summary_to_html  # here: no other form needs it

    head = [f"<p>{escape(line)}</p>" for line in _head(report)]
    if report.judged is not None:
        head += budgets_to_html(report.judged, report.left_out)
    foot = []
    if advice := short_advice(report.findings):
        foot += [f"<h2>{escape(advice_head(report.advised))}</h2>", '<ul class="plain">']
        foot += [*(f"<li>{escape(line)}</li>" for line in advice), "</ul>"]
    if lost := losses(report):
        foot.append(f'<p class="warning">{escape(lost)}</p>')
    return summary_to_html(report.summary, report.slowest, report.verdicts, head, foot)


def report_to_json(report: Report) -> dict[str, Any]:
    """For programs; `budgets` is in it where somebody asked for one."""
    told = summary_to_json(report.summary, report.verdicts) | {"schema": schema_name("report")}
    told["filter"] = choice_to_json(report.choice)
    if report.judged is not None:
        told["budgets"] = budgets_to_json(report.judged, report.left_out)
    told["advice"] = findings_to_json(report.findings, report.advised)
    told["lost"] = {"rejected": dict(report.rejected), "dropped": dict(report.dropped)}
    return told


def advice_head(turns: int) -> str:
    """What the advice is about."""
    return f"What would help most (the newest {counted(turns, 'turn')}; voxtrace recommend says more)"


def losses(report: Report) -> str:
    """Events that are missing in every number, or "" where there are none."""
    lost = [f"{count:,} rejected ({reason})" for reason, count in report.rejected.items()]
    lost += [f"{count:,} dropped ({reason})" for reason, count in report.dropped.items()]
    return f"Of all events that ever came, these are in no number: {', '.join(lost)}." if lost else ""


def _head(report: Report) -> Iterator[str]:
    if words := choice_words(report.choice):
        yield words
    if not report.summary.turns:
        yield NOTHING
