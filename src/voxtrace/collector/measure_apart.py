"""Deriving very many turns at once, as after an import: on every core, each in a process of its own."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from voxtrace.analysis.derived import VERSION
from voxtrace.collector.measure import derive
from voxtrace.collector.reading import usable_cores
from voxtrace.lifetime import deaf_to_interrupts, end_with_parent
from voxtrace.store import Derived, Store, open_store

# Turns that one process derives at a time and that become one transaction: 0.1 s of work.
TURNS_PER_PIECE = 300
# Asked for at once; a round ends with some processes idle, so it is long.
TURNS_PER_ROUND = 20_000
Given = ParamSpec("Given")
Made = TypeVar("Made")
MOST_PROCESSES = 8  # one process stores what they derive


def measure_apart(store: Store, folder: Path, on_progress: Callable[[int], None] = lambda done: None) -> int:
    """Derive all that is stale in the store of a data folder, and keep it.

    What becomes stale meanwhile is left for the next time, so that this ends whatever comes in; but for one round more,
    of turns that asked for what another process was just deriving.

    Returns:
        The number of turns derived.
    """
    store.use_definitions(VERSION)
    processes = min(usable_cores(), MOST_PROCESSES)
    done, short_rounds = 0, 0
    pool = processes_apart(processes)
    try:
        while short_rounds < 2 and (round_ := store.stale(TURNS_PER_ROUND)):
            short_rounds += len(round_) < TURNS_PER_ROUND
            pieces = [round_[at : at + TURNS_PER_PIECE] for at in range(0, len(round_), TURNS_PER_PIECE)]
            for derived in _derived(pool, folder, pieces, 2 * processes):
                store.put_derived(derived)
                done += len(derived)
                on_progress(done)
    finally:
        end_apart(pool)
    return done


def _derived(
    pool: ProcessPoolExecutor, folder: Path, pieces: Sequence[Sequence[str]], ahead: int
) -> Iterator[list[Derived]]:
    """What the processes made of the pieces, in order; only so many pieces are under way, or made and not stored."""
    waiting: deque[Future[list[Derived]]] = deque()
    for piece in pieces:
        waiting.append(submit_apart(pool, _derive_piece, folder, piece))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def processes_apart(count: int) -> ProcessPoolExecutor:
    """So many processes that measure; they start with the first work, and `end_apart` ends them."""
    spawn = get_context("spawn")  # a fork would copy the locks of whatever threads run here
    return ProcessPoolExecutor(count, spawn, initializer=_begin, initargs=(os.getpid(),))


def submit_apart(
    pool: ProcessPoolExecutor, work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs
) -> Future[Made]:
    """Submit work to a pool that may start a process for it. Ctrl-C is for the one who stores; these end with it."""
    with deaf_to_interrupts():
        return pool.submit(work, *given, **named)


def end_apart(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool, each behind what it is doing: less than a second.

    A second Ctrl-C must wait as long: one that breaks off the farewell leaves processes that wait for work for ever.
    """
    with deaf_to_interrupts():
        pool.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    """What every process that measures for `parent` does first."""
    end_with_parent(parent)  # killed, it could not tell them, and they would wait for work for ever
    gc.disable()  # many small records and no cycle among them: the search takes as long as the work


def _derive_piece(folder: Path, request_ids: Sequence[str]) -> list[Derived]:
    with closing(open_store(folder, readonly=True)) as store:
        return list(derive(store, request_ids))
