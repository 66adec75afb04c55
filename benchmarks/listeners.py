"""A hundred listeners who read as fast as they play: does anybody hear a gap, and does the server still answer?"""

from __future__ import annotations

import time

from benchmarks.figure import Figure
from benchmarks.under_load import crowd, health_pings, quantile_of, served, whole
from voxtrace.loadtest.arrivals import ClosedLoop
from voxtrace.loadtest.plan import Workload

LISTENERS, SECONDS, IDLE_S = 100, 15.0, 3.0
MAX_STALL_MS, HEALTH_P99_MS = 100.0, 20.0


def run() -> list[Figure]:
    """Stalls of all streams, and `/health` meanwhile."""
    with served() as server:
        with health_pings(server) as idle:
            time.sleep(IDLE_S)
        with health_pings(server) as busy:
            outcome = crowd(server, ClosedLoop(LISTENERS, SECONDS), Workload({"medium": 1}, pace="real time"))
    stall, ttfa = whole(outcome, "max_stall_ms", "medium"), whole(outcome, "ttfa_ms", "medium")
    group = outcome.scenarios["medium"].groups[0]
    failed = sum(each.count for each in outcome.errors)
    return [
        Figure(f"streams of {LISTENERS} listeners in real time", group.turns, "", group.turns),
        Figure("requests that failed", failed, "", outcome.run.completed, at_most=0),
        Figure("share without a stall over 100 ms", group.continuity or 0, "", group.turns, at_least=1),
        Figure("longest stall", _largest(stall.largest), "ms", stall.measured, at_most=MAX_STALL_MS),
        Figure("TTFA p95", _largest(ttfa.p95), "ms", ttfa.measured),
        Figure("/health p99 meanwhile", quantile_of(busy, 990), "ms", len(busy), at_most=HEALTH_P99_MS),
        Figure("/health p99 when idle", quantile_of(idle, 990), "ms", len(idle)),
    ]


def _largest(value: float | None) -> float:
    """What was not measured keeps no promise."""
    return float("inf") if value is None else value
