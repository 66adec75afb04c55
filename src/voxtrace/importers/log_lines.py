"""Lines of a log that was written for people: their text, and when each was written as far as anybody knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import NamedTuple, Protocol

from voxtrace.events import Unreadable
from voxtrace.events.codec import RAW_KEPT_BYTES
from voxtrace.importers.lines import lines
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, Item, Note, Refused
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

STAMP_CHARS = 160  # a logging prefix ends within these; a date further on belongs to the message
SNIFFED_LINES = 20_000  # more than there are in what a second look sees

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_QUOTING = re.compile(r"""["'`{}]""")
_DOCUMENTS = frozenset({".md", ".rst", ".adoc", ".tex", ".html", ".htm", ".xml", ".ipynb"})
_SOURCES = frozenset({".py", ".pyi", ".js", ".jsx", ".mjs", ".ts", ".tsx", ".go", ".rs", ".java", ".c", ".h", ".cpp"})
_BY_DOCKER, _BY_FORMATTER = '{"log":', '"message":'
_FOR_PEOPLE = re.compile(
    r'"message":\s*"[^"]{0,80}(?:\[SERVER_PERF:|\[PERF|\[[^\]]+\] (?:First chunk in|Stats: segments=)|--- Step )'
)
_TIMES = ("time", "timestamp", "@timestamp", "asctime", "ts")
_ZEROS = re.compile(rb"\0+")
_DATED = re.compile(
    r"(?<!\d)(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?:\s?(Z|[+-]\d\d:?\d\d)(?![\d:]))?"
)
_ACCESS = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4})[ :](\d\d:\d\d:\d\d)(?: ([+-]\d{4}))?\]")
_UNIX = re.compile(r"\W{0,2}(1\d{9})(?:\.(\d{1,9}))?(?![\w.-])")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class LogLine(NamedTuple):
    """One line of a log."""

    number: int
    offset: int  # bytes from the beginning of the content
    text: str  # without its end, colours and the zeros that a crash left
    is_ended: bool


def log_lines(stream: ByteStream) -> Iterator[LogLine]:
    """Every line that is not blank."""
    for number, (offset, raw, is_ended) in enumerate(lines(stream), 1):
        for part in _ZEROS.split(raw) if b"\0" in raw else (raw,):
            text = _plain(part)
            if text:
                yield LogLine(number, offset, text, is_ended)


def _plain(raw: bytes) -> str:
    """The text of a line, out of what a container's log driver or a JSON formatter wrapped around it."""
    text = raw.decode("utf-8", "replace").strip(" \t\r\0")
    if text.startswith("{") and (text.startswith(_BY_DOCKER) or (_BY_FORMATTER in text and _FOR_PEOPLE.search(text))):
        text = _unwrapped(text)
    return _COLOURS.sub("", text) if "\x1b" in text else text


def _unwrapped(text: str) -> str:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return text
    message = record.pop("log", None) or record.pop("message", None)
    if not isinstance(message, str):
        return text
    stamp = next((str(record.pop(key)) for key in _TIMES if key in record), "")
    # Docker knows of a stream; a formatter writes beside the message what its logger was told besides.
    facts = "" if text.startswith(_BY_DOCKER) or not record else " " + json.dumps(record)
    message = message.strip()
    return f"{message if not stamp or _stamp(message) else f'{stamp} {message}'}{facts}"


class LineReader(Protocol):
    """Makes items out of a log line by line."""

    def take(self, line: LogLine) -> Iterator[Item]:
        """What comes out with this line; it may belong to lines above it."""
        ...

    def end(self) -> Iterator[Item]:
        """What was still waiting, and what had to be assumed."""
        ...


def read_lines(stream: ByteStream, reader: LineReader) -> Iterator[Item]:
    """Everything that a reader makes of a log."""
    for line in log_lines(stream):
        yield from reader.take(line)
    yield from reader.end()


def may_be_log(path: PurePath) -> bool:
    """Whether a file of that name is no text about logs: documentation and source quote them."""
    return path.suffix.lower() not in _DOCUMENTS | _SOURCES


def head_lines(head: bytes) -> Iterator[str]:
    """The first lines of a file, for sniffing."""
    for raw in head.split(b"\n")[:SNIFFED_LINES]:
        yield _plain(raw)


def begins_message(text: str, at: int) -> bool:
    """Whether a mark at that place is the message of a line, behind a logging prefix or nothing, and no quotation."""
    before = text[:at]
    return not before or (before[-1] in " \t:>]|" and len(before) <= STAMP_CHARS and not _QUOTING.search(before))


def is_marked(head: bytes, path: PurePath, marks: Mapping[bytes, re.Pattern[str]]) -> bool:
    """Whether a line of the beginning of a log carries one of the marks, each behind the bytes that all of it hold."""
    likely = [mark for told, mark in marks.items() if told in head] if may_be_log(path) else []
    return bool(likely) and any(
        (found := mark.search(text)) is not None and begins_message(text, found.start())
        for text in head_lines(head)
        for mark in likely
    )


def refuse(line: LogLine, reason: str, detail: str) -> Refused:
    """A line that should have been readable and is not; the last one without its end is torn."""
    named = reason if line.is_ended else "torn"
    raw = line.text.encode()
    return Refused(Unreadable(named, f"line {line.number}: {detail}", raw[:RAW_KEPT_BYTES], len(raw)), line.offset)


class LineTimes:
    """When lines were written: as their prefix says, else as the newest line above does, else as the file does."""

    def __init__(self, context: Context) -> None:
        self._local = LocalTimes(context.zone)
        self._modified_wall_ns = context.modified_wall_ns
        self._newest: re.Match[str] | None = None
        self._above = self._by_file = 0

    def see(self, text: str) -> bool:
        """Remember the time of a line. Whether it has one of its own."""
        # Most lines have one, and few are asked for it: it is turned into a point in time only then.
        found = _stamp(text)
        self._newest = found or self._newest
        return found is not None

    def own(self, text: str) -> int | None:
        """The time that a text carries itself."""
        found = _stamp(text)
        return None if found is None else self._wall_ns(found)

    def when(self, text: str) -> int | None:
        """When a line was written that has just been seen, or None where nothing tells."""
        own = self.own(text)
        return self.at(self._newest) if own is None else own

    def newest(self) -> re.Match[str] | None:
        """The newest time so far, for `at`."""
        return self._newest

    def at(self, newest: re.Match[str] | None) -> int | None:
        """When a line without a time was written, from what was the newest time above it."""
        if newest is not None and (wall_ns := self._wall_ns(newest)) is not None:
            # In the order of the lines: a nanosecond each keeps it, and pretends nothing.
            self._above += 1
            return wall_ns + self._above
        if self._modified_wall_ns is not None:
            self._by_file += 1
            return self._modified_wall_ns + self._by_file
        return None

    def from_text(self, text: object) -> int | None:
        """The point in time of an ISO text."""
        return self._local.from_text(text)

    def notes(self) -> Iterator[Note]:
        """What had to be assumed so far."""
        yield from self._local.notes()
        if self._above:
            yield Note("line_above", "line without a time; it carries that of the newest line above it", self._above)
        if self._by_file:
            yield Note("file_time", "line without a time; it carries that of the file, in its order", self._by_file)

    def _wall_ns(self, stamp: re.Match[str]) -> int | None:
        if stamp.re is _UNIX:
            micros = int((stamp[2] or "")[:6].ljust(6, "0"))
            return int(stamp[1]) * NANOS_PER_SECOND + micros * NANOS_PER_MICRO
        if stamp.re is _ACCESS:
            if stamp[2] not in _MONTHS:
                return None
            date, fraction = f"{stamp[3]}-{_MONTHS.index(stamp[2]) + 1:02d}-{stamp[1]}", ""
        else:
            # A finer fraction than microseconds is cut: no clock of a log is that fine.
            date, fraction = f"{stamp[1]}-{stamp[2]}-{stamp[3]}", (stamp[5] or "")[:6].ljust(6, "0")
        clock, zone = (stamp[4], stamp[5]) if stamp.re is _ACCESS else (stamp[4], stamp[6])
        return self._local.from_text(f"{date}T{clock}{'.' + fraction if fraction else ''}{zone or ''}")


def _stamp(text: str) -> re.Match[str] | None:
    end = min(len(text), STAMP_CHARS)
    return _DATED.search(text, 0, end) or _ACCESS.search(text, 0, end) or _UNIX.match(text, 0, end)


def iso_of(wall_ns: int) -> str:
    """A point in time as a short text for ids, to the millisecond."""
    at = datetime.fromtimestamp(wall_ns // NANOS_PER_SECOND, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{wall_ns % NANOS_PER_SECOND // 1_000_000:03d}Z"
