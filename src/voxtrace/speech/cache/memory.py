"""Pieces of speech in memory: bounded by bytes and age, kept by use."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from voxtrace.errors import InvalidOption
from voxtrace.speech.cache.kept import Kept
from voxtrace.speech.cache.uses import Uses
from voxtrace.units import NANOS_PER_SECOND

# What an entry holds beside its samples: its key, its record and its places in two tables.
ENTRY_OVERHEAD_BYTES = 400


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How much is kept, and how long."""

    max_bytes: int = 100 * 1024 * 1024
    ttl_s: float = 24 * 3600.0

    def __post_init__(self) -> None:
        if self.max_bytes < 0:
            raise InvalidOption("cache_mib", self.max_bytes, "can't be negative; 0 switches the cache off")
        if self.ttl_s <= 0:
            raise InvalidOption("cache_hours", self.ttl_s, "must be more than 0")


@dataclass(slots=True)
class LevelStats:
    """What one level did since the start."""

    hits: int = 0
    misses: int = 0
    stored: int = 0
    refused: int = 0  # less used than what would have had to go, or too many were on their way
    evicted: int = 0
    expired: int = 0
    bytes: int = 0
    entries: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Share of the look-ups that found something; None before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


@dataclass(slots=True)
class _Entry:
    kept: Kept
    stored_ns: int
    was_predicted: bool
    hits: int = 0

    @property
    def size(self) -> int:
        return self.kept.size + ENTRY_OVERHEAD_BYTES


@dataclass(slots=True)
class Waste:
    """What was filled ahead of use and never asked for."""

    filled: int = 0
    used: int = 0
    wasted: int = 0  # gone again without a single use
    wasted_bytes: int = 0


@dataclass(slots=True)
class PieceCache:
    """Samples by key. Time is an argument: nanoseconds on a monotonic clock.

    While there is room, everything is kept. When it is full, the piece that was not used longest goes, but
    only for one that is used at least as often: a flood of one-off texts does not wash out the greetings.
    """

    limits: CacheLimits = field(default_factory=CacheLimits)
    uses: Uses = field(default_factory=Uses)
    stats: LevelStats = field(default_factory=LevelStats)
    waste: Waste = field(default_factory=Waste)
    _entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)

    def get(self, key: str, now_ns: int) -> Kept | None:
        """The piece of `key`, counted as a use of it, or None."""
        self.uses.count(key)
        entry = self._entries.get(key)
        if entry is not None and now_ns - entry.stored_ns > self.limits.ttl_s * NANOS_PER_SECOND:
            self._drop(key)
            self.stats.expired += 1
            entry = None
        if entry is None:
            self.stats.misses += 1
            return None
        self._entries.move_to_end(key)
        self.stats.hits += 1
        if entry.was_predicted and not entry.hits:
            self.waste.used += 1
        entry.hits += 1
        return entry.kept

    def put(self, key: str, kept: Kept, now_ns: int, *, predicted: bool = False) -> bool:
        """Keep a piece if it deserves its room.

        Returns:
            Whether it was kept.
        """
        entry = _Entry(kept, now_ns, predicted)
        if entry.size > self.limits.max_bytes:
            self.stats.refused += 1
            return False
        if key in self._entries:
            self._drop(key)
        if not self._make_room(entry.size, self.uses.of(key)):
            self.stats.refused += 1
            return False
        self._entries[key] = entry
        self.stats.stored += 1
        self.stats.entries += 1
        self.stats.bytes += entry.size
        self.waste.filled += predicted
        return True

    def clear(self) -> int:
        """Forget everything.

        Returns:
            The number of pieces.
        """
        gone = len(self._entries)
        for key in list(self._entries):
            self._drop(key)
        return gone

    def held(self, *, first: bool) -> tuple[int, int]:
        """How many first pieces are here, or how many others, and their bytes."""
        sizes = [each.size for each in self._entries.values() if each.kept.is_first == first]
        return len(sizes), sum(sizes)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def _make_room(self, size: int, uses: int) -> bool:
        going: list[str] = []
        room = self.limits.max_bytes - self.stats.bytes
        for key, entry in self._entries.items():
            if room >= size:
                break
            if self.uses.of(key) > uses:
                return False
            going.append(key)
            room += entry.size
        for key in going:
            self._drop(key)
            self.stats.evicted += 1
        return room >= size

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key)
        self.stats.entries -= 1
        self.stats.bytes -= entry.size
        if entry.was_predicted and not entry.hits:
            self.waste.wasted += 1
            self.waste.wasted_bytes += entry.size
