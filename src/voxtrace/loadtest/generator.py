"""Runs a plan: one event loop, raw HTTP, every moment stamped where it happens."""

from __future__ import annotations

import asyncio
import gc
import os
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from voxtrace.audio.libav_decoding import load_decoder
from voxtrace.audio.onset import leading_silence
from voxtrace.audio.wav import SampleFormat, to_int16
from voxtrace.client.errors import SpeechRequestFailed
from voxtrace.client.sound import OPENAI_RATE_HZ
from voxtrace.clock import mono_ns, wall_ns
from voxtrace.loadtest.arrivals import ClosedLoop
from voxtrace.loadtest.connection import Connection, Connections
from voxtrace.loadtest.listener import Listener, Patience
from voxtrace.loadtest.plan import Plan, Planned
from voxtrace.loadtest.record import Record, Told
from voxtrace.loadtest.target import Target
from voxtrace.tracker import generate_request_id
from voxtrace.units import NANOS_PER_SECOND

# uvloop's timers count whole milliseconds and ring up to half of one early or late. Asked for half a millisecond
# early they ring in the half before or the half after the planned moment.
TIMER_EARLY_S = 0.0005
TICK_S = 0.02  # how often the loop's lag is taken
CHECK_S = 0.1  # how often listeners look at their deadlines
# Users of a closed loop begin within this time: all at once they would stay in step and measure their own queue.
SPREAD_S = 1.0


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a plan is carried out."""

    patience: Patience = field(default_factory=Patience)
    reuse_connections: bool = True
    max_in_flight: int = 4_000  # more are not sent, and counted
    drain_s: float = 60.0  # for answers under way when the plan is over; then their listeners leave


class Progress(NamedTuple):
    """Where a run is."""

    elapsed_s: float
    offered: int  # requests that were due
    sent: int
    completed: int  # ended, in whatever way
    in_flight: int
    errors: Counter[str]
    told: Told


@dataclass(slots=True)
class Run:
    """What is known of a run beside its records."""

    plan: Plan
    told: Told
    started_ns: int
    offered: int = 0
    sent: int = 0
    completed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    offering_ns: int = 0  # how long requests were offered
    ended_ns: int = 0
    cpu_ns: int = 0  # that this process took for it
    interrupted: bool = False
    lag_ns: array[int] = field(default_factory=lambda: array("q"))  # of the loop, every TICK_S
    late_ns: array[int] = field(default_factory=lambda: array("q"))  # of the generator, each request


Watch = Callable[[Progress], None]


class _Prepared(NamedTuple):
    planned: Planned
    request_id: str
    text_chars: int
    request: bytes


class Generator:
    """One run. `on_record` gets each request when it has ended; `watch` is told every TICK_S where the run is.

    Both are called on the event loop, so what they take is missing for everything else.
    """

    def __init__(
        self,
        plan: Plan,
        target: Target,
        conduct: Conduct,
        on_record: Callable[[Record], None],
        watch: Watch | None = None,
    ) -> None:
        self._plan, self._target, self._conduct = plan, target, conduct
        self._on_record, self._watch = on_record, watch
        self._pool = Connections(
            target,
            reuse=conduct.reuse_connections,
            small_buffer=plan.workload.pace == "real time",
            connect_s=conduct.patience.connect_s,
        )
        self._listeners: dict[Listener, None] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._upcoming = iter(plan.requests)
        self._chance = Random(f"{plan.seed}/users")
        self._waiting_users = 0
        self._is_offering = True
        self._over: asyncio.Event = asyncio.Event()

    async def run(self) -> Run:
        """Carry the plan out; returns when the last listener has gone."""
        self._loop = asyncio.get_running_loop()
        started = mono_ns()
        told = Told(self._plan.workload, self._target.endpoint.url.partition("?")[0], wall_ns() - started)
        self.state = Run(self._plan, told, started)
        # The first search for a first audible sample would load numpy and a decoder in the middle of the measured time.
        leading_silence(to_int16(bytes(2), SampleFormat(OPENAI_RATE_HZ)), OPENAI_RATE_HZ)
        if self._plan.workload.format not in ("pcm", "wav"):
            load_decoder()
        cpu_before = _cpu_ns()
        # Records pile up and are no garbage; walking over them again and again would stop the clock for everybody.
        gc.collect()
        gc.disable()
        try:
            self._begin()
            ticker, checker = self._loop.create_task(self._tick()), self._loop.create_task(self._check())
            await self._over.wait()
            ticker.cancel()
            checker.cancel()
        finally:
            gc.enable()
            self._pool.close()
        self.state.ended_ns, self.state.cpu_ns = mono_ns(), _cpu_ns() - cpu_before
        self.state.connections = self._pool.opened
        return self.state

    def stop(self) -> None:
        """Offer nothing more, and let all listeners leave; what was measured stays."""
        self.state.interrupted = True
        self._stop_offering()
        for listener in list(self._listeners):
            listener.leave()
        for task in self._opening:
            task.cancel()

    def _begin(self) -> None:
        arrivals = self._plan.arrivals
        self.state.started_ns = mono_ns()
        if isinstance(arrivals, ClosedLoop):
            spread_s = min(SPREAD_S, arrivals.seconds / 10)
            self._waiting_users = arrivals.users
            for _ in range(arrivals.users):
                self._loop.call_later(self._chance.random() * spread_s, self._ask_again)
            self._loop.call_later(arrivals.seconds, self._stop_offering)
        else:
            self._schedule_next()

    # An open loop

    def _schedule_next(self) -> None:
        """Make the next request while there is time, and wait for its moment."""
        planned = next(self._upcoming, None)
        if planned is None or planned.at is None or not self._is_offering:
            self._stop_offering()
            return
        prepared = self._prepare(planned)
        due_ns = self.state.started_ns + planned.at
        self._loop.call_later((due_ns - mono_ns()) / NANOS_PER_SECOND - TIMER_EARLY_S, self._offer, prepared, due_ns)

    def _offer(self, prepared: _Prepared, due_ns: int) -> None:
        if self._is_offering:
            self._ask(prepared, due_ns, mono_ns())
            self._schedule_next()

    # A closed loop

    def _ask_again(self) -> None:
        self._waiting_users -= 1
        planned = next(self._upcoming, None)
        if planned is None or not self._is_offering:
            self._stop_offering()
            return
        prepared = self._prepare(planned)
        now = mono_ns()
        self._ask(prepared, now, now)

    def _user_is_free(self, listener: Listener) -> None:
        arrivals = self._plan.arrivals
        if not isinstance(arrivals, ClosedLoop) or not self._is_offering:
            return
        wait_s = arrivals.think_s * (0.5 + self._chance.random())
        if self._plan.workload.pace == "real time":
            wait_s += max(listener.played_until_ns() - mono_ns(), 0) / NANOS_PER_SECOND
        self._waiting_users += 1
        self._loop.call_later(wait_s, self._ask_again)

    # Both

    def _prepare(self, planned: Planned) -> _Prepared:
        request_id, text = generate_request_id(), self._plan.text(planned)
        return _Prepared(planned, request_id, len(text), self._target.request(request_id, text, self._plan.workload))

    def _ask(self, prepared: _Prepared, due_ns: int, now_ns: int) -> None:
        state = self.state
        state.offered += 1
        record = Record(prepared.planned, prepared.request_id, prepared.text_chars, due_ns, now_ns)
        state.late_ns.append(record.late_ns)
        listener = Listener(
            record, self._target.endpoint.where, self._plan.workload, self._conduct.patience, self._on_done
        )
        if len(self._listeners) >= self._conduct.max_in_flight:
            record.error, record.error_message = "not_sent", f"{len(self._listeners)} requests are under way already"
            self._listeners[listener] = None
            listener.give_up(now_ns)
            return
        self._listeners[listener] = None
        connection = self._pool.free()
        if connection is not None:
            self._begin_on(connection, listener, prepared)
        else:
            task = self._loop.create_task(self._open_for(listener, prepared))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open_for(self, listener: Listener, prepared: _Prepared) -> None:
        try:
            connection = await self._pool.open()
        except SpeechRequestFailed as why:
            listener.fail(why, mono_ns())
            return
        if listener in self._listeners:
            self._begin_on(connection, listener, prepared)
        else:
            connection.abort()

    def _begin_on(self, connection: Connection, listener: Listener, prepared: _Prepared) -> None:
        self.state.sent += 1
        listener.begin(connection, prepared.request)

    def _on_done(self, listener: Listener) -> None:
        state, record = self.state, listener.record
        self._listeners.pop(listener, None)
        if listener.connection is not None:
            whole = record.outcome != "cancelled" and listener.answer.is_complete
            self._pool.give_back(listener.connection, keeps_open=whole and listener.answer.keeps_open)
        state.completed += 1
        if record.outcome == "error":
            state.errors[record.error] += 1
        self._on_record(record)
        self._user_is_free(listener)
        self._end_if_over()

    def _stop_offering(self) -> None:
        if self._is_offering:
            self._is_offering = False
            self.state.offering_ns = mono_ns() - self.state.started_ns
            self._loop.call_later(self._conduct.drain_s, self._give_up_waiting)
        self._end_if_over()

    def _give_up_waiting(self) -> None:
        for listener in list(self._listeners):
            listener.leave()

    def _end_if_over(self) -> None:
        if not self._is_offering and not self._listeners:
            self._over.set()

    async def _tick(self) -> None:
        """How late the loop is: what every stamp may be late by."""
        due = self._loop.time()
        while True:
            due += TICK_S
            await asyncio.sleep(due - self._loop.time())
            late_s = self._loop.time() - due
            self.state.lag_ns.append(max(round(late_s * NANOS_PER_SECOND), 0))
            due = max(due, self._loop.time() - TICK_S)
            if self._watch is not None:
                self._watch(self.progress())

    def progress(self) -> Progress:
        """Where the run is now."""
        state = self.state
        elapsed_s = (mono_ns() - state.started_ns) / NANOS_PER_SECOND
        in_flight = len(self._listeners)
        return Progress(elapsed_s, state.offered, state.sent, state.completed, in_flight, state.errors, state.told)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            now = mono_ns()
            for listener in list(self._listeners):
                listener.check(now)


def _cpu_ns() -> int:
    """Processor time of this process so far; its clock ticks 100 times a second."""
    times = os.times()
    return round((times.user + times.system) * NANOS_PER_SECOND)
