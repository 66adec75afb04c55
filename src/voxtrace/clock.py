"""The only module of the house that reads a clock.

Durations come from `mono_ns`; `wall_ns` only labels and orders. Code that needs to be tested with a
moved clock takes a `Clock`; the tracker's hot path uses the two bare functions, because an attribute
look-up more would be a fifth of its cost.
"""

from __future__ import annotations

import time
from typing import Protocol

# Bound once: on CPython these are C functions, about 40 ns a call.
mono_ns = time.monotonic_ns
wall_ns = time.time_ns

sleep = time.sleep


class Clock(Protocol):
    """Two clocks that belong to one machine."""

    def mono_ns(self) -> int:
        """Nanoseconds on a clock that never steps; its zero has no meaning."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch; may step at any time."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def mono_ns(self) -> int:
        return mono_ns()

    def wall_ns(self) -> int:
        return wall_ns()
