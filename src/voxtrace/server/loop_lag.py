"""How late the event loop is: what everything that it moves is late by."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from voxtrace.clock import mono_ns
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

EVERY_S = 0.1
KEPT = 600  # a minute


class LoopLag:
    """Makes an appointment ten times a second and notes by how much it is missed."""

    def __init__(self, observe: Callable[[float], object]) -> None:
        """
        Args:
            observe: takes each lag, in seconds.
        """
        self._observe = observe
        self._lags_ns: deque[int] = deque(maxlen=KEPT)
        self._due_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._due_ns = mono_ns() + int(EVERY_S * NANOS_PER_SECOND)
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def stop(self) -> None:
        """Make no further appointment."""
        if self._timer is not None:
            self._timer.cancel()

    def report(self) -> dict[str, float] | None:
        """The last and the largest lag of the last minute; None before the first."""
        if not self._lags_ns:
            return None
        lags = {"last_ms": self._lags_ns[-1], "most_ms": max(self._lags_ns)}
        return {name: round(lag / NANOS_PER_MILLI, 3) for name, lag in lags.items()}

    def _look(self) -> None:
        # The loop's timer has a resolution of a millisecond, and may be early by it.
        lag_ns = max(mono_ns() - self._due_ns, 0)
        self._lags_ns.append(lag_ns)
        self._observe(lag_ns / NANOS_PER_SECOND)
        self.start()
