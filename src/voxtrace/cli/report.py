"""`voxtrace report`: many requests in few numbers."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import ClassVar

import numpy as np

from voxtrace.analysis.choosing import Choosing
from voxtrace.analysis.columns import Columns
from voxtrace.analysis.summing import Summing
from voxtrace.cli.advice import Newest
from voxtrace.cli.asked_turns import asked_turns, turns_arguments
from voxtrace.cli.budgets import Budgeted, budget_arguments, budgets_asked
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import slowest_first, terminal
from voxtrace.cli.turn_sources import source_arguments, turn_source
from voxtrace.clock import wall_ns
from voxtrace.errors import EXIT_FAIL
from voxtrace.judge.limits import judge, parse_limit
from voxtrace.judge.recommendations import recommend
from voxtrace.reports.full_report import (
    Report,
    report_to_html,
    report_to_json,
    report_to_markdown,
    report_to_terminal,
)
from voxtrace.reports.terminal import HEADLINE

DEFAULT_LAST = 100_000
ADVICE_FROM = 300  # turns: the newest say what to do now, and more would take longer than the report itself
SLOWEST_SHOWN = 5  # waterfalls in a page


class ReportCommand:
    """Summarises requests."""

    name: ClassVar[str] = "report"
    details: ClassVar[str] = """\
Populations (cached or not, cold or warm, seen by client or server) are never mixed in one percentile, failed
requests are counted and enter none, and what was not measured is listed with its reason. Below it stands what would
help most, by the newest 300 turns.

With a PATH, logs of your own or of another tool are measured now and nothing is kept; what became of each file goes to
stderr, the report to stdout. Without one, the report is of what `voxtrace up` collected and `voxtrace import` stored.

  voxtrace report                                   all that is in the data folder
  voxtrace report latency.log
  voxtrace report logs/ 'old/*.gz' --timezone Europe/Berlin
  ssh box cat /var/log/latency.log | voxtrace report - --json
  voxtrace report latency.log --session kitchen     one session of a log
  voxtrace report --where engine=kokoro,cache=miss,since=2h
  voxtrace report --hours 24 --format markdown > report.md
  voxtrace report --format html > report.html       one file, without any network
  voxtrace report --session RUN --expect 'ttfb_p95<=50ms'     exit code 1 unless it is kept
  voxtrace report --budget speech                   each population by its own budget
  voxtrace report --budget mine.toml --allow-inconclusive
  voxtrace report --json | jq '.groups[0].metrics.ttfa_ms, .advice.findings[0]'

Exit code 0: reported. 1: a limit of --expect or --budget was not kept. 2: no PATH could be read, or an argument.
3: there is no data folder.
"""

    def arguments(self, parser: ArgumentParser) -> None:
        source_arguments(parser)
        turns_arguments(parser, DEFAULT_LAST)
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
        report = _read(args)
        if args.format == "json":
            print(json.dumps(report_to_json(report), indent=2))
        elif args.format == "markdown":
            print(report_to_markdown(report), end="")
        elif args.format == "html":
            print(report_to_html(report), end="")
        else:
            console = terminal()
            console.print(report_to_terminal(report, console.width))
        # What was not measured keeps no limit.
        good = ("pass", "warning", *(("inconclusive",) if args.allow_inconclusive else ()))
        return 0 if all(state in good for state in report.states()) else EXIT_FAIL


def _read(args: Namespace) -> Report:
    limits = [parse_limit(limit) for limit in args.expect]
    now = wall_ns()
    asked = asked_turns(args, now)
    budgeted, summing = Budgeted(budgets_asked(args.budget), now), Summing(now)
    choosing, newest, slowest = Choosing(asked.where), Newest(ADVICE_FROM), Slowest(SLOWEST_SHOWN)
    source = turn_source(args)
    try:
        with Patience("reading turns") as patience:
            read = 0
            for whole in source.pages(asked):
                page = choosing.kept(whole)
                summing.add(page)
                budgeted.add(page)
                newest.add(page)
                if args.format == "html":
                    slowest.add(page)
                read += len(whole)
                patience.at(read)
        choice = choosing.choice(may_be_empty=bool(limits or args.budget))
        cases = source.cases(newest.request_ids())
        worst = source.turns(slowest.request_ids())
        accounts = source.accounts()
    finally:
        source.close()
    summary = summing.summary()
    return Report(
        summary=summary,
        choice=choice,
        verdicts=[judge(limit, summary) for limit in limits],
        judged=budgeted.judged(summary) if args.budget else None,
        left_out=budgeted.left_out(summary),
        findings=recommend(cases),
        advised=len(cases),
        rejected=accounts.rejected,
        dropped=accounts.dropped,
        slowest=slowest_first(worst, HEADLINE),
    )


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
