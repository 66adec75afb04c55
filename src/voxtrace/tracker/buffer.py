"""What host threads leave and one background thread takes: bounded in number and in bytes, without locks.

Every step that a host's thread takes here is one call that CPython makes atomic (append, pop, the setting of
one key), so no thread ever waits for another.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections import Counter, deque
from collections.abc import Mapping

from voxtrace.events.codec import MAX_ID_CHARS
from voxtrace.events.plain import sound_text, tidy

# service, name, request_id, session_id, mono_ns, wall_ns, metadata, units that it holds (0: a light mark).
# A plain tuple: building a named one would double the price of a mark.
Waiting = tuple[str, str, str, str | None, int, int, Mapping[str, object], int]

# A light mark holds at most 2.2 KiB of values and ids: a dict of ten keys, ten ASCII texts, two ids (names and keys
# stand in the host's code and take nothing). 2,048 of them, the units and the one batch that is on its way out stay
# under 8 MiB.
MAX_MARKS = 2048
LIGHT_KEYS = 10
LIGHT_TEXT_CHARS = 64
LIGHT_ID_CHARS = 64
# What all other marks may hold together.
UNIT_BYTES = 1024
HEAVY_UNITS = 1536


class Buffer:
    """Marks that wait for the background thread, and the count of those that found no room."""

    def __init__(self) -> None:
        self.marks: deque[Waiting] = deque()
        self.watermark = 0  # marks from which on the background thread has to be told
        self.no_room = "buffer_full"  # why a mark finds no room
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


def text_id(given: object) -> str:
    """An id or a name as bounded text; "" for None."""
    if given is None:
        return ""
    return sound_text(given if type(given) is str else str(tidy({"id": given})["id"]), MAX_ID_CHARS)


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
