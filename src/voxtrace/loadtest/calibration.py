"""What a generator measures wrong on this machine: the same arrivals, against a server whose times are known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from voxtrace.loadtest.arrivals import Arrivals, OpenLoop
from voxtrace.loadtest.generator import Conduct, Run, Watch
from voxtrace.loadtest.plan import MAX_REQUESTS, Plan, Workload, make_plan
from voxtrace.loadtest.record import Record
from voxtrace.loadtest.running import run_plan
from voxtrace.loadtest.target import find_target

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """One run against the reference server."""

    run: Run
    errors_ns: tuple[int, ...]  # of each request: time to first audio as measured, minus as it was
    failed: int


def calibrate(plan: Plan, conduct: Conduct, watch: Watch | None = None, seconds: float = SECONDS) -> Calibration:
    """Send the arrivals of `plan`, at most `seconds` of them, to a reference server in a process of its own."""
    arrivals: Arrivals = replace(plan.arrivals, seconds=min(plan.arrivals.seconds, seconds))
    if not isinstance(arrivals, OpenLoop):
        arrivals = replace(arrivals, think_s=min(arrivals.think_s, arrivals.seconds))
    like = make_plan(arrivals, Workload({"short": 1}), plan.seed, run=plan.run, most=MAX_REQUESTS)
    records: list[Record] = []
    with _reference_server() as url:
        run = run_plan(like, find_target(url), records.append, conduct, watch)
    errors = [error for record in records if (error := error_of(record)) is not None]
    return Calibration(run, tuple(errors), len(records) - len(errors))


def error_of(record: Record) -> int | None:
    """Measured minus true time to first audio, from the sending on, in nanoseconds; None where it failed."""
    received, sent = (record.headers.get(f"x-reference-{name}", "") for name in ("received", "sent"))
    if record.outcome != "ok" or not received.isdecimal() or not sent.isdecimal():
        return None
    return (record.arrivals[0] - record.sent_ns) - (int(sent) - int(received))


@contextmanager
def _reference_server() -> Iterator[str]:
    command = [sys.executable, "-m", "voxtrace.loadtest.reference"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        if child.stdin is None or child.stdout is None:
            raise AssertionError("both are pipes")
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}"
        finally:
            child.stdin.close()
            child.wait(10)
