"""`voxtrace show ID`: where the time of one request went."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import ClassVar

from voxtrace.analysis.cases import case_of
from voxtrace.cli.reading import one_turn, open_for_reading, terminal
from voxtrace.judge.recommendations import recommend
from voxtrace.reports.advice_report import short_advice
from voxtrace.reports.json_report import turn_to_json
from voxtrace.reports.terminal import one_turn as turn_for_terminal
from voxtrace.store import RequestQuery


class ShowCommand:
    """Shows one request."""

    name: ClassVar[str] = "show"
    details: ClassVar[str] = """\
The parts tile the total; time that no event explains is called unattributed. A piece of an id will do.

  voxtrace show last
  voxtrace show 4bf92f35 --json
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="request id, a piece of one that no other has, or `last` for the newest")
        parser.add_argument(
            "--raw", action="store_true", help="show beside corrected times those that each host's own clock told"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        store = open_for_reading(args.data)
        try:
            newest = store.recent(RequestQuery(limit=1)) if args.id == "last" else []
            turn = one_turn(store, newest[0].request_id if newest else args.id)
        finally:
            store.close()
        if args.json:
            print(json.dumps(turn_to_json(turn), indent=2))
        else:
            console = terminal()
            console.print(turn_for_terminal(turn, console.width, raw=args.raw))
            advice = short_advice(recommend([case_of(turn)]))
            if advice:
                console.print("\nWHICH THRESHOLDS IT CROSSED", style="bold")
            for line in advice:
                console.print(line, markup=False)
        return 0
