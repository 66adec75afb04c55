"""How many short requests a second our server carries on this machine, the load included, and how fast it refuses more.

A rate is carried when every request of an open loop is answered and the 95th percentile of the time to first audio,
counted from the planned moments, is at most 50 ms. The highest one is searched by steps of a half and then by
halving, and held once more for longer. Then three times as much is offered.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace

from benchmarks.figure import Figure
from benchmarks.under_load import Served, Tree, cpu_ms, crowd, descendants, served, whole
from voxtrace.cli.load_outcome import LoadOutcome, check_of
from voxtrace.judge.validity import faults_of
from voxtrace.loadtest.arrivals import OpenLoop
from voxtrace.loadtest.calibration import calibrate
from voxtrace.loadtest.generator import Conduct
from voxtrace.loadtest.plan import Workload, make_plan

TTFA_P95_MS = 50.0
STEP_S, HOLD_S = 4.0, 8.0
FIRST_RATE, GROWTH, HALVINGS, MOST_RATE = 60.0, 1.5, 3, 1500.0
HOLD_SHARES = (1.0, 0.95, 0.9, 0.85, 0.7, 0.5)  # of the rate that was carried for STEP_S
REFUSED_MS, CONTINUOUS_MS = 50.0, 100.0
WANTED = {"uncached": 250.0, "cached": 600.0}


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried."""

    rate: float
    outcome: LoadOutcome
    loop_ms: float  # processor time of the server's own process, a request
    engines_ms: float  # of all processes below it, a request

    @property
    def ttfa_p95(self) -> float | None:
        return whole(self.outcome, "ttfa_ms", "short").p95

    @property
    def is_carried(self) -> bool:
        run = self.outcome.run
        good = not self.outcome.errors and run.completed == run.offered
        return good and self.ttfa_p95 is not None and self.ttfa_p95 <= TTFA_P95_MS

    def __str__(self) -> str:
        errors = ", ".join(f"{each.count} {each.code}" for each in self.outcome.errors) or "no errors"
        return f"  {self.rate:6.0f}/s: TTFA p95 {self.ttfa_p95} ms, {errors}, late p99 {self.outcome.check.late_ms.p99}"


def attempt(server: Served, workload: Workload, rate: float, seconds: float) -> Step:
    """Try one rate."""
    below = descendants(server.pid)
    before = cpu_ms(server.pid), sum(map(cpu_ms, below))
    outcome = crowd(server, OpenLoop(rate, seconds), workload)
    after = cpu_ms(server.pid), sum(map(cpu_ms, below))
    count = max(outcome.run.completed, 1)
    step = Step(rate, outcome, (after[0] - before[0]) / count, (after[1] - before[1]) / count)
    print(step, flush=True) if os.environ.get("VERBOSE") else None
    return step


def highest(server: Served, workload: Workload) -> Step | None:
    """The highest rate that is carried for HOLD_S; None where not even the first one is."""
    good: Step | None = None
    rate, too_much = FIRST_RATE, 0.0
    while rate <= MOST_RATE:
        step = attempt(server, workload, rate, STEP_S)
        if not step.is_carried:
            too_much = rate
            break
        good, rate = step, rate * GROWTH
    for _ in range(HALVINGS if good and too_much else 0):
        middle = (good.rate + too_much) / 2 if good else 0.0
        step = attempt(server, workload, middle, STEP_S)
        good, too_much = (step, too_much) if step.is_carried else (good, middle)
    # What was carried for a moment only is not carried.
    for share in HOLD_SHARES if good else ():
        held = attempt(server, workload, good.rate * share if good else 0.0, HOLD_S)
        if held.is_carried:
            return held
    return None


def capacity(server: Served, name: str) -> tuple[list[Figure], float]:
    """The figures of one kind of texts, and the rate."""
    found = highest(server, Workload({"short": 1}, repeat=name == "cached"))
    if found is None:
        return [Figure(f"{name} short requests carried", 0, "/s", at_least=WANTED[name])], 0.0
    ttfa, check = whole(found.outcome, "ttfa_ms", "short"), found.outcome.check
    what = f"{name} short requests"
    return [
        Figure(f"{what} carried", found.rate, "/s", ttfa.measured, at_least=WANTED[name]),
        Figure(f"{what}: TTFA p50 at that rate", ttfa.p50 or 0, "ms", ttfa.measured),
        Figure(f"{what}: TTFA p95 at that rate", ttfa.p95 or 0, "ms", ttfa.measured, at_most=TTFA_P95_MS),
        Figure(f"{what}: processor of the server's own process", found.loop_ms, "ms", ttfa.measured),
        Figure(f"{what}: processor of its engines", found.engines_ms, "ms", ttfa.measured),
        Figure(f"{what}: processor of the generator", check.cpu_share * 1000 / found.rate, "ms", ttfa.measured),
        Figure(f"{what}: generator late (p99) at that rate", check.late_ms.p99 or 0, "ms", check.late_ms.measured),
    ], found.rate


def overload(server: Served, rate: float) -> list[Figure]:
    """Three times the capacity: who is let in keeps his continuity, who is not learns it at once."""
    tree = Tree(server.pid)
    tree.look()
    with tree.watched():
        outcome = crowd(server, OpenLoop(3 * rate, HOLD_S), Workload({"short": 1}))
    busy = next((each for each in outcome.errors if each.code == "busy"), None)
    stalls, others = whole(outcome, "max_stall_ms", "short"), sum(e.count for e in outcome.errors if e.code != "busy")
    figures = [
        Figure("3x: offered", 3 * rate, "/s", outcome.run.offered),
        Figure("3x: answered with speech", stalls.expected / HOLD_S, "/s", stalls.expected),
        Figure("3x: longest stall of an answer", stalls.largest or 0, "ms", stalls.measured, at_most=CONTINUOUS_MS),
        Figure("3x: failures that are no refusals", others, "", outcome.run.completed, at_most=0),
        Figure("3x: memory of the server before", tree.samples[0][0], "MiB"),
        Figure("3x: memory of the server, at most", max(rss for rss, *_ in tree.samples), "MiB"),
    ]
    if busy is None or busy.told_ms.p95 is None:
        return figures
    told = busy.told_ms
    return [*figures, Figure("3x: refusal known (p95)", busy.told_ms.p95, "ms", told.measured, at_most=REFUSED_MS)]


def disturbance() -> str:
    """Why nothing measured on this machine now says anything about our server; "" where it is calm enough.

    The arrivals of the first rate go to the calibration's own server, which does next to nothing.
    """
    plan = make_plan(OpenLoop(FIRST_RATE, STEP_S), Workload({"short": 1}))
    calibration = calibrate(plan, Conduct())
    return "; ".join(faults_of(check_of(calibration.run, calibration)))


def unpromised(figure: Figure) -> Figure:
    """A figure of a disturbed machine: to look at, and neither kept nor broken."""
    return replace(figure, name=f"(disturbed) {figure.name}", at_least=None, at_most=None)


def run() -> list[Figure]:
    """Uncached, three times that, and cached; without promises where other programs keep the machine busy."""
    why = disturbance()
    if why:
        print(f"load: the machine is busy with something else: {why}", file=sys.stderr)
    figures = measure()
    return list(map(unpromised, figures)) if why else figures


def measure() -> list[Figure]:
    """All figures."""
    with served() as server:
        uncached, rate = capacity(server, "uncached")
        beyond = overload(server, rate) if rate else []
        cached, _ = capacity(server, "cached")
    return [*uncached, *cached, *beyond]
