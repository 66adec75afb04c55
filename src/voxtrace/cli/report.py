"""`voxtrace report`: many requests in few numbers."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from rich.console import Console
from rich.progress import Progress

from voxtrace.analysis import Measured, summarize
from voxtrace.cli.arguments import from_one, hours
from voxtrace.cli.reading import measured_turns, open_for_reading, slowest_first, terminal
from voxtrace.clock import wall_ns
from voxtrace.reports.html_report import summary_to_html
from voxtrace.reports.json_report import summary_to_json
from voxtrace.reports.summary_report import summary_to_markdown, summary_to_terminal
from voxtrace.reports.terminal import HEADLINE
from voxtrace.store import Accounts, RequestQuery, SqliteStore
from voxtrace.units import NANOS_PER_SECOND

PAGE = 2000  # requests read at a time
PROGRESS_FROM = 5000  # requests: below, a report takes less than the second after which people wonder
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
  voxtrace report --format json | jq '.groups[0].metrics.ttfa_ms'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=from_one, default=DEFAULT_LAST, metavar="N", help="only the newest N")
        parser.add_argument("--hours", type=hours, metavar="H", help="only requests of the last H hours")
        parser.add_argument("--session", metavar="ID", help="only requests of this session")
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "html", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        now = wall_ns()
        since = None if args.hours is None else now - int(args.hours * 3600 * NANOS_PER_SECOND)
        query = RequestQuery(limit=PAGE, session_id=args.session, since_wall_ns=since)
        store = open_for_reading(args.data)
        try:
            turns = list(turns_with_progress(store, query, args.last))
            lost = losses(store.accounts())
        finally:
            store.close()
        summary = summarize(turns, now)
        if args.format == "json":
            print(json.dumps(summary_to_json(summary), indent=2))
        elif args.format == "html":
            print(summary_to_html(summary, slowest_first(turns, HEADLINE)[:SLOWEST_SHOWN]), end="")
        elif args.format == "markdown":
            print(summary_to_markdown(summary) + (f"\n_{lost}_\n" if lost else ""))
        elif summary.turns:
            console = terminal()
            console.print(summary_to_terminal(summary, console.width))
            if lost:
                console.print(lost, style="yellow", markup=False)
        else:
            print('no requests in that range; try: voxtrace say "Hello world", or voxtrace import FILE')
        return 0


def losses(accounts: Accounts) -> str:
    """Events that are missing in every number, or "" where there are none."""
    lost = [f"{count:,} rejected ({reason})" for reason, count in accounts.rejected.items()]
    lost += [f"{count:,} dropped ({reason})" for reason, count in accounts.dropped.items()]
    return f"Of all events that ever came, these are in no number: {', '.join(lost)}." if lost else ""


def turns_with_progress(store: SqliteStore, query: RequestQuery, most: int) -> Iterator[Measured]:
    """The newest turns, page by page, with a line of progress once it takes long."""
    read = 0
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = None
        while read < most:
            rows = store.recent(replace(query, limit=min(PAGE, most - read)))
            if not rows:
                break
            yield from measured_turns(store, rows)
            read += len(rows)
            query = replace(query, before=rows[-1].cursor)
            if read >= PROGRESS_FROM:
                task = progress.add_task("reading turns", total=None) if task is None else task
                progress.update(task, completed=read, description=f"reading turns: {read:,}")
