"""Keeps services running as processes of their own: starts them, starts crashed ones again, stops them all."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voxtrace.cli.health import ask_health
from voxtrace.cli.lifeline import LIFELINE_VARIABLE, ON_STDIN
from voxtrace.cli.signals import stop_signals
from voxtrace.clock import Clock, SystemClock, sleep
from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError
from voxtrace.units import NANOS_PER_SECOND

LOOK_EVERY_S = 0.1
READY_WITHIN_S = 60.0  # a cold disk and one core: importing takes seconds there
STOP_WITHIN_S = 8.0

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
# A service that ran this long has recovered: its next crash is a new story.
HEALTHY_AFTER_S = 60.0


class ServiceDidNotStart(VoxtraceError):
    """A service ended, or did not answer, before everything was running."""

    def __init__(self, name: str, why: str, exit_code: int = EXIT_UNREACHABLE) -> None:
        super().__init__(f"{name} did not start: {why}; its own message stands above")
        self.name, self.why, self.exit_code = name, why, exit_code


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep running; it is ready when it answers GET `url`/health."""

    name: str
    command: tuple[str, ...]
    url: str


@dataclass(slots=True)
class _Running:
    """What is known about one service now."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    started_ns: int = 0
    start_at_ns: int = 0  # when to start it again, while it is down
    crashes: int = 0
    ready: bool = False


def delay_s(crashes: int) -> float:
    """Seconds to wait before the start that follows the `crashes`th crash in a row."""
    return min(FIRST_DELAY_S * 2.0 ** min(crashes - 1, 16), LONGEST_DELAY_S)


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def answers(url: str) -> bool:
    """Whether GET `url`/health is answered right now; a service in trouble that says so is running."""
    return ask_health(url) is not None


@dataclass
class Supervisor:
    """Runs services until it is told to stop. `tell` gets every line that a person should read."""

    services: Sequence[Service]
    tell: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)
    stop_within_s: float = STOP_WITHIN_S  # then those that still run are ended
    _running: list[_Running] = field(default_factory=list, init=False)

    def run(self, when_ready: Callable[[], None]) -> None:
        """Start all services, call `when_ready` when all answer, and tend them until SIGINT or SIGTERM.

        Raises:
            ServiceDidNotStart: one of them never answered; the others are stopped again.
        """
        self._running = [_Running(service) for service in self.services]
        with stop_signals():
            try:
                for each in self._running:
                    self._start(each)
                self._await_all()
                when_ready()
                while True:
                    sleep(LOOK_EVERY_S)
                    for each in self._running:
                        self._tend(each)
            finally:
                self._stop_all()

    def _start(self, each: _Running) -> None:
        each.ready = False
        each.started_ns = self.clock.mono_ns()
        each.process = subprocess.Popen(
            each.service.command,
            stdin=subprocess.PIPE,
            env=os.environ | {LIFELINE_VARIABLE: ON_STDIN},
            # Out of the terminal's foreground group: Ctrl-C comes to the supervisor, which stops them in order.
            process_group=0,
        )

    def _await_all(self) -> None:
        deadline = self.clock.mono_ns() + int(READY_WITHIN_S * NANOS_PER_SECOND)
        while not all(each.ready for each in self._running):
            for each in self._running:
                code = each.process.poll() if each.process else None
                if code is not None:
                    raise ServiceDidNotStart(each.service.name, ending(code), code if code > 0 else EXIT_UNREACHABLE)
                each.ready = each.ready or answers(each.service.url)
                if self.clock.mono_ns() > deadline:
                    raise ServiceDidNotStart(each.service.name, f"no answer within {READY_WITHIN_S:g} s")
            sleep(LOOK_EVERY_S)

    def _tend(self, each: _Running) -> None:
        """Look at one service once: notice a crash, start it again when its delay is over, notice that it is back."""
        now = self.clock.mono_ns()
        if each.process is None:
            if now >= each.start_at_ns:
                self._start(each)
            return
        code = each.process.poll()
        if code is None:
            if not each.ready and answers(each.service.url):
                each.ready = True
                self.tell(f"{each.service.name} is back")
            return
        _close_lifeline(each.process)
        each.process = None
        lived_s = (now - each.started_ns) / NANOS_PER_SECOND
        each.crashes = 1 if lived_s >= HEALTHY_AFTER_S else each.crashes + 1
        wait_s = delay_s(each.crashes)
        each.start_at_ns = now + int(wait_s * NANOS_PER_SECOND)
        self.tell(f"{each.service.name} ended by itself ({ending(code)}); starting it again in {wait_s:g} s")

    def _stop_all(self) -> None:
        """Ask all to stop, and end those that do not; a second Ctrl-C ends them at once."""
        self.tell("stopping")
        processes = [each.process for each in self._running if each.process is not None]
        for process in processes:
            process.terminate()
        deadline = self.clock.mono_ns() + int(self.stop_within_s * NANOS_PER_SECOND)
        try:
            while any(process.poll() is None for process in processes) and self.clock.mono_ns() < deadline:
                sleep(LOOK_EVERY_S / 5)
        except KeyboardInterrupt:
            pass
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            _close_lifeline(process)


def _close_lifeline(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
