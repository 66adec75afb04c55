"""Single sentences that come while articles are being spoken: does who asks for little wait for who asks for much?

Every second several articles are asked for, and a little later a burst of sentences. The same requests, at the same
moments, go to a server that schedules by deadline and to one that serves first who came first, in turn.
"""

from __future__ import annotations

from contextlib import ExitStack
from random import Random

from benchmarks.figure import Figure
from benchmarks.under_load import Served, conclude_all, served, whole
from voxtrace.loadtest.arrivals import OpenLoop
from voxtrace.loadtest.plan import Plan, Planned, Workload
from voxtrace.loadtest.record import Record
from voxtrace.loadtest.running import run_plan
from voxtrace.loadtest.target import find_target
from voxtrace.units import NANOS_PER_MILLI, Nanos

SCHEDULERS = ("edf", "fifo")
TURNS = ("edf", "fifo", "fifo", "edf")
ROUNDS, ROUND_MS, ARTICLES, BURST, SPREAD_MS, AFTER_MS = 4, 1_500, 6, 15, 100, 30
SEED = 5


def plan_of(turn: int) -> Plan:
    """The same moments and lengths in every turn, in other words."""
    chance, moments = Random(SEED), []
    for number in range(ROUNDS):
        begin = float(number * ROUND_MS)
        moments += [(begin, "article")] * ARTICLES
        moments += sorted((begin + AFTER_MS + chance.random() * SPREAD_MS, "short") for _ in range(BURST))
    requests = [Planned(n, Nanos(round(at * NANOS_PER_MILLI)), kind) for n, (at, kind) in enumerate(moments)]
    workload = Workload({"short": 1.0, "article": 1.0})
    return Plan(OpenLoop(1, ROUNDS * ROUND_MS / 1000), workload, SEED, f"ba{'aeiou'[turn]}", requests)


def listen(server: Served, turn: int, records: list[Record]) -> None:
    """One turn."""
    run_plan(plan_of(turn), find_target(server.url), records.append)


def run() -> list[Figure]:
    """The tails under both schedules, and their ratio."""
    records: dict[str, list[Record]] = {name: [] for name in SCHEDULERS}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(served(VOXTRACE_SCHEDULER=name)) for name in SCHEDULERS}
        for turn, name in enumerate(TURNS):
            listen(servers[name], turn, records[name])
    figures, tails = [], {}
    for name in SCHEDULERS:
        outcome = conclude_all(records[name], plan_of(0))
        of = whole(outcome, "ttfa_ms", "short")
        asked = 2 * ROUNDS * BURST
        figures.append(Figure(f"{name}: sentences answered, of {asked}", of.measured, "", asked))
        if of.p50 is not None and of.p95 is not None:
            tails[name] = of.p95
            figures.append(Figure(f"{name}: TTFA p50 of sentences beside articles", of.p50, "ms", of.measured))
            figures.append(Figure(f"{name}: TTFA p95 of sentences beside articles", of.p95, "ms", of.measured))
    if len(tails) == len(SCHEDULERS):
        n = min(figure.n for figure in figures)
        figures.append(Figure("TTFA p95, edf : fifo", tails["edf"] / tails["fifo"], "x", n, at_most=1 / 3))
    return figures
