"""What host threads leave and one background thread takes: bounded in number and in bytes, without locks.

Every step that a host's thread takes here is one call that CPython makes atomic (append, pop, the setting of
one key), so no thread ever waits for another.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections import Counter, deque
from collections.abc import Mapping

# service, name, request_id, session_id, mono_ns, wall_ns, metadata, units that it holds (0: a light mark).
# A plain tuple: building a named one would double the price of a mark.
Mark = tuple[str, str, str, str | None, int, int, Mapping[str, object], int]

# A light mark holds at most 2.8 KiB, however its texts are made; 2,048 of them, the units and the one batch
# that is on its way out stay under 8 MiB together.
MAX_MARKS = 2048
LIGHT_KEYS = 5
LIGHT_CHARS = 320
# What all other marks may hold together.
UNIT_BYTES = 1024
HEAVY_UNITS = 1536


class Buffer:
    """Marks that wait for the background thread, and the count of those that found no room."""

    def __init__(self) -> None:
        self.marks: deque[Mark] = deque()
        self.watermark = 0  # marks from which on the background thread has to be told
        self._units: deque[None] = deque([None] * HEAVY_UNITS)
        # Each thread counts for itself, so that no increment is lost between two of them.
        self._lost: dict[tuple[str, int], int] = {}

    def reserve(self, size: int) -> int:
        """Units for `size` bytes, or 0 where there is no room for them."""
        wanted = size // UNIT_BYTES + 1
        for taken in range(wanted):
            try:
                self._units.pop()
            except IndexError:
                self.release(taken)
                return 0
        return wanted

    def release(self, units: int) -> None:
        """Give back what `reserve` gave."""
        self._units.extend([None] * units)

    def lose(self, reason: str, events: int = 1) -> None:
        """Count events that were dropped; `reason` is a short, stable word."""
        key = (reason, get_ident())
        self._lost[key] = self._lost.get(key, 0) + events

    def lost(self) -> Counter[str]:
        """Dropped events by reason, since the process began."""
        total: Counter[str] = Counter()
        for (reason, _), events in list(self._lost.items()):
            total[reason] += events
        return total

    def forget(self) -> None:
        """Become as new: in a forked child all this belongs to the parent."""
        self.marks.clear()
        self.watermark = 0
        self._units = deque([None] * HEAVY_UNITS)
        self._lost = {}


def weigh(plain: object) -> int:
    """Bytes that a value of tidy metadata holds."""
    size = sys.getsizeof(plain)
    if isinstance(plain, dict):
        for key, value in plain.items():
            size += sys.getsizeof(key) + weigh(value)
    elif isinstance(plain, list | tuple):
        for value in plain:
            size += weigh(value)
    return size
