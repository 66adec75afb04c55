"""A source read by the importer that knows it: here, or ahead in a process of its own."""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from datetime import tzinfo
from hashlib import blake2b
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeAlias, cast

from msgspec import Struct

from voxtrace.collector.packed import packed_as
from voxtrace.collector.sources import Source, SourceUnreadable, Stream
from voxtrace.events import Event
from voxtrace.importers import Context, HoldsNoEvents, Importer, detect, importer_named
from voxtrace.importers.ports import HEAD_BYTES, Item, Note
from voxtrace.lifetime import deaf_to_interrupts

SECOND_LOOK_BYTES = 1024 * 1024
IDENTITY_BYTES = 64  # of a file's beginning, by which it is known again


class ReadOptions(Struct, frozen=True):
    """How sources are read."""

    format: str | None = None  # name of an importer; None: found out for each source
    zone: tzinfo | None = None  # of times without one; None: this machine's
    # From this size on, one process parses while the other stores. It takes a quarter of a second to start.
    ahead_bytes: int = 16 * 1024 * 1024
    batch_items: int = 2000

    def __post_init__(self) -> None:
        if self.format is not None:
            importer_named(self.format)  # raises UnknownFormat before any file is opened


class Opened(Struct, frozen=True):
    """A source whose format is known."""

    format: str
    identity: int  # of the content: a file that grew is the same, one that was replaced is not


class Batch(Struct, frozen=True):
    """Some items, and how far the content was read when they came out."""

    items: list[Item]
    offset: int  # bytes, unpacked


OnBytes: TypeAlias = Callable[[int], None]


def read_source(source: Source, options: ReadOptions, on_bytes: OnBytes) -> Generator[Opened | Batch, None, None]:
    """What is in a source: first what it is, then its items in batches.

    Raises:
        HoldsNoEvents: nothing in it can be imported; the message says why.
        SourceUnreadable: it can't be opened, or its reading broke off.
    """
    is_long = source.size is not None and source.size >= options.ahead_bytes
    read = _read_ahead if is_long and usable_cores() > 1 else _read_here
    return read(source, options, on_bytes)


def usable_cores() -> int:
    """Cores that this process may use, where the system tells; a container may have less than the machine."""
    usable = getattr(os, "sched_getaffinity", None)
    return (len(usable(0)) if usable else os.cpu_count()) or 1


def _read_here(source: Source, options: ReadOptions, on_bytes: OnBytes) -> Generator[Opened | Batch, None, None]:
    with source.open(on_bytes) as stream:
        importer = _importer_for(stream, source, options)
        begins = stream.head(HEAD_BYTES)[:IDENTITY_BYTES]
        yield Opened(importer.name, int.from_bytes(blake2b(begins, digest_size=8).digest()) >> 1)
        context = Context(source.path, options.zone, source.modified_wall_ns, source.beside)
        for items in _batched(importer.read(stream, context), options.batch_items):
            yield Batch(items, stream.bytes_read)
        if changed := stream.changed():
            yield Batch([Note("changed", changed)], stream.bytes_read)


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    left = iter(items)
    while True:
        batch: list[Item] = []
        try:
            batch.extend(islice(left, size))
        except SourceUnreadable:
            if batch:
                yield batch  # what was read before it broke off
            raise
        if not batch:
            return
        yield batch


def _importer_for(stream: Stream, source: Source, options: ReadOptions) -> Importer:
    if options.format is not None:
        return importer_named(options.format)
    head = stream.head(HEAD_BYTES)
    if (packed := packed_as(head)) is not None:
        # Half of what is in it may be readable as it stands, and nobody would miss the other half.
        raise HoldsNoEvents(packed)
    importer = detect(head, source.path)
    if importer is None and len(head) == HEAD_BYTES and b"\0" not in head:
        # A log may begin with pages about the start of its program.
        importer = detect(stream.head(SECOND_LOOK_BYTES), source.path)
    if importer is None:
        raise HoldsNoEvents(_why_unknown(head))
    return importer


def _why_unknown(head: bytes) -> str:
    if not head:
        return "empty"
    if not head.strip():
        return "nothing but blank lines"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_wide(head):
        return "UTF-16 text; convert it to UTF-8, for example with: iconv -f utf-16 -t utf-8"
    if b"\0" in head:
        return "binary"
    if head.lstrip()[:1] == b"[" and b'"request_id"' in head and b'"event"' in head:
        return "a JSON list of events; events are read one a line, for example out of: jq -c '.[]'"
    if b'"trace_id"' in head and b'"span_id"' in head and b'"start_time"' in head:
        return "spans as a console exporter prints them; export OTLP: a collector's file, or POST /v1/traces here"
    return "no importer knows this format; `voxtrace import --format NAME` forces one"


def _is_wide(head: bytes) -> bool:
    """Whether this looks like Latin text in two bytes a character without a mark that says so."""
    zeros = (head[:1000:2].count(0), head[1:1000:2].count(0))
    return len(head) > 20 and max(zeros) * 2.2 > len(head[:1000]) and min(zeros) == 0


# ---- ahead, in a process of its own

# Batches go round over several pipes, because a pipe holds one or two of them at the most: with a single one the
# parsing would stand still during each transaction, and two cores would be no faster than one.
LANES = 8
LANE_BYTES = 1024 * 1024  # what Linux lets anybody ask for


def _read_ahead(source: Source, options: ReadOptions, on_bytes: OnBytes) -> Generator[Opened | Batch, None, None]:
    spawn = get_context("spawn")  # a fork would copy the locks of whatever threads run here
    lanes = [spawn.Pipe(duplex=False) for _ in range(LANES)]
    for _, sender in lanes:
        _widen(sender)
    reader = spawn.Process(target=_send, args=([sender for _, sender in lanes], source, options), daemon=True)
    with deaf_to_interrupts():  # they are for the one who stores; he ends this process
        reader.start()
    for _, sender in lanes:
        sender.close()
    try:
        for receiver, _ in cycle(lanes):
            message = _receive(receiver, source)
            if message is None:
                return
            disk_bytes, read = message
            on_bytes(disk_bytes)
            yield Batch(_unpacked(read.items), read.offset) if isinstance(read, Batch) else read
    finally:
        reader.terminate()
        reader.join()
        for receiver, _ in lanes:
            receiver.close()


def _widen(pipe: Connection) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux; elsewhere a lane holds less and the two wait for each other more
        with suppress(OSError):  # the user's share of pipes is used up
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, LANE_BYTES)


def _receive(receiver: Connection, source: Source) -> tuple[int, Opened | Batch] | None:
    try:
        message = receiver.recv()
    except EOFError as why:
        raise SourceUnreadable(source.label, "the process that read it died") from why
    if isinstance(message, HoldsNoEvents | SourceUnreadable):
        raise message
    return cast("tuple[int, Opened | Batch] | None", message)


def _send(lanes: list[Connection], source: Source, options: ReadOptions) -> None:
    """The other process: everything that is read, then None or what went wrong."""
    gc.disable()  # as the command does in its own process
    disk_bytes = 0

    def count(read: int) -> None:
        nonlocal disk_bytes
        disk_bytes += read

    turns = cycle(lanes)
    try:
        try:
            for read in _read_here(source, options, count):
                message = Batch(_packed(read.items), read.offset) if isinstance(read, Batch) else read
                next(turns).send((disk_bytes, message))
                disk_bytes = 0
            next(turns).send(None)
        except (HoldsNoEvents, SourceUnreadable) as why:
            next(turns).send(why)
    except BrokenPipeError:
        pass  # nobody wants the rest


_NO_METADATA: dict[str, object] = {}


def _packed(items: list[Any]) -> list[Any]:
    """Events as plain tuples, which take half the time to pickle; the rest as it is."""
    # What an event without metadata holds in its place can't be pickled.
    return [(*item[:-1], item[-1] or _NO_METADATA) if isinstance(item, Event) else item for item in items]


def _unpacked(items: list[Any]) -> list[Item]:
    make = tuple.__new__  # past the checks of the class: what comes in was an event
    return [make(Event, item) if type(item) is tuple else item for item in items]
