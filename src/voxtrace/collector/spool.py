"""Reading spool files: whole lines only, from where the store says, and never a byte twice.

Writers append lines to files of their own and hold a lock on the one that they write to. A line without its
newline is still being written, unless nobody holds the file any more: then it is torn and will never be whole.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from voxtrace.events import Event, Unreadable
from voxtrace.events.codec import MAX_LINE_BYTES, RAW_KEPT_BYTES, decode
from voxtrace.importers.fast_json import parse_lines_json
from voxtrace.store import Position, Rejected

# Some four thousand events: one transaction of about 30 ms.
READ_BYTES = 1024 * 1024

# As the tracker names them. Files of other names may be written by programs that hold no lock: they are read,
# and left alone.
OUR_NAME = re.compile(r".+-\d+-[0-9a-f]{8}(\.\d+)?\.jsonl")

# A writer has opened its new file a moment before it holds the lock on it.
SETTLED_NS = 5_000_000_000


class Piece(Struct, frozen=True):
    """What one read of a spool file gave: it is stored as one transaction."""

    events: list[Event]
    rejected: list[Rejected]
    position: Position
    is_last: bool  # nothing stood behind it when it was read


def spool_files(folder: Path) -> list[Path]:
    """The files of a spool folder, those that were written to longest ago first."""
    try:
        found = [entry for entry in os.scandir(folder) if entry.name.endswith(".jsonl") and entry.is_file()]
        return [Path(entry.path) for entry in sorted(found, key=lambda entry: (entry.stat().st_mtime_ns, entry.name))]
    except FileNotFoundError:
        return []


def start_of(position: Position | None, state: os.stat_result) -> int:
    """Where to read on: at the beginning of a new file of an old name, and of one that was cut shorter."""
    if position is None or position.identity != state.st_ino or position.offset > state.st_size:
        return 0
    return position.offset


def read_piece(path: Path, position: Position | None, *, settled_before_wall_ns: int) -> Piece | None:
    """The next whole lines of a file, or None where there are none.

    What is torn is given up, with its reason, once the file has no writer and was not written to since
    `settled_before_wall_ns`.

    Raises:
        OSError: the file can't be read.
    """
    with _opened(path) as descriptor:
        state = os.fstat(descriptor)
        start = start_of(position, state)
        if start == state.st_size:
            return None
        content = os.pread(descriptor, READ_BYTES, start)
        end = content.rfind(b"\n") + 1
        if end:
            events, rejected = _decode_lines(content[: end - 1], path.name, start)
            after = start + end
        else:
            # No line is that long: it is skipped without being held in memory.
            newline = _find_newline(descriptor, start + len(content)) if len(content) == READ_BYTES else None
            if newline is None and not (is_ours(path) and _is_abandoned(descriptor, state, settled_before_wall_ns)):
                return None
            after = state.st_size if newline is None else newline + 1
            reason = "too_long" if after - start > MAX_LINE_BYTES else "torn"
            detail = f"{after - start} bytes" + ("" if newline else " without an end; their writer is gone")
            bad = Unreadable(reason, detail, content[:RAW_KEPT_BYTES], after - start)
            events, rejected = [], [Rejected(bad, path.name, start)]
    return Piece(events, rejected, Position(path.name, state.st_ino, after), is_last=after >= state.st_size)


def is_ours(path: Path) -> bool:
    """Whether the file has a name that the tracker gives."""
    return OUR_NAME.fullmatch(path.name) is not None


def remove_if_finished(path: Path, position: Position | None, settled_before_wall_ns: int) -> bool:
    """Delete a file of ours that is stored to its last byte and has no writer any more.

    Returns:
        Whether it is gone.
    """
    if not is_ours(path):
        return False
    try:
        with _opened(path) as descriptor:
            state = os.fstat(descriptor)
            is_read = start_of(position, state) == state.st_size
            if not (is_read and _is_abandoned(descriptor, state, settled_before_wall_ns)):
                return False
            # Still locked by us: no writer can have come in between.
            path.unlink()
    except FileNotFoundError:
        return True
    return True


def count_waiting(folder: Path, positions: dict[str, Position]) -> int:
    """How many lines stand in the spool behind the positions; a line that is being written counts as one."""
    waiting = 0
    for path in spool_files(folder):
        try:
            with _opened(path) as descriptor:
                state = os.fstat(descriptor)
                waiting += _count_lines(descriptor, start_of(positions.get(path.name), state), state.st_size)
        except FileNotFoundError:
            continue  # read to its end and removed meanwhile
    return waiting


def _decode_lines(content: bytes, source: str, start: int) -> tuple[list[Event], list[Rejected]]:
    events: list[Event] = []
    rejected: list[Rejected] = []
    at = start
    for line in content.split(b"\n"):
        record = decode(line, parse_lines_json)
        if isinstance(record, Event):
            events.append(record)
        else:
            rejected.append(Rejected(record, source, at))
        at += len(line) + 1
    return events, rejected


def _is_abandoned(descriptor: int, state: os.stat_result, settled_before_wall_ns: int) -> bool:
    if state.st_mtime_ns >= settled_before_wall_ns:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    # What was written between the look at the file and the lock is not yet read.
    return os.fstat(descriptor).st_size == state.st_size


def _find_newline(descriptor: int, start: int) -> int | None:
    for at, block in _blocks(descriptor, start, None):
        found = block.find(b"\n")
        if found >= 0:
            return at + found
    return None


def _count_lines(descriptor: int, start: int, end: int) -> int:
    lines, last = 0, b"\n"
    for _, block in _blocks(descriptor, start, end):
        lines += block.count(b"\n")
        last = block[-1:]
    return lines + (last != b"\n")


def _blocks(descriptor: int, start: int, end: int | None) -> Iterator[tuple[int, bytes]]:
    at = start
    while end is None or at < end:
        block = os.pread(descriptor, READ_BYTES if end is None else min(READ_BYTES, end - at), at)
        if not block:
            return
        yield at, block
        at += len(block)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # also lets go of the lock
