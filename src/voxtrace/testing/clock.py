"""A clock that a test moves."""

from __future__ import annotations

from voxtrace.units import NANOS_PER_SECOND


class ManualClock:
    """A `voxtrace.clock.Clock` that stands still until it is told to go on.

    The wall clock begins on 2025-11-27 at 14:30:05 UTC, the monotonic one at an hour, so that the two can't be
    taken for each other.
    """

    def __init__(self, wall_ns: int = 1_764_253_805 * NANOS_PER_SECOND, mono_ns: int = 3600 * NANOS_PER_SECOND) -> None:
        self._wall_ns, self._mono_ns = wall_ns, mono_ns

    def mono_ns(self) -> int:
        """The monotonic clock, in nanoseconds."""
        return self._mono_ns

    def wall_ns(self) -> int:
        """The wall clock, in nanoseconds since the Unix epoch."""
        return self._wall_ns

    def advance(self, seconds: float = 0.0, *, ms: float = 0.0) -> None:
        """Let time pass: both clocks go on.

        Raises:
            ValueError: the time is negative; only a wall clock goes back, see `step_wall`.
        """
        nanos = round(seconds * NANOS_PER_SECOND) + round(ms * 1_000_000)
        if nanos < 0:
            raise ValueError("time does not go back; to set the wall clock back use step_wall")
        self._mono_ns += nanos
        self._wall_ns += nanos

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as somebody with a wrong clock does; no time passes."""
        self._wall_ns += round(seconds * NANOS_PER_SECOND)
