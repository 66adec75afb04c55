"""The server's own events of a request, where server and caller share a data folder.

They lie in the spool before a collector has stored them, and a caller that has just been answered wants to
show them now.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from voxtrace.clock import mono_ns, sleep
from voxtrace.events import Event
from voxtrace.events.codec import decode
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

# A request's events are the newest of their file; of a busy server's file no more than its end is read.
TAIL_BYTES = 16 * 1024 * 1024
FRESH_S = 300  # a file that nobody wrote to for longer belongs to no server that has just answered
POLL_S = 0.02
_ID = b'"request_id":"'


def wait_for_server_events(data: Path, request_ids: Collection[str], patience_ms: int = 300) -> list[Event]:
    """The events that servers of this data folder wrote about these requests.

    Waits until each request's end is there, at most `patience_ms`; answers with what there is by then.
    """
    deadline = mono_ns() + patience_ms * NANOS_PER_MILLI
    spool = _Spool(data / "spool", request_ids)
    events = spool.read()
    while not set(request_ids) <= {event.request_id for event in events if event.name == "REQUEST_COMPLETE"}:
        if mono_ns() >= deadline:
            break
        sleep(POLL_S)
        events += spool.read()
    return events


class _Spool:
    """The fresh files of a spool, read on from where the last look ended."""

    def __init__(self, folder: Path, request_ids: Collection[str]) -> None:
        self._folder = folder
        self._wanted = {request_id.encode() for request_id in request_ids}
        self._offsets: dict[Path, int] = {}

    def read(self) -> list[Event]:
        """New events of the requests that are not the caller's own; lines that can't be read are left out."""
        events = [decode(line) for path in self._fresh_files() for line in self._new_lines(path) if self._is_ours(line)]
        return [event for event in events if isinstance(event, Event) and event.service != "client"]

    def _is_ours(self, line: bytes) -> bool:
        begin = line.find(_ID) + len(_ID)
        return line[begin : line.find(b'"', begin)] in self._wanted

    def _fresh_files(self) -> list[Path]:
        try:
            with os.scandir(self._folder) as entries:
                ends = [(each.stat().st_mtime_ns, Path(each.path)) for each in entries if each.name.endswith(".jsonl")]
        except OSError:
            return []
        newest = max((at for at, _ in ends), default=0)
        return [path for at, path in ends if newest - at <= FRESH_S * NANOS_PER_SECOND]

    def _new_lines(self, path: Path) -> list[bytes]:
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                begin = self._offsets.get(path, max(size - TAIL_BYTES, 0))
                file.seek(begin)
                whole = file.read().rpartition(b"\n")[0]
        except OSError:
            return []  # a collector has read and removed it
        self._offsets[path] = begin + len(whole)
        return whole.splitlines()
