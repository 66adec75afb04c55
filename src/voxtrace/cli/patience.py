"""A line of progress for who waits longer than a second, and none for who does not."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import Progress, TaskID

from voxtrace.clock import Clock, SystemClock
from voxtrace.units import NANOS_PER_SECOND

PATIENCE_NS = NANOS_PER_SECOND


class Patience:
    """Shows how far a command is, on stderr, once it has taken a second."""

    def __init__(self, doing: str, clock: Clock | None = None, console: Console | None = None) -> None:
        self._doing = doing
        self._clock: Clock = clock or SystemClock()
        self._console = console or Console(stderr=True)
        self._began = self._clock.mono_ns()
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Patience:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.stop()

    def at(self, done: int, total: int | None = None) -> None:
        """Say that so many are done."""
        if self._shown is None:
            if self._clock.mono_ns() - self._began < PATIENCE_NS or not self._console.is_terminal:
                return
            self._shown = Progress(transient=True, console=self._console)
            self._shown.start()
            self._task = self._shown.add_task(self._doing, total=None)
        if self._task is not None:
            self._shown.update(self._task, completed=done, total=total, description=f"{self._doing}: {done:,}")
