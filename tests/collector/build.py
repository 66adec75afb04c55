"""Spool files, for tests of the collector."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tests.store.build import NOON_NS
from voxtrace.events import Event
from voxtrace.events.codec import encode

OURS = "host-4711-0123abcd.jsonl"


class Writer:
    """A process that appends to a spool file and holds the lock on it while it lives."""

    def __init__(self, folder: Path, name: str = OURS) -> None:
        self.path = folder / "spool" / name
        self.path.parent.mkdir(exist_ok=True, parents=True)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, content: bytes | list[Event]) -> None:
        os.write(self._descriptor, content if isinstance(content, bytes) else b"".join(map(encode, content)))
        # The clock of the tests is not the clock of the file system.
        os.utime(self.path, ns=(NOON_NS, NOON_NS))

    def die(self) -> None:
        os.close(self._descriptor)
