"""The bar that shows how far an import is, once it takes longer than a second."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from voxtrace.clock import Clock, SystemClock
from voxtrace.collector.sources import Source
from voxtrace.units import NANOS_PER_SECOND

SILENT_NS = 1 * NANOS_PER_SECOND  # whatever is done by then needs no bar


class Progress:
    """Draws on standard error, and only where a person looks at it."""

    def __init__(self, clock: Clock | None = None, console: Console | None = None) -> None:
        self._clock = clock or SystemClock()
        self._console = console or Console(file=sys.stderr)
        self._began_ns = self._clock.mono_ns()
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._total, self._done, self._label = 0, 0, ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def opened(self, source: Source) -> None:
        """The next source is being read."""
        self._total += source.size or 0
        # The end of a path tells more than its begin, and the bar needs room beside it.
        most = self._console.width // 4
        self._label = source.label if len(source.label) <= most else f"…{source.label[1 - most :]}"
        self.read(0)

    def read(self, count: int) -> None:
        """So many bytes more were read from the disk."""
        self._done += count
        if self._bar is not None:
            total = max(self._total, self._done)
            self._bar.update(self._task, completed=self._done, total=total, description=self._label)
        elif self._console.is_terminal and self._clock.mono_ns() - self._began_ns > SILENT_NS:
            # Short of the last column: behind it the ^C of who breaks off would stand on a line of its own, for ever.
            bar = BarColumn(min(40, self._console.width // 4))
            name = TextColumn("{task.description}", markup=False)  # a name may hold brackets
            columns = (name, bar, DownloadColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(self._label, total=max(self._total, self._done), completed=self._done)
            self._bar.start()

    def say(self, message: str) -> None:
        """A line for people, beside the bar."""
        print(message, file=sys.stderr)
