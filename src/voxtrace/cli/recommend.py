"""`voxtrace recommend`: what would help most."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

from voxtrace.analysis.choosing import Choosing
from voxtrace.cli.advice import cases_asked
from voxtrace.cli.asked_turns import asked_turns, turns_arguments
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import open_for_reading, terminal
from voxtrace.clock import wall_ns
from voxtrace.judge.recommendations import recommend
from voxtrace.judge.thresholds import read_thresholds, thresholds
from voxtrace.reports.advice_report import advice_to_json, advice_to_markdown, advice_to_terminal
from voxtrace.reports.choice_report import choice_to_json, choice_words
from voxtrace.reports.full_report import NOTHING

DEFAULT_LAST = 10_000


class RecommendCommand:
    """Says what to change first."""

    name: ClassVar[str] = "recommend"
    details: ClassVar[str] = """\
Every threshold is held against every turn, and every turn that crosses it is replayed without that. What nobody waits
for stands apart, what nothing is known of is unknown and no pass. docs/recommendations.md lists the thresholds.

  voxtrace recommend
  voxtrace recommend --where engine=kokoro,cache=miss --hours 24
  voxtrace recommend --session S1 --format markdown > advice.md
  voxtrace recommend --thresholds mine.toml --json | jq '.findings[0]'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        turns_arguments(parser, DEFAULT_LAST)
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
        asked = asked_turns(args, wall_ns())
        choosing = Choosing(asked.where)
        store = open_for_reading(args.data)
        try:
            with Patience("reading turns") as patience:
                cases = cases_asked(store, asked, choosing, patience.at)
        finally:
            store.close()
        choice = choosing.choice()
        with Patience("replaying turns, rule by rule") as patience:
            findings = recommend(cases, rules, lambda done: patience.at(done, len(rules)))
        if args.format == "json":
            print(json.dumps(advice_to_json(findings, len(cases)) | {"filter": choice_to_json(choice)}, indent=2))
            return 0
        head = [words] if (words := choice_words(choice)) else []
        if args.format == "markdown":
            print(advice_to_markdown(findings, len(cases), head), end="")
        elif choice.looked_at:
            terminal().print(advice_to_terminal(findings, len(cases), head))
        else:
            print(NOTHING)
        return 0
