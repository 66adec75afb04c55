"""Units: integer nanoseconds inside the house, milliseconds towards people, seconds towards OpenTelemetry."""

from __future__ import annotations

from typing import NewType

Nanos = NewType("Nanos", int)
"""A point or a span on some clock, in whole nanoseconds."""

Millis = NewType("Millis", float)
"""A span in milliseconds, for people and JSON only."""

NANOS_PER_SECOND = 1_000_000_000
NANOS_PER_MILLI = 1_000_000
NANOS_PER_MICRO = 1_000


def millis(nanos: int) -> Millis:
    """Nanoseconds as milliseconds."""
    return Millis(nanos / NANOS_PER_MILLI)


def nanos_from_millis(milliseconds: float) -> Nanos:
    """Milliseconds as whole nanoseconds, rounded to the nearest."""
    return Nanos(round(milliseconds * NANOS_PER_MILLI))


def samples_to_nanos(samples: int, rate_hz: int) -> Nanos:
    """How long `samples` samples last at `rate_hz` samples a second."""
    return Nanos(samples * NANOS_PER_SECOND // rate_hz)
