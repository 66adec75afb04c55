"""Ten thousand requests and a thousand listeners who leave: does the server's process tree grow?

The first third of the requests fills pools and caches and is left out. Of the rest, the smallest value of each block
of samples counts, for memory goes up and down; what grows is the line through those.
"""

from __future__ import annotations

from collections import Counter
from statistics import median

from benchmarks.figure import Figure
from benchmarks.under_load import Served, Tree, crowd, served
from voxtrace.loadtest.arrivals import ClosedLoop
from voxtrace.loadtest.plan import Workload

REQUESTS, USERS, LEAVERS = 10_000, 8, 1_000
BLOCKS = 12
NOISE_MIB = 8.0  # several processes with an allocator each
WHAT = ("descriptors", "threads", "processes")


def growth(samples: list[float]) -> float:
    """How much the low-water marks rose from the end of the first third on (Theil and Sen's line)."""
    rest = samples[len(samples) // 3 :]
    size = max(len(rest) // BLOCKS, 1)
    lows = [min(rest[at : at + size]) for at in range(0, len(rest) - size + 1, size)]
    slopes = [(b - a) / (j - i) for i, a in enumerate(lows) for j, b in enumerate(lows) if j > i]
    return median(slopes) * (len(lows) - 1) if slopes else 0.0


def soak(server: Served, name: str, workload: Workload, requests: int, wanted: str = "ok") -> list[Figure]:
    """One long run and what it left."""
    tree = Tree(server.pid)
    with tree.watched():
        outcome = crowd(server, ClosedLoop(USERS, 3600), workload, most=requests)
    tree.look()
    rss = [sample[0] for sample in tree.samples]
    ends = sum((Counter(summary.outcomes) for summary in outcome.scenarios.values()), Counter())
    n = len(rss)
    figures = [
        Figure(f"{name}: ended as wanted", ends[wanted], "", outcome.run.completed, at_least=requests),
        Figure(f"{name}: memory after the first third", min(rss[n // 3 : n // 3 + 4]), "MiB", n),
        Figure(f"{name}: memory grown since", growth(rss), "MiB", n, at_most=NOISE_MIB),
    ]
    for which, what in enumerate(WHAT, 1):
        held = [float(sample[which]) for sample in tree.samples]
        figures.append(Figure(f"{name}: {what} grown since", growth(held), "", n, at_most=0.5))
    return figures


def run() -> list[Figure]:
    """Answers heard to the end, then listeners who leave at once."""
    with served() as server:
        heard = soak(server, f"{REQUESTS:,} requests", Workload({"short": 1}), REQUESTS)
        leave = Workload({"article": 1}, leave_after_s=0.0)
        return heard + soak(server, f"{LEAVERS:,} who leave", leave, LEAVERS, "cancelled")
