"""A latency log through `voxtrace report LOG`, against two scripts that read it and print.

The scripts (`benchmarks.two_scripts`) are what such a log is looked at with elsewhere. Like them, `voxtrace report LOG`
reads the whole file and keeps nothing of it; what keeping costs, and saves, stands beside it: `voxtrace import`, the
first report of what it stored, and one report more. All are whole commands: the
start of Python counts, and output goes to a file. Wall time is what a person waits; processor time (user + system, of
all processes) does not depend on who else uses the machine, and shows what the second core is used for.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figure import Figure, measured, ratio
from benchmarks.import_log import BEGIN_S, SECONDS_PER_TURN, TURN
from benchmarks.peak import Ran, measured_command

EVENTS = 1_000_000
EVENTS_VARIABLE = "VOXTRACE_BENCH_EVENTS"
ROUNDS = 3
TURNS_PER_SESSION = 20
SCRIPTS = Path(__file__).with_name("two_scripts.py")


def log_lines(events: int) -> Iterator[str]:
    """A log of that many events in sessions of 20 turns, of which no two take the same time."""
    chance = random.Random(4)
    for turn in range(-(-events // len(TURN))):
        session, place = divmod(turn, TURNS_PER_SESSION)
        at = BEGIN_S + turn * SECONDS_PER_TURN
        for service, event, pause, metadata in TURN[: events - turn * len(TURN)]:
            at = round(at + pause * chance.lognormvariate(0, 0.25), 6)
            told = dict(metadata)
            if "session_id" in told:
                told["session_id"] = f"session-{session}"
            if "prompt_chars" in told:
                told |= {"prompt_chars": 4120 + 240 * place, "prompt_tokens_est": 1030 + 60 * place}
            iso = datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat()
            record = {"timestamp": at, "iso_time": iso, "request_id": f"{turn:08x}", "service": service}
            yield json.dumps(record | {"event": event, "metadata": told}) + "\n"


def run() -> list[Figure]:
    """All figures."""
    events = int(os.environ.get(EVENTS_VARIABLE, EVENTS))
    ran: dict[str, list[Ran]] = {name: [] for name in ("requests", "sessions", "file", "import", "report", "again")}
    with tempfile.TemporaryDirectory(prefix="voxtrace-bench-") as name:
        folder = Path(name)
        log = folder / "latency.log"
        with log.open("w") as file:
            file.writelines(log_lines(events))
        # In turn, so that what else the machine does hits both.
        for number in range(ROUNDS):
            for script in ("requests", "sessions"):
                ran[script].append(_written([sys.executable, str(SCRIPTS), script, str(log)], folder))
            data = folder / f"data{number}"
            ran["file"].append(_voxtrace(folder, data, "report", str(log)))
            ran["import"].append(_voxtrace(folder, data, "import", str(log)))
            ran["report"].append(_voxtrace(folder, data, "report"))
            ran["again"].append(_voxtrace(folder, data, "report"))
    return [*_figures(ran, "s"), *_figures(ran, "s of processor")]


def _figures(ran: dict[str, list[Ran]], unit: str) -> Iterator[Figure]:
    def took(*commands: str) -> list[float]:
        each = [[one.took_s if unit == "s" else one.cpu_s for one in ran[command]] for command in commands]
        return [sum(round_) for round_ in zip(*each, strict=True)]

    base = measured("two scripts, both", took("requests", "sessions"), unit)
    file = measured("voxtrace report LOG", took("file"), unit)
    whole = measured("voxtrace import, then report", took("import", "report"), unit)
    yield base
    yield file
    yield measured("voxtrace import", took("import"), unit)
    yield measured("voxtrace report, the first after it", took("report"), unit)
    yield whole
    yield measured("voxtrace report again", took("again"), unit)
    yield ratio(f"two scripts : report LOG, {unit}", base, file, at_least=2 if unit == "s" else None)
    yield ratio(f"two scripts : import and report, {unit}", base, whole)
    yield ratio(f"two scripts : report of what is there, {unit}", base, measured("", took("again"), unit))


def _voxtrace(folder: Path, data: Path, *words: str) -> Ran:
    return _written([sys.executable, "-m", "voxtrace", *words, "--data", str(data)], folder)


def _written(command: list[str], folder: Path) -> Ran:
    ran = measured_command(command, folder / "output.txt")
    if not (folder / "output.txt").stat().st_size:
        raise AssertionError(f"{command} printed nothing")
    return ran
