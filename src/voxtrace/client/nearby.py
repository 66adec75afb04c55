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
TAIL_BYTES = 4 * 1024 * 1024
FRESH_S = 300  # a file that nobody wrote to for longer belongs to no server that has just answered
POLL_S = 0.02


def wait_for_server_events(data: Path, request_ids: Collection[str], patience_ms: int = 300) -> list[Event]:
    """The events that servers of this data folder wrote about these requests.

    Waits until each request's end is there, at most `patience_ms`; answers with what there is by then.
    """
    deadline = mono_ns() + patience_ms * NANOS_PER_MILLI
    while True:
        events = server_events(data, request_ids)
        ended = {event.request_id for event in events if event.name == "REQUEST_COMPLETE"}
        if ended >= set(request_ids) or mono_ns() >= deadline:
            return events
        sleep(POLL_S)


def server_events(data: Path, request_ids: Collection[str]) -> list[Event]:
    """Events of these requests in the spool that are not the caller's own; what can't be read is left out."""
    wanted = {f'"{request_id}"'.encode() for request_id in request_ids}
    found: list[Event] = []
    for path in _fresh_files(data / "spool"):
        for line in _tail(path).splitlines():
            if any(name in line for name in wanted):
                event = decode(line)
                if isinstance(event, Event) and event.request_id in request_ids and event.service != "client":
                    found.append(event)
    return found


def _fresh_files(spool: Path) -> list[Path]:
    try:
        with os.scandir(spool) as entries:
            written = [(entry.stat().st_mtime_ns, Path(entry.path)) for entry in entries if entry.name[-6:] == ".jsonl"]
    except OSError:
        return []
    newest = max((at for at, _ in written), default=0)
    return [path for at, path in written if newest - at <= FRESH_S * NANOS_PER_SECOND]


def _tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - TAIL_BYTES, 0))
            return file.read()
    except OSError:
        return b""  # a collector has read and removed it
