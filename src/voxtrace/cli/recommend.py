"""`voxtrace recommend`: what would help most."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

from voxtrace.cli.advice import newest_cases
from voxtrace.cli.arguments import from_one, hours
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import open_for_reading, terminal
from voxtrace.clock import wall_ns
from voxtrace.judge.recommendations import recommend
from voxtrace.judge.thresholds import read_thresholds, thresholds
from voxtrace.reports.advice_report import advice_to_json, advice_to_markdown, advice_to_terminal
from voxtrace.store import RequestQuery
from voxtrace.units import NANOS_PER_SECOND

DEFAULT_LAST = 10_000


class RecommendCommand:
    """Says what to change first."""

    name: ClassVar[str] = "recommend"
    details: ClassVar[str] = """\
Every threshold is held against every turn, and every turn that crosses it is replayed without that. What nobody waits
for stands apart, what nothing is known of is unknown and no pass. docs/recommendations.md lists the thresholds.

  voxtrace recommend
  voxtrace recommend --hours 24 --format markdown > advice.md
  voxtrace recommend --thresholds mine.toml --json | jq '.findings[0]'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=from_one, default=DEFAULT_LAST, metavar="N", help="only the newest N")
        parser.add_argument("--hours", type=hours, metavar="H", help="only requests of the last H hours")
        parser.add_argument("--session", metavar="ID", help="only requests of this session")
        parser.add_argument(
            "--thresholds", type=Path, metavar="FILE", help="thresholds of your own over those that are built in"
        )
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        rules = thresholds() if args.thresholds is None else read_thresholds(args.thresholds)
        since = None if args.hours is None else wall_ns() - int(args.hours * 3600 * NANOS_PER_SECOND)
        store = open_for_reading(args.data)
        try:
            with Patience("reading turns") as patience:
                cases = newest_cases(
                    store, RequestQuery(session_id=args.session, since_wall_ns=since), args.last, patience.at
                )
        finally:
            store.close()
        with Patience("replaying turns, rule by rule") as patience:
            findings = recommend(cases, rules, lambda done: patience.at(done, len(rules)))
        if args.format == "json":
            print(json.dumps(advice_to_json(findings, len(cases)), indent=2))
        elif args.format == "markdown":
            print(advice_to_markdown(findings, len(cases)), end="")
        elif cases:
            terminal().print(advice_to_terminal(findings, len(cases)))
        else:
            print('no requests in that range; try: voxtrace say "Hello world", or voxtrace import FILE')
        return 0
