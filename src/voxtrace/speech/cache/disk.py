"""Pieces of speech on disk, so that a restart does not begin from nothing."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from voxtrace.speech.cache.memory import CacheLimits, LevelStats
from voxtrace.units import NANOS_PER_SECOND

_NAME = re.compile(r"[0-9a-f]{64}\.piece")
_SUFFIX = ".piece"


@dataclass(slots=True)
class _File:
    size: int
    written_wall_ns: int


@dataclass(slots=True)
class DiskCache:
    """One file a piece, named by its key. What is there is known in memory, so a miss never touches the disk.

    A disk that is full or read-only costs the cache its persistence and nobody else anything: `broken` says why.
    """

    folder: Path
    limits: CacheLimits = field(default_factory=CacheLimits)
    stats: LevelStats = field(default_factory=LevelStats)
    broken: str = ""
    _files: OrderedDict[str, _File] = field(default_factory=OrderedDict)  # least recently used first
    _lock: Lock = field(default_factory=Lock)  # of what is known; never held while the disk works

    def open(self, now_wall_ns: int) -> None:
        """Find what earlier runs left; halves of files and old ones are removed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = [(entry, entry.stat()) for entry in os.scandir(self.folder) if entry.is_file(follow_symlinks=False)]
        except OSError as why:
            self.broken = why.strerror or str(why)
            return
        for entry, state in sorted(found, key=lambda each: each[1].st_mtime_ns):
            if not _NAME.fullmatch(entry.name) or self._is_old(state.st_mtime_ns, now_wall_ns):
                Path(entry.path).unlink(missing_ok=True)
                continue
            self._files[entry.name.removesuffix(_SUFFIX)] = _File(state.st_size, state.st_mtime_ns)
            self.stats.entries += 1
            self.stats.bytes += state.st_size
        self._make_room(0)

    def get(self, key: str, now_wall_ns: int) -> bytes | None:
        """What was put for `key`, or None."""
        with self._lock:
            known = self._files.get(key)
            if known is not None:
                self._files.move_to_end(key)
        if known is None:
            self.stats.misses += 1
            return None
        if self._is_old(known.written_wall_ns, now_wall_ns):
            self._remove(key)
            self.stats.expired += 1
            self.stats.misses += 1
            return None
        try:
            piece = self._path(key).read_bytes()
        except OSError:
            piece = b""
        if len(piece) != known.size or not piece:
            # Somebody else changed it; half a piece must not be spoken.
            self._remove(key)
            self.stats.misses += 1
            return None
        self.stats.hits += 1
        return piece

    def put(self, key: str, piece: bytes, now_wall_ns: int) -> bool:
        """Write a piece, complete or not at all.

        Returns:
            Whether it is on the disk.
        """
        if key in self._files:
            return True
        if not piece or not self._make_room(len(piece)):
            return False
        path = self._path(key)
        half = path.with_suffix(f".{os.getpid()}.half")
        try:
            # What somebody had said aloud is nobody else's; the folder may be one that others can read.
            half.touch(mode=0o600)
            half.write_bytes(piece)
            half.replace(path)
        except OSError as why:
            self.broken = why.strerror or str(why)
            with suppress(OSError):
                half.unlink(missing_ok=True)
            return False
        with self._lock:
            self.broken = ""
            self._files[key] = _File(len(piece), now_wall_ns)
            self.stats.stored += 1
            self.stats.entries += 1
            self.stats.bytes += len(piece)
        return True

    def clear(self) -> int:
        """Remove every piece.

        Returns:
            Their number.
        """
        gone = list(self._files)
        for key in gone:
            self._remove(key)
        return len(gone)

    def __contains__(self, key: str) -> bool:
        return key in self._files

    def _is_old(self, written_wall_ns: int, now_wall_ns: int) -> bool:
        return now_wall_ns - written_wall_ns > self.limits.ttl_s * NANOS_PER_SECOND

    def _make_room(self, size: int) -> bool:
        if size > self.limits.max_bytes:
            return False
        while self.stats.bytes + size > self.limits.max_bytes and (oldest := self._oldest()) is not None:
            self._remove(oldest)
            self.stats.evicted += 1
        return True

    def _oldest(self) -> str | None:
        with self._lock:
            return next(iter(self._files), None)

    def _remove(self, key: str) -> None:
        with self._lock:
            known = self._files.pop(key, None)
            if known is None:
                return  # the other thread was first
            self.stats.entries -= 1
            self.stats.bytes -= known.size
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as why:
            self.broken = why.strerror or str(why)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"
