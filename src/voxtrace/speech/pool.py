"""A fixed number of engine processes, and the queue before them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from itertools import count

from voxtrace.clock import mono_ns
from voxtrace.errors import InvalidOption
from voxtrace.speech.admission import AdmissionLimits, Situation, refuse
from voxtrace.speech.engine_process import EngineChoice, EngineProcess
from voxtrace.speech.errors import (
    EngineCrashed,
    EngineDidNotStart,
    EngineHung,
    EngineOutOfMemory,
    ReaderTooSlow,
    SpeechError,
    Stopping,
)
from voxtrace.speech.job import WHENEVER_NS, Job, Spoken
from voxtrace.speech.ports import OUTPUT_RATE_HZ, Catalogue
from voxtrace.speech.schedule import SCHEDULES, Schedule, new_schedule
from voxtrace.speech.tally import Tally
from voxtrace.speech.workload import Workload
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

LOG = logging.getLogger("voxtrace.speech")

WATCH_EVERY_S = 0.25
# A worker that ends while it starts is started again after 0.1 s, then twice as long each time.
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many engines, and when to lose patience."""

    workers: int = 2
    max_waiting: int = 64  # requests without an engine; further ones are refused
    max_ttfa_ms: float = 5000.0  # predicted; who would wait longer is refused
    max_load: float = 0.9  # share of the engines' time that streams at real time may take
    target_ms: float = 200.0  # after which a first piece is due
    schedule: str = "edf"  # or "fifo", to compare with
    engine: EngineChoice = field(default_factory=EngineChoice)
    hang_limit_s: float = 10.0  # without a block while nothing holds the engine back
    reader_limit_s: float = 10.0  # an engine waits no longer for one slow listener
    start_limit_s: float = 30.0

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InvalidOption("workers", self.workers, "at least one engine process is needed")
        if self.schedule not in SCHEDULES:
            raise InvalidOption("schedule", self.schedule, f"must be one of: {', '.join(SCHEDULES)}")
        self.admission()

    def admission(self) -> AdmissionLimits:
        """When a request is refused."""
        return AdmissionLimits(self.max_waiting, self.max_ttfa_ms, self.max_load)


class Pool:
    """Gives each free engine the job that its schedule names, and takes no more than it can serve.

    A process that crashes or hangs is replaced; the job it had ends with an error and no other is touched.
    """

    def __init__(self, options: PoolOptions) -> None:
        self._options = options
        self._processes: list[EngineProcess] = []
        self._children: set[EngineProcess] = set()  # and those that are gone but were not waited for yet
        self._idle: list[EngineProcess] = []
        self._queue: Schedule[Job] = new_schedule(options.schedule)
        self._waiting_chars = 0  # of the jobs in the queue for which somebody waits
        self._limits = options.admission()
        self._numbers = count(1)
        self._why_killed: dict[EngineProcess, SpeechError] = {}
        self._started: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._backoff_s = FIRST_BACKOFF_S
        self._is_stopping = False
        self.catalogue: Catalogue | None = None
        self.workload = Workload(options.workers, round(options.target_ms * NANOS_PER_MILLI))
        self.tally = Tally()
        self.restarts = 0
        self.refused = 0

    @property
    def waiting(self) -> int:
        """Requests whose first piece waits for an engine."""
        return self.workload.waiting[True]

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

    @property
    def processes(self) -> list[EngineProcess]:
        """The processes, to look at."""
        return list(self._processes)

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
            Refused: it is a request's first piece, and the request can't be served as it should be.
            Stopping: the pool is being stopped.
        """
        if self._is_stopping:
            raise Stopping
        if job.is_first and (refusal := refuse(self.situation(), self._limits)) is not None:
            self.refused += 1
            raise refusal
        job.number = next(self._numbers) & 0xFFFFFFFF
        self._count(job, 1)
        self._queue.push(job)
        self._dispatch()

    def situation(self) -> Situation:
        """What a request would find that came now. Costs the same however many wait: a crowd asks for it often."""
        pace, streams, idle = self.workload.pace, self.workload.streams, len(self._idle)
        rtf, now = pace.rtf, mono_ns()
        running = 0
        for process in self._processes:
            if process.job is not None:
                running += max(pace.busy_ns(len(process.job.utterance.text)) - (now - process.job.started_ns), 0)
        is_full = rtf is not None and (len(streams) + 1) * rtf > self._options.workers * self._limits.load
        return Situation(
            workers=self._options.workers,
            idle=idle,
            waiting=self.waiting,
            active=len(streams),
            rtf=rtf,
            # Continuations count too, due or not: they are owed to those who listen already.
            busy_ns=running + pace.busy_ns(self._waiting_chars),
            first_block_ns=round(pace.first_block_ns or 0),
            shortest_left_ns=pace.busy_ns(min((each.chars_left for each in streams), default=0)) if is_full else 0,
        )

    def _count(self, job: Job, by: int) -> None:
        """One job more, or less, waits."""
        self.workload.waiting[job.is_first] += by
        if job.due_ns != WHENEVER_NS:
            self._waiting_chars += by * len(job.utterance.text)

    def cancel(self, job: Job) -> bool:
        """Take a job back.

        Returns:
            Whether an engine has it, so that `on_done` or `on_error` is still to come.
        """
        if job.cancelled:
            return job.holder is not None
        job.cancelled = True
        if job.holder is None:
            self._count(job, -1)
            self._queue.discard(job)
            return False
        job.holder.cancel()
        return True

    async def stop(self) -> None:
        """End all engines; what they were saying ends with an error."""
        self._is_stopping = True
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._queue = list(self._queue), new_schedule(self._options.schedule)
        for job in waiting:
            job.listener.on_error(Stopping())
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

    def on_spoken(self, job: Job, spoken: Spoken) -> None:
        """A job went to its end, or to where it was taken back."""
        if not job.cancelled:
            audio_ns = spoken.samples * NANOS_PER_SECOND // OUTPUT_RATE_HZ
            # Not the time of synthesis alone: what else keeps an engine from its next piece, such as a server that
            # is too busy to hand one over, takes from the others just as much.
            taken_ns = spoken.busy_ns if job.was_paused else mono_ns() - job.started_ns
            self.workload.pace.learn(len(job.utterance.text), taken_ns, audio_ns, job.first_block_ns)

    def on_no_memory(self, process: EngineProcess) -> None:
        """A process can't go on for want of memory; `on_lost` follows."""
        self._why_killed[process] = EngineOutOfMemory(process.pid)
        process.kill()

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
            self._started.set_exception(self._not_started(process.last_words or "its process ended without a word"))
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
        while self._idle and (job := self._queue.pop(now := mono_ns(), self.workload.margin_ns())) is not None:
            self._count(job, -1)
            job.started_ns = now
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
