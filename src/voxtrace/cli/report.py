"""`voxtrace report`: many requests in few numbers."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from voxtrace.analysis import Summary
from voxtrace.analysis.columns import Columns
from voxtrace.analysis.summing import Summing
from voxtrace.cli.arguments import from_one, hours
from voxtrace.cli.column_pages import column_pages
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import measured_turns, open_measured, slowest_first, terminal
from voxtrace.clock import wall_ns
from voxtrace.errors import EXIT_FAIL
from voxtrace.judge.limits import Verdict, judge, parse_limit
from voxtrace.reports.html_report import summary_to_html
from voxtrace.reports.json_report import summary_to_json
from voxtrace.reports.summary_report import summary_to_markdown, summary_to_terminal, verdict_lines
from voxtrace.reports.terminal import HEADLINE
from voxtrace.store import Accounts, RequestQuery
from voxtrace.units import NANOS_PER_SECOND

DEFAULT_LAST = 100_000
SLOWEST_SHOWN = 5  # waterfalls in a page


class ReportCommand:
    """Summarises requests."""

    name: ClassVar[str] = "report"
    help: ClassVar[str] = "summarise requests: percentiles, where the time went, what was not measured"
    details: ClassVar[str] = """\
Populations (cached or not, cold or warm, seen by client or server) are never mixed in one percentile, failed
requests are counted and enter none, and what was not measured is listed with its reason.

  voxtrace report
  voxtrace report --hours 24 --format markdown > report.md
  voxtrace report --format html > report.html       one file, without any network
  voxtrace report --session RUN --expect 'ttfb_p95<=50ms'    exit code 1 unless every limit is kept
  voxtrace report --format json | jq '.groups[0].metrics.ttfa_ms'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=from_one, default=DEFAULT_LAST, metavar="N", help="only the newest N")
        parser.add_argument("--hours", type=hours, metavar="H", help="only requests of the last H hours")
        parser.add_argument("--session", metavar="ID", help="only requests of this session")
        parser.add_argument(
            "--expect", action="append", default=[], metavar="LIMIT", help="such as 'ttfa_p95<=800ms'; may be repeated"
        )
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "html", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        limits = [parse_limit(limit) for limit in args.expect]
        now = wall_ns()
        since = None if args.hours is None else now - int(args.hours * 3600 * NANOS_PER_SECOND)
        query = RequestQuery(session_id=args.session, since_wall_ns=since)
        summing, slowest = Summing(now), Slowest(SLOWEST_SHOWN)
        store = open_measured(args.data)
        try:
            with Patience("reading turns") as patience:
                read = 0
                for page in column_pages(store, query, args.last):
                    summing.add(page)
                    if args.format == "html":
                        slowest.add(page)
                    read += len(page)
                    patience.at(read)
            worst = measured_turns(store, store.requests(slowest.request_ids()))
            lost = losses(store.accounts())
        finally:
            store.close()
        summary = summing.summary()
        verdicts = [judge(limit, summary) for limit in limits]
        if args.format == "json":
            print(json.dumps(summary_to_json(summary, verdicts), indent=2))
        elif args.format == "html":
            print(summary_to_html(summary, slowest_first(worst, HEADLINE), verdicts), end="")
        elif args.format == "markdown":
            judged = [f"- {line}" for line in verdict_lines(verdicts)]
            print("\n".join([summary_to_markdown(summary), *judged]) + (f"\n_{lost}_\n" if lost else ""))
        elif summary.turns:
            self._print(summary, verdicts, lost)
        else:
            print('no requests in that range; try: voxtrace say "Hello world", or voxtrace import FILE')
        # What was not measured keeps no limit.
        return 0 if all(verdict.state == "pass" for verdict in verdicts) else EXIT_FAIL

    def _print(self, summary: Summary, verdicts: Sequence[Verdict], lost: str) -> None:
        console = terminal()
        console.print(summary_to_terminal(summary, console.width))
        for verdict, line in zip(verdicts, verdict_lines(verdicts), strict=True):
            console.print(line, style=None if verdict.state == "pass" else "yellow", markup=False)
        if lost:
            console.print(lost, style="yellow", markup=False)


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
