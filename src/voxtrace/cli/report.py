"""`voxtrace report`: many requests in few numbers."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from voxtrace.analysis import Summary
from voxtrace.analysis.columns import Columns
from voxtrace.analysis.summing import Summing
from voxtrace.cli.advice import newest_cases
from voxtrace.cli.arguments import from_one, hours
from voxtrace.cli.budgets import Budgeted, budget_arguments, budgets_asked
from voxtrace.cli.column_pages import column_pages
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import measured_turns, open_measured, slowest_first, terminal
from voxtrace.clock import wall_ns
from voxtrace.errors import EXIT_FAIL
from voxtrace.judge.budget_verdicts import Judged
from voxtrace.judge.limits import Verdict, judge, parse_limit
from voxtrace.judge.recommendations import recommend
from voxtrace.reports.advice_report import short_advice
from voxtrace.reports.budget_report import budgets_to_html, budgets_to_json, budgets_to_markdown, budgets_to_terminal
from voxtrace.reports.json_report import summary_to_json
from voxtrace.reports.summary_report import summary_to_markdown, summary_to_terminal, verdict_lines
from voxtrace.reports.terminal import HEADLINE
from voxtrace.reports.words import counted
from voxtrace.store import Accounts, RequestQuery
from voxtrace.units import NANOS_PER_SECOND

DEFAULT_LAST = 100_000
ADVICE_FROM = 300  # turns: the newest say what to do now, and more would take longer than the report itself
SLOWEST_SHOWN = 5  # waterfalls in a page


class ReportCommand:
    """Summarises requests."""

    name: ClassVar[str] = "report"
    details: ClassVar[str] = """\
Populations (cached or not, cold or warm, seen by client or server) are never mixed in one percentile, failed
requests are counted and enter none, and what was not measured is listed with its reason.

  voxtrace report
  voxtrace report --hours 24 --format markdown > report.md
  voxtrace report --format html > report.html       one file, without any network
  voxtrace report --session RUN --expect 'ttfb_p95<=50ms'    exit code 1 unless every limit is kept
  voxtrace report --budget speech       each population by its own budget; exit code 1 unless all are kept
  voxtrace report --budget mine.toml --allow-inconclusive
  voxtrace report --format json | jq '.groups[0].metrics.ttfa_ms'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=from_one, default=DEFAULT_LAST, metavar="N", help="only the newest N")
        parser.add_argument("--hours", type=hours, metavar="H", help="only requests of the last H hours")
        parser.add_argument("--session", metavar="ID", help="only requests of this session")
        parser.add_argument(
            "--expect", action="append", default=[], metavar="LIMIT", help="such as 'ttfa_p95<=800ms'; may be repeated"
        )
        budget_arguments(parser)
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "html", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        limits = [parse_limit(limit) for limit in args.expect]
        now = wall_ns()
        budgeted = Budgeted(budgets_asked(args.budget), now)
        since = None if args.hours is None else now - int(args.hours * 3600 * NANOS_PER_SECOND)
        query = RequestQuery(session_id=args.session, since_wall_ns=since)
        summing, slowest = Summing(now), Slowest(SLOWEST_SHOWN)
        store = open_measured(args.data)
        try:
            with Patience("reading turns") as patience:
                read = 0
                for page in column_pages(store, query, args.last):
                    summing.add(page)
                    budgeted.add(page)
                    if args.format == "html":
                        slowest.add(page)
                    read += len(page)
                    patience.at(read)
            cases = []
            if args.format in ("terminal", "markdown"):
                cases = newest_cases(store, query, min(args.last, ADVICE_FROM))
            worst = measured_turns(store, store.requests(slowest.request_ids()))
            lost = losses(store.accounts())
        finally:
            store.close()
        summary = summing.summary()
        found = Found(
            summary=summary,
            verdicts=[judge(limit, summary) for limit in limits],
            judged=budgeted.judged(summary) if args.budget else None,
            left_out=budgeted.left_out(summary),
            lost=lost,
            advice=short_advice(recommend(cases)),
            advised=len(cases),
        )
        if args.format == "html":
            from voxtrace.reports.html_report import summary_to_html  # here: no other form needs it

            blocks = budgets_to_html(found.judged, found.left_out) if found.judged is not None else []
            print(summary_to_html(summary, slowest_first(worst, HEADLINE), found.verdicts, blocks), end="")
        else:
            {"json": print_json, "markdown": print_markdown, "terminal": print_to_terminal}[args.format](found)
        # What was not measured keeps no limit.
        good = ("pass", "warning", *(("inconclusive",) if args.allow_inconclusive else ()))
        return 0 if all(state in good for state in found.states()) else EXIT_FAIL


@dataclass(frozen=True, slots=True)
class Found:
    """All that a report shows."""

    summary: Summary
    verdicts: Sequence[Verdict]
    judged: Sequence[Judged] | None  # None: nobody asked for a budget
    left_out: Sequence[str]
    lost: str
    advice: Sequence[str]  # the first findings
    advised: int  # turns that they come from

    def states(self) -> list[str]:
        """Of every limit and every line of a budget; a budget without a line judges nothing."""
        lines = [] if self.judged is None else [each.state for each in self.judged] or ["inconclusive"]
        return [*(each.state for each in self.verdicts), *lines]


def print_json(found: Found) -> None:
    """One object; `budgets` is in it where somebody asked for one."""
    told = summary_to_json(found.summary, found.verdicts)
    if found.judged is not None:
        told["budgets"] = budgets_to_json(found.judged, found.left_out)
    print(json.dumps(told, indent=2))


def print_markdown(found: Found) -> None:
    """For an issue, a chat or a file."""
    lines = [summary_to_markdown(found.summary), *(f"- {line}" for line in verdict_lines(found.verdicts))]
    if found.judged is not None:
        lines.append(budgets_to_markdown(found.judged, found.left_out))
    if found.advice:
        lines += ["", f"## {advice_head(found.advised)}", "", *(f"- {line}" for line in found.advice)]
    print("\n".join(lines) + (f"\n_{found.lost}_\n" if found.lost else ""))


def print_to_terminal(found: Found) -> None:
    """For people at a terminal; what was asked of it stands last, where they look."""
    console = terminal()
    if found.summary.turns:
        console.print(summary_to_terminal(found.summary, console.width))
    else:
        console.print('no requests in that range; try: voxtrace say "Hello world", or voxtrace import FILE')
    for verdict, line in zip(found.verdicts, verdict_lines(found.verdicts), strict=True):
        console.print(line, style=None if verdict.state == "pass" else "yellow", markup=False)
    if found.advice:
        print_advice(found.advised, found.advice)
    if found.judged is not None:
        console.print()
        console.print(budgets_to_terminal(found.judged, found.left_out))
    if found.lost:
        console.print(found.lost, style="yellow", markup=False)


def advice_head(turns: int) -> str:
    """What the advice is about."""
    return f"What would help most (the newest {counted(turns, 'turn')}; voxtrace recommend says more)"


def print_advice(turns: int, advice: Sequence[str]) -> None:
    """The first findings, below a report."""
    console = terminal()
    console.print()
    console.print(advice_head(turns), style="bold", markup=False)
    for line in advice:
        console.print(line, markup=False)


def losses(accounts: Accounts) -> str:
    """Events that are missing in every number, or "" where there are none."""
    lost = [f"{count:,} rejected ({reason})" for reason, count in accounts.rejected.items()]
    lost += [f"{count:,} dropped ({reason})" for reason, count in accounts.dropped.items()]
    return f"Of all events that ever came, these are in no number: {', '.join(lost)}." if lost else ""


class Slowest:
    """The turns in which somebody waited longest, by the best number that each kind has of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: list[tuple[float, str]] = []

    def add(self, page: Columns) -> None:
        """Look through a page."""
        waited = np.full(len(page), -1.0)
        for kind, names in HEADLINE.items():
            rows = page.with_label("kind", [kind])
            for name in reversed(names):
                column = page.metrics.get(name)
                if column is not None:
                    waited = np.where(rows & ~np.isnan(column.values), column.values, waited)
        longest = np.argsort(-waited, kind="stable")[: self._most]
        found = [(float(waited[row]), page.request_ids[row]) for row in longest.tolist()]
        self._found = sorted([*self._found, *found], reverse=True)[: self._most]

    def request_ids(self) -> list[str]:
        """Their ids."""
        return [request_id for _, request_id in self._found]
