"""`voxtrace doctor`: looks at everything that has to work, and says what to do where it does not."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec.structs import asdict

from voxtrace.cli.addresses import url_of
from voxtrace.cli.checks import (
    Finding,
    check_clock,
    check_folder,
    check_packages,
    check_python,
    check_service,
)
from voxtrace.cli.round_trips import check_event, check_sentence
from voxtrace.clock import SystemClock
from voxtrace.config import load_settings
from voxtrace.errors import EXIT_FAIL, EXIT_UNREACHABLE

SHOWN = {"ok": "OK", "problem": "PROBLEM", "unreachable": "NO ANSWER", "skipped": "skipped"}


class DoctorCommand:
    """Sends an event and a sentence through everything and reads both back."""

    name: ClassVar[str] = "doctor"
    details: ClassVar[str] = """\
Exit code 0: all is well. 1: there is a problem. 3: a service does not answer.

  voxtrace doctor
  voxtrace doctor --json --data ./data --port 9000 --watch-port 9001
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, metavar="N", help="port of the speech server (default: 8880)")
        parser.add_argument("--watch-port", type=int, metavar="N", help="port of the dashboard (default: 8881)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        findings = []
        for finding in examine(args):
            findings.append(finding)
            if not args.json:
                print(to_line(finding), flush=True)
        if args.json:
            print(json.dumps({"findings": [asdict(each) for each in findings]}, indent=2))
        return exit_code(findings)


def examine(args: Namespace) -> Iterator[Finding]:
    """Every check, in an order in which the first trouble explains the later ones."""
    clock = SystemClock()
    settings = {
        name: each.value
        for name, each in load_settings(args.data, {"port": args.port, "watch_port": args.watch_port}).items()
    }
    yield check_python()
    yield check_packages()
    yield check_clock(clock)
    folder = check_folder(args.data)
    yield folder
    server = check_service("speech server", settings["host"], settings["port"])
    yield server
    watch = check_service("collector", settings["watch_host"], settings["watch_port"])
    yield watch
    # Where one of these is missing it has been said, and waiting for what can't come would say nothing more.
    if {folder.state, watch.state} == {"ok"}:
        yield check_event(args.data, clock)
    else:
        yield Finding("an event", "skipped", "needs the data folder and the collector")
    if {folder.state, watch.state, server.state} == {"ok"}:
        yield check_sentence(args.data, url_of(settings["host"], settings["port"]), clock)
    else:
        yield Finding("a sentence", "skipped", "needs the data folder, the collector and the speech server")


def to_line(finding: Finding) -> str:
    """One finding for people; what to do stands on a line of its own."""
    line = f"{SHOWN[finding.state]:<10} {finding.check:<14} {finding.found}"
    return f"{line}\n{'':<10} {'':<14} -> {finding.advice}" if finding.advice else line


def exit_code(findings: Sequence[Finding]) -> int:
    """What to answer: a service that does not answer weighs more than a problem, for it hides others."""
    states = {finding.state for finding in findings}
    if "unreachable" in states:
        return EXIT_UNREACHABLE
    return EXIT_FAIL if "problem" in states else 0
