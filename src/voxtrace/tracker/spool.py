"""The spool: append-only JSON lines, one file per process, tailed by the collector.

A file is `<data>/spool/<host>-<pid>-<token>.jsonl`, then `….2.jsonl` and so on: a new one is begun past 64 MiB
and whenever the current one was deleted, so that a collector may delete a file that it has read to its end.
The writer holds an exclusive `flock` on the file that it appends to; a file without a lock has no writer any
more, whatever became of the process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from voxtrace.tracker.identity import Identity
from voxtrace.tracker.sinks import Batch

if sys.platform != "win32":
    import fcntl

ROTATE_BYTES = 64 * 1024 * 1024
# A collector that never runs must not let us fill the host's disk.
MAX_FOLDER_BYTES = 1024 * 1024 * 1024


class SpoolFull(OSError):
    """The spool folder holds as much as it may; a collector empties it."""

    def __init__(self, folder: Path, held: int) -> None:
        super().__init__(f"{folder} holds {held} bytes that no collector has read; start one: voxtrace watch")
        self.folder, self.held = folder, held


class SpoolSink:
    """Appends batches to this process's file in the spool of the folder `data`; the first batch creates both."""

    def __init__(self, data: Path, identity: Identity, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._data, self.folder = data, data / "spool"
        self._identity = identity
        self._rotate_bytes = rotate_bytes
        self._files = 0
        self._descriptor: int | None = None
        self._unfinished: tuple[Batch, int] | None = None  # a batch of which the first bytes are in the file

    def __call__(self, batch: Batch) -> None:
        """Append one batch.

        Raises:
            OSError: the folder or the file can't be written; what was written stays, and the rest follows
                when the same batch is offered again.
        """
        descriptor = self._writable()
        start = self._unfinished[1] if self._unfinished and self._unfinished[0] is batch else 0
        lines = memoryview(batch.lines)
        while start < len(lines):
            self._unfinished = (batch, start)
            start += os.write(descriptor, lines[start:])
        self._unfinished = None

    def close(self) -> None:
        """Close the file; the next batch would begin another."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._unfinished = None

    def _writable(self) -> int:
        if self._descriptor is not None:
            state = os.fstat(self._descriptor)
            if state.st_nlink and (state.st_size < self._rotate_bytes or self._unfinished):
                return self._descriptor
            self.close()
        self._descriptor = self._begin_file()
        return self._descriptor

    def _begin_file(self) -> int:
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.mkdir(exist_ok=True, mode=0o700)
        held = sum(entry.stat().st_size for entry in os.scandir(self.folder) if entry.name.endswith(".jsonl"))
        if held >= MAX_FOLDER_BYTES:
            raise SpoolFull(self.folder, held)
        self._files += 1
        number = f".{self._files}" if self._files > 1 else ""
        path = self.folder / f"{self._identity.file_stem}{number}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # a collector may be looking at it just now
        return descriptor
