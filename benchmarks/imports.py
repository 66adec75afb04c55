"""How long it takes to load what a voice service imports, in a fresh interpreter each time."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.figure import Figure, measured

STARTS = 25
TIMED = "import time\nbegan = time.perf_counter_ns()\n{}\nprint(time.perf_counter_ns() - began)"


def run() -> list[Figure]:
    limits = {"import voxtrace": 30, "from voxtrace import Tracker": None}
    samples: dict[str, list[float]] = {statement: [] for statement in limits}
    for _ in range(STARTS):
        for statement, times in samples.items():
            answer = subprocess.run(
                [sys.executable, "-c", TIMED.format(statement)], capture_output=True, text=True, check=True
            )
            times.append(int(answer.stdout) / 1e6)
    return [measured(statement, times, "ms", at_most=limits[statement]) for statement, times in samples.items()]
