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
from voxtrace.importers.local_time import LocalTimes, unix_ns
from voxtrace.importers.log_lines import may_be_log
from voxtrace.importers.ports import ByteStream, Context, Item, Note, Refused
from voxtrace.importers.same_id import is_nobodys

SNIFFED_LINES = 20_000
_SPOKEN = "chunk_tts_end"
_PADDING = b"\0 \t\r\n"
_UNIX_TEXT = re.compile(r"\d{10,13}(\.\d+)?", re.ASCII)


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
        times, nobodys, derived = LocalTimes(context.zone), Nobodys(), 0
        for number, (offset, line, is_ended) in enumerate(lines(stream), 1):
            read = decode(line, parse_lines_json)
            if isinstance(read, Event):
                # Both are rare, and a million lines are asked: the cheap question comes first.
                read = nobodys.own(read) if len(read.request_id) <= 9 and is_nobodys(read.request_id) else read
                yield read
                if read.name == _SPOKEN:
                    for call in calls_of(read):
                        derived += 1
                        yield call
                continue
            for item in _second_look(read, line, times):
                if isinstance(item, Event):
                    yield nobodys.own(item) if is_nobodys(item.request_id) else item
                    continue
                reason = item.reason if is_ended or item.reason != "json" else "torn"
                yield Refused(item._replace(reason=reason, detail=f"line {number}: {item.detail}"), offset)
        yield from times.notes()
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


def _second_look(first: Unreadable, line: bytes, times: LocalTimes) -> Iterator[Event | Unreadable]:
    """What can be made of a line that is no event as it stands."""
    text = line.strip(_PADDING)
    if first.reason == "empty" and b"\0" not in line:
        return  # a blank line is no record
    if first.reason == "timestamp":
        yield _with_local_time(text, times) or first
    elif b"\0" in text:
        # A machine died while one line was appended, and the next one was glued behind the zeros.
        for part in text.split(b"\0"):
            if part.strip(_PADDING):
                yield decode(part)
    else:
        yield first


def _with_local_time(text: bytes, times: LocalTimes) -> Event | Unreadable | None:
    """The event of a line whose only time has no zone, or None if it has no such time either."""
    record = parse_json(text)
    if not isinstance(record, dict):
        return None
    candidates = (record.get(key) for key in ("timestamp", "time", "iso_time"))
    moments = (_moment(each, times) for each in candidates)
    wall_ns = next((found for found in moments if found is not None), None)
    if wall_ns is None:
        return None
    return event_from_record({**record, "wall_ns": wall_ns}, text)


def _moment(told: object, times: LocalTimes) -> int | None:
    """A date, or a Unix time that was written as text."""
    if isinstance(told, str) and _UNIX_TEXT.fullmatch(told):
        return unix_ns(float(told))
    return times.from_text(told)
