"""Where batches go: a callable that takes a `Batch` and raises when it could not keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from voxtrace.errors import VoxtraceError


class Batch(NamedTuple):
    """Encoded events on their way out; the very same object comes again after its sink raised."""

    lines: bytes  # JSON lines, each with its newline
    events: int


Sink = Callable[[Batch], None]
"""Takes a batch or raises. It is called by one thread at a time, and may take its time: no call of the host waits
for it."""


class Outlet(Protocol):
    """A sink that a tracker opened for itself, and closes."""

    def __call__(self, batch: Batch, /) -> None: ...
    def close(self) -> None: ...


class LentSink:
    """A sink that belongs to the host: it is called and never closed."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def __call__(self, batch: Batch) -> None:
        self._sink(batch)

    def close(self) -> None:
        """Leave it open: it is the host's."""


class BatchRejected(VoxtraceError):
    """A sink will never take this batch; it is dropped and counted instead of being offered again."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the batch was refused for good: {why}")
        self.why = why


def discard(batch: Batch) -> None:
    """A sink that keeps nothing."""
