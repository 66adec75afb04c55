"""Logs with one event per line: latency.log, our own spool, and everything that writes the same few keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.events import Event, Unreadable
from voxtrace.events.codec import decode, event_from_record, parse_json
from voxtrace.importers.event_marks import Nobodys, calls_of
from voxtrace.importers.fast_json import parse_lines_json
from voxtrace.importers.lines import lines
from voxtrace.importers.local_time import LocalTimes, told_unix_ns
from voxtrace.importers.log_lines import may_be_log
from voxtrace.importers.plain_line import plain_event
from voxtrace.importers.ports import ByteStream, Context, Item, Note, Refused
from voxtrace.importers.same_id import is_nobodys

SNIFFED_LINES = 20_000
_SPOKEN = "chunk_tts_end"
_PADDING = b"\0 \t\r\n"
_NOT_FINITE = re.compile(rb"[:,\[]\s*-?(?:Infinity|NaN)\b")


class EventLines:
    """`{"timestamp": …, "request_id": …, "service": …, "event": …, "metadata": {}}`, one a line."""

    name = "event-lines"
    title = "event log, one JSON object per line (latency.log, Voxtrace spool)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        for line in head.split(b"\n")[:SNIFFED_LINES] if may_be_log(path) else ():
            if b'"request_id"' in line and b'"event"' in line and _is_event_object(line):
                return 90
        return 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        reading, nobodys, derived = _Reading(LocalTimes(context.zone)), Nobodys(), 0
        for number, (offset, line, is_ended) in enumerate(lines(stream), 1):
            read = plain_event(line.strip(_PADDING)) or decode(line, parse_lines_json)
            if isinstance(read, Event):
                # Both are rare, and a million lines are asked: the cheap question comes first.
                read = nobodys.own(read) if len(read.request_id) <= 9 and is_nobodys(read.request_id) else read
                yield read
                if read.name == _SPOKEN:
                    for call in calls_of(read):
                        derived += 1
                        yield call
                continue
            for item in _second_look(read, line, reading):
                if isinstance(item, Event):
                    yield nobodys.own(item) if is_nobodys(item.request_id) else item
                    continue
                reason = item.reason if is_ended or item.reason != "json" else "torn"
                yield Refused(item._replace(reason=reason, detail=f"line {number}: {item.detail}"), offset)
        yield from reading.notes()
        if derived:
            yield Note("derived", "moment that another event tells as a duration", derived)
        if nobodys.requests:
            yield Note("shared_id", "request without an id of its own; told apart by time", nobodys.requests)


def _is_event_object(line: bytes) -> bool:
    try:
        record = json.loads(line.strip(_PADDING))
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "request_id" in record and "event" in record


def _second_look(first: Unreadable, line: bytes, reading: _Reading) -> Iterator[Event | Unreadable]:
    """What can be made of a line that is no event as it stands."""
    text = line.strip(_PADDING)
    if first.reason == "empty" and b"\0" not in line:
        return  # a blank line is no record
    if first.reason == "timestamp":
        yield reading.with_other_time(text) or first
    elif b"\0" in text:
        # A machine died while one line was appended, and the next one was glued behind the zeros.
        for part in text.split(b"\0"):
            if part.strip(_PADDING):
                yield decode(part)
    elif first.reason == "json" and _NOT_FINITE.search(text):
        yield reading.without_infinity(text) or first
    else:
        yield first


class _Reading:
    """Events of lines in another form than ours, and what had to be assumed for them."""

    def __init__(self, times: LocalTimes) -> None:
        self.times = times
        self._not_finite = 0

    def with_other_time(self, text: bytes) -> Event | Unreadable | None:
        """The event of a line whose time is a Unix time of another unit or a date, or None if it has no such time."""
        record = parse_json(text)
        return self._event(record, text) if isinstance(record, dict) else None

    def without_infinity(self, text: bytes) -> Event | Unreadable | None:
        """The event of a line that Python wrote with a number that is none; None where it is no JSON even so."""
        try:
            record = json.loads(text.decode("utf-8"), parse_constant=lambda _name: None)
        except (ValueError, RecursionError):
            return None
        read = self._event(record, text) if isinstance(record, dict) else None
        self._not_finite += isinstance(read, Event)
        return read

    def notes(self) -> Iterator[Note]:
        yield from self.times.notes()
        if self._not_finite:
            text = "event with a number that is none (Infinity, NaN); it was taken without that number"
            yield Note("not_finite", text, self._not_finite)

    def _event(self, record: dict[str, object], text: bytes) -> Event | Unreadable | None:
        told = [record[key] for key in ("wall_ns", "timestamp", "time", "iso_time") if key in record]
        # A point in time goes before a date without a zone, for which one has to be assumed.
        for read_time in (told_unix_ns, self.times.from_text):
            wall_ns = next((found for each in told if (found := read_time(each)) is not None), None)
            if wall_ns is not None:
                return event_from_record({**record, "wall_ns": wall_ns}, text)
        return None
