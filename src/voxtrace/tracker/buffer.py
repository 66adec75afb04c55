"""What host threads leave and one background thread takes: bounded in number and in bytes, without locks.

Every step that a host's thread takes here is one call that CPython makes atomic (append, pop, the setting of
one key), so no thread ever waits for another.
"""

from __future__ import annotations

from _thread import get_ident
from collections import Counter, deque
from collections.abc import Mapping

# service, name, request_id, session_id, mono_ns, wall_ns, metadata, units of `HEAVY_UNITS` that it holds.
# A plain tuple: building a named one would double the price of a mark.
Mark = tuple[str, str, str, str | None, int, int, Mapping[str, object], int]

MAX_EVENTS = 2048
UNIT_BYTES = 1024
# What long texts and nested metadata may hold together. 2,048 light marks of at most 2.6 KiB, these 1.5 MiB
# and the one batch that is on its way out stay under 8 MiB.
HEAVY_UNITS = 1536


class Buffer:
    """Marks that wait for the background thread, and the count of those that found no room."""

    def __init__(self) -> None:
        self.marks: deque[Mark] = deque()
        self._units: deque[None] = deque([None] * HEAVY_UNITS)
        # Each thread counts for itself, so that no increment is lost between two of them.
        self._lost: dict[tuple[str, int], int] = {}

    def reserve(self, size: int) -> int:
        """Units for `size` bytes of metadata, or 0 where there is no room for them."""
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
        self._units = deque([None] * HEAVY_UNITS)
        self._lost = {}
