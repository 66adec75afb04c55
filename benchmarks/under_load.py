"""A speech server of our own under load: its process tree as the system sees it, and how fast it answers beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ttfa import free_port, process
from voxtrace.analysis.quantiles import Distribution
from voxtrace.cli.load_outcome import LoadOutcome, conclude
from voxtrace.loadtest.arrivals import Arrivals, ClosedLoop
from voxtrace.loadtest.generator import Conduct, Run
from voxtrace.loadtest.plan import MAX_REQUESTS, Plan, Workload, make_plan
from voxtrace.loadtest.record import Record, Told
from voxtrace.loadtest.running import run_plan
from voxtrace.loadtest.target import find_target

SAMPLE_S = 0.1
CLOCK = "bench/1.a/boot"

# Asks /health every 20 ms on one connection until its standard input closes; prints the times in milliseconds.
PINGS = """
import json, socket, sys, threading, time
port, over, times = int(sys.argv[1]), threading.Event(), []
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
ask = b"GET /health HTTP/1.1\\r\\nhost: 127.0.0.1\\r\\n\\r\\n"
with socket.create_connection(("127.0.0.1", port)) as line:
    while not over.wait(0.02):
        began = time.perf_counter_ns()
        line.sendall(ask)
        answer = line.recv(65536)
        while not answer.endswith(b"}"):
            answer += line.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit("/health failed")
        times.append((time.perf_counter_ns() - began) / 1e6)
print(json.dumps(times))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(**environ: str) -> Iterator[Served]:
    """`voxtrace serve` with a fresh data folder, warmed up."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "voxtrace", "serve", "--port", str(port), "--data", folder)
        with process(*command, port=port, **environ) as child:
            time.sleep(1)
            server = Served(port, child.pid)
            crowd(server, ClosedLoop(4, 60), Workload({"short": 1}), most=40)
            yield server


def crowd(
    server: Served,
    arrivals: Arrivals,
    workload: Workload,
    *,
    conduct: Conduct | None = None,
    seed: int = 1,
    most: int = MAX_REQUESTS,
) -> LoadOutcome:
    """One load test."""
    records: deque[Record] = deque()
    run = run_plan(make_plan(arrivals, workload, seed, most=most), find_target(server.url), records.append, conduct)
    return conclude(run, records, CLOCK)


def conclude_all(records: list[Record], plan: Plan) -> LoadOutcome:
    """The numbers of records of several runs of the same kind."""
    run = Run(plan, Told(plan.workload, "", 0), 0)
    return conclude(run, deque(records), CLOCK)


def whole(outcome: LoadOutcome, metric: str, kind: str) -> Distribution:
    """A metric of the largest population of one class of text."""
    summary = outcome.scenarios.get(kind)
    return summary.groups[0].metrics[metric] if summary and summary.groups else Distribution(0, 0)


@dataclass(slots=True)
class Tree:
    """What a process and all below it hold, sampled: resident MiB, descriptors, threads, processes."""

    pid: int
    samples: list[tuple[float, int, int, int]] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample."""
        found = [_look_at(pid) for pid in (self.pid, *descendants(self.pid))]
        rss, descriptors, threads = (sum(each) for each in zip(*found, strict=True))
        self.samples.append((rss / 1024, int(descriptors), int(threads), len(found)))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Sample while the block runs."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(SAMPLE_S):
                self.look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended while we looked
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _look_at(pid: int) -> tuple[int, int, int]:
    """Resident KiB, descriptors, threads; zeros of a process that ended while we looked."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return _number(status, "VmRSS:"), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), _number(status, "Threads:")
    except OSError:
        return 0, 0, 0


def _number(status: str, name: str) -> int:
    return int(status.partition(name)[2].split()[0]) if name in status else 0


def cpu_ms(pid: int) -> float:
    """Processor time that one process has taken so far, in milliseconds; the system counts it in ticks of 10."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


@contextmanager
def health_pings(server: Served) -> Iterator[list[float]]:
    """How long /health takes while the block runs, in milliseconds; filled when it is left."""
    times: list[float] = []
    command = [sys.executable, "-c", PINGS, str(server.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield times
        times += json.loads(child.communicate("")[0])


def quantile_of(samples: list[float], per_mille: int) -> float:
    """Nearest rank."""
    return sorted(samples)[max(-(-len(samples) * per_mille // 1000), 1) - 1]
