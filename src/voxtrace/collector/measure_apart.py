"""Deriving very many turns at once, as after an import: on every core, each in a process of its own."""

from __future__ import annotations

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

from voxtrace.analysis.derived import VERSION
from voxtrace.collector.measure import derive
from voxtrace.collector.reading import usable_cores
from voxtrace.store import Derived, Store, open_store

# Turns that one process derives at a time and that become one transaction: 0.1 s of work.
TURNS_PER_PIECE = 300
# Asked for at once; a round ends with some processes idle, so it is long.
TURNS_PER_ROUND = 20_000
MOST_PROCESSES = 8  # one process stores what they derive


def measure_apart(store: Store, folder: Path, on_progress: Callable[[int], None] = lambda done: None) -> int:
    """Derive all that is stale in the store of a data folder, and keep it.

    What becomes stale meanwhile is left for the next time, so that this ends whatever comes in.

    Returns:
        The number of turns derived.
    """
    store.use_definitions(VERSION)
    processes = min(usable_cores(), MOST_PROCESSES)
    spawn = get_context("spawn")  # a fork would copy the locks of whatever threads run here
    done, is_last = 0, False
    with ProcessPoolExecutor(processes, spawn, initializer=begin_apart) as pool:
        while not is_last:
            round_ = store.stale(TURNS_PER_ROUND)
            is_last = len(round_) < TURNS_PER_ROUND
            pieces = [round_[at : at + TURNS_PER_PIECE] for at in range(0, len(round_), TURNS_PER_PIECE)]
            for derived in _derived(pool, folder, pieces, 2 * processes):
                store.put_derived(derived)
                done += len(derived)
                on_progress(done)
    return done


def _derived(
    pool: ProcessPoolExecutor, folder: Path, pieces: Sequence[Sequence[str]], ahead: int
) -> Iterator[list[Derived]]:
    """What the processes made of the pieces, in order; only so many pieces are under way, or made and not stored."""
    waiting: deque[Future[list[Derived]]] = deque()
    for piece in pieces:
        waiting.append(pool.submit(_derive_piece, folder, piece))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def begin_apart() -> None:
    """What every process that measures does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who stores; these end with it
    gc.disable()  # many small records and no cycle among them: the search takes as long as the work


def _derive_piece(folder: Path, request_ids: Sequence[str]) -> list[Derived]:
    with closing(open_store(folder, readonly=True)) as store:
        return list(derive(store, request_ids))
