"""A fixed number of engine processes, and the queue before them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count

from voxtrace.clock import mono_ns
from voxtrace.errors import InvalidOption
from voxtrace.speech.engine_process import EngineChoice, EngineProcess
from voxtrace.speech.errors import (
    EngineCrashed,
    EngineDidNotStart,
    EngineHung,
    QueueFull,
    ReaderTooSlow,
    SpeechError,
    Stopping,
)
from voxtrace.speech.job import Job
from voxtrace.speech.ports import Catalogue
from voxtrace.units import NANOS_PER_SECOND

LOG = logging.getLogger("voxtrace.speech")

WATCH_EVERY_S = 0.25
RETRY_AFTER_S = 1
MANY = 64  # cancelled jobs that may stay in the queue
# A worker that ends while it starts is started again after 0.1 s, then twice as long each time.
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many engines, and when to lose patience."""

    workers: int = 2
    max_waiting: int = 64  # requests without an engine; further ones are refused
    engine: EngineChoice = field(default_factory=EngineChoice)
    hang_limit_s: float = 10.0  # without a block while nothing holds the engine back
    reader_limit_s: float = 10.0  # an engine waits no longer for one slow listener
    start_limit_s: float = 30.0

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InvalidOption("workers", self.workers, "at least one engine process is needed")
        if self.max_waiting < 0:
            raise InvalidOption("max_waiting", self.max_waiting, "can't be negative")


class Pool:
    """Gives each job to a free engine: first pieces before continuations, else in the order of arrival.

    A process that crashes or hangs is replaced; the job it had ends with an error and no other is touched.
    """

    def __init__(self, options: PoolOptions) -> None:
        self._options = options
        self._processes: list[EngineProcess] = []
        self._children: set[EngineProcess] = set()  # and those that are gone but were not waited for yet
        self._idle: list[EngineProcess] = []
        self._queue: list[tuple[bool, int, Job]] = []
        self._numbers = count(1)
        self._waiting = {True: 0, False: 0}  # jobs in the queue, by is_first
        self._why_killed: dict[EngineProcess, SpeechError] = {}
        self._started: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._backoff_s = FIRST_BACKOFF_S
        self._is_stopping = False
        self.catalogue: Catalogue | None = None
        self.restarts = 0

    @property
    def waiting(self) -> int:
        """Requests whose first piece waits for an engine."""
        return self._waiting[True]

    @property
    def ready(self) -> int:
        """Engines that are loaded, busy or not."""
        return sum(process.catalogue is not None for process in self._processes)

    @property
    def busy(self) -> int:
        """Engines that speak right now."""
        return sum(process.job is not None for process in self._processes)

    @property
    def workers(self) -> int:
        """Engines that there should be."""
        return self._options.workers

    @property
    def pids(self) -> list[int]:
        """The processes, for people and for tests that end one."""
        return [process.pid for process in self._processes]

    async def start(self) -> Catalogue:
        """Start all engines and wait until they are loaded.

        Raises:
            EngineDidNotStart: one ended before it was ready, or took too long.
        """
        self._started = asyncio.get_running_loop().create_future()
        for _ in range(self._options.workers):
            await self._add_process()
        self._schedule_watch()
        try:
            await asyncio.wait_for(asyncio.shield(self._started), self._options.start_limit_s)
        except TimeoutError as why:
            raise self._not_started(f"it was not ready after {self._options.start_limit_s:g} s") from why
        assert self.catalogue is not None
        return self.catalogue

    def submit(self, job: Job) -> None:
        """Queue a job; its listener hears the rest.

        Raises:
            QueueFull: it is a request's first piece and too many wait already.
            Stopping: the pool is being stopped.
        """
        if self._is_stopping:
            raise Stopping
        if job.is_first and not self._idle and self.waiting >= self._options.max_waiting:
            raise QueueFull(self.waiting, RETRY_AFTER_S)
        job.number = next(self._numbers) & 0xFFFFFFFF
        self._waiting[job.is_first] += 1
        heappush(self._queue, (not job.is_first, job.number, job))
        self._dispatch()

    def cancel(self, job: Job) -> bool:
        """Take a job back.

        Returns:
            Whether an engine has it, so that `on_done` or `on_error` is still to come.
        """
        if job.cancelled:
            return job.holder is not None
        job.cancelled = True
        if job.holder is None:
            # It stays in the heap and is skipped when its turn comes, unless most of the heap is like it.
            self._waiting[job.is_first] -= 1
            if len(self._queue) > 2 * sum(self._waiting.values()) + MANY:
                self._queue = [entry for entry in self._queue if not entry[2].cancelled]
                heapify(self._queue)
            return False
        job.holder.cancel()
        return True

    async def stop(self) -> None:
        """End all engines; what they were saying ends with an error."""
        self._is_stopping = True
        if self._watch is not None:
            self._watch.cancel()
        for _, _, job in self._queue:
            if not job.cancelled:
                job.listener.on_error(Stopping())
        self._queue.clear()
        children = list(self._children)
        for process in children:
            self._why_killed.setdefault(process, Stopping())
            process.kill()
        for process in children:
            await asyncio.to_thread(process.reap)
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep(0)

    # Owner of the processes

    def on_ready(self, process: EngineProcess) -> None:
        """A process has loaded its engine."""
        self.catalogue = process.catalogue
        self._backoff_s = FIRST_BACKOFF_S
        self.on_idle(process)
        if self._started is not None and not self._started.done() and self.ready == self._options.workers:
            self._started.set_result(None)

    def on_idle(self, process: EngineProcess) -> None:
        """A process can take a job."""
        self._idle.append(process)
        self._dispatch()

    def on_lost(self, process: EngineProcess) -> None:
        """A process ended or was ended."""
        with contextlib.suppress(ValueError):
            self._idle.remove(process)
        if process in self._processes:
            self._processes.remove(process)
        reason = self._why_killed.pop(process, None) or EngineCrashed(process.pid)
        job, process.job = process.job, None
        if job is not None:
            job.holder = None
            job.listener.on_error(reason)
        if self._is_stopping:
            return
        if self._started is not None and not self._started.done():
            self._started.set_exception(self._not_started("its process ended; its own words are above"))
        else:
            LOG.warning("engine process %d is gone (%s); starting another", process.pid, reason.code)
            task = asyncio.get_running_loop().create_task(self._replace(process))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _replace(self, lost: EngineProcess) -> None:
        lost.kill()
        await asyncio.to_thread(lost.reap)
        self._children.discard(lost)
        if lost.catalogue is None:  # it could not even start: do not spin
            await asyncio.sleep(self._backoff_s)
            self._backoff_s = min(self._backoff_s * 2, LONGEST_BACKOFF_S)
        self.restarts += 1
        await self._add_process()

    async def _add_process(self) -> None:
        process = EngineProcess(self, self._options.engine)
        self._processes.append(process)
        self._children.add(process)
        await process.start()

    def _dispatch(self) -> None:
        while self._idle and self._queue:
            job = heappop(self._queue)[2]
            if job.cancelled:
                continue
            self._waiting[job.is_first] -= 1
            voice = job.utterance.voice
            process = next((each for each in self._idle if each.voice == voice), self._idle[0])
            self._idle.remove(process)
            process.speak(job)

    def _schedule_watch(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(WATCH_EVERY_S, self._look_after)

    def _look_after(self) -> None:
        """End the processes that make no progress."""
        now = mono_ns()
        for process in list(self._processes):
            silent_s = (now - process.progress_ns) / NANOS_PER_SECOND
            if process.waits_for_listener:
                if silent_s > self._options.reader_limit_s and process.job is not None:
                    self._give_up_listener(process.job)
            elif process.catalogue is None:
                if silent_s > self._options.start_limit_s:
                    process.kill()
            elif process.job is not None and silent_s > self._options.hang_limit_s:
                self._why_killed[process] = EngineHung(process.pid, self._options.hang_limit_s)
                process.kill()
        self._schedule_watch()

    def _give_up_listener(self, job: Job) -> None:
        if not job.cancelled:
            self.cancel(job)
            job.listener.on_error(ReaderTooSlow(self._options.reader_limit_s))

    def _not_started(self, why: str) -> EngineDidNotStart:
        return EngineDidNotStart(self._options.engine.name, why)
