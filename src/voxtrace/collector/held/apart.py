"""Batches of events measured on every core, each in a process of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from voxtrace.collector.held.batch import Answers, MeasuredBatch, measure_batch
from voxtrace.collector.measure_apart import end_apart, processes_apart, submit_apart
from voxtrace.errors import VoxtraceError

# Measured by this process itself: as much work as the start of others takes.
ALONE_BATCHES = 4
# For each process: under way, or made and not taken.
WAITING_BATCHES = 3


class MeasuringBroke(VoxtraceError):
    """A process that measured is gone, and what it was to measure is missing."""

    def __init__(self) -> None:
        super().__init__(
            "a process that measured turns was ended from outside, as a rule because memory ran out; "
            "import the files with `voxtrace import`, which needs less, and run `voxtrace report`"
        )


class Measuring:
    """Gives batches to processes, and hands out what they make of them in the order in which they were given."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[Future[MeasuredBatch]] = deque()
        self._alone = 0

    def close(self) -> None:
        if self._pool is not None:
            end_apart(self._pool)
            self._pool = None

    def give(self, packed: bytes, answers: Answers | None = None) -> Iterator[MeasuredBatch]:
        """Have a batch measured; what comes out may be of earlier ones, or nothing yet."""
        if self._pool is None and self._alone < ALONE_BATCHES:
            self._alone += 1
            yield measure_batch(packed, answers)
            return
        if self._pool is None:
            self._pool = processes_apart(self._processes)
        try:
            self._waiting.append(submit_apart(self._pool, measure_batch, packed, answers))
        except BrokenProcessPool as why:
            raise MeasuringBroke from why
        if len(self._waiting) > WAITING_BATCHES * self._processes:
            yield self._next()

    def rest(self) -> Iterator[MeasuredBatch]:
        """All that was given and has not come out."""
        while self._waiting:
            yield self._next()

    def _next(self) -> MeasuredBatch:
        try:
            return self._waiting.popleft().result()
        except BrokenProcessPool as why:
            raise MeasuringBroke from why
