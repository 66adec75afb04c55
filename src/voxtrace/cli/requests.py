"""`voxtrace requests`: the newest or the slowest requests, a line each."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import ClassVar

from voxtrace.cli.arguments import from_one
from voxtrace.cli.reading import measured_turns, open_for_reading, slowest_first, terminal
from voxtrace.reports.json_report import measured_to_json
from voxtrace.reports.terminal import HEADLINE, list_of_turns
from voxtrace.store import RequestQuery

SLOW_WINDOW = 1000  # newest requests among which `--slow` looks, unless --last says otherwise
SHOWN = 20


class RequestsCommand:
    """Lists requests."""

    name: ClassVar[str] = "requests"
    details: ClassVar[str] = """\
"heard after" is time to first audio for a speech request and voice-to-voice for a turn of a conversation.
A dash means: not measured. `voxtrace show ID` says why.

  voxtrace requests --last 50
  voxtrace requests --slow               the 20 slowest of the newest 1000
  voxtrace requests --json | jq '.[0].metrics.ttfa_ms'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=from_one, metavar="N", help=f"look at the newest N (default {SHOWN})")
        parser.add_argument(
            "--slow", action="store_true", help=f"the {SHOWN} that made people wait longest, slowest first"
        )
        parser.add_argument("--session", metavar="ID", help="only requests of this session")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        window = args.last or (SLOW_WINDOW if args.slow else SHOWN)
        store = open_for_reading(args.data)
        try:
            turns = measured_turns(store, store.recent(RequestQuery(limit=window, session_id=args.session)))
        finally:
            store.close()
        if args.slow:
            turns = slowest_first(turns, HEADLINE)[:SHOWN]
        if args.json:
            print(json.dumps([measured_to_json(turn) for turn in turns], indent=2))
        elif turns:
            console = terminal()
            console.print(list_of_turns(turns, console.width))
        else:
            print('no requests yet; try: voxtrace say "Hello world"')
        return 0
