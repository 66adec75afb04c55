"""The body of one request as events and rejected records. Pure: bytes in, records out."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable

from msgspec import Struct, field

from voxtrace.errors import VoxtraceError
from voxtrace.events import Event, Unreadable
from voxtrace.events.codec import MAX_LINE_BYTES, RAW_KEPT_BYTES, decode, event_from_record, parse_json
from voxtrace.store import Rejected

SOURCE = "POST /v1/events"

_dumps = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode


class IngestLimits(Struct, frozen=True):
    """How much one request may bring."""

    body_bytes: int = 1024 * 1024  # as sent
    unpacked_bytes: int = 4 * 1024 * 1024  # after gzip; events shrink to a tenth, and a bomb to a thousandth
    events: int = 1000
    body_s: float = 10.0  # until the body must be there
    concurrent: int = 16  # requests at a time; each may hold `unpacked_bytes`


class BodyRefused(VoxtraceError):
    """Nothing of the body was stored."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status, self.code = status, code


class Batch(Struct, frozen=True):
    """What a body holds; `indexes` says for each event which record of the body it was."""

    events: list[Event] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def received(self) -> int:
        return len(self.events) + len(self.rejected)


def unpack(body: bytes, encoding: str, limits: IngestLimits) -> bytes:
    """The body without its content encoding.

    Raises:
        BodyRefused: the encoding is unknown or broken, or too much comes out of it.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise BodyRefused(415, "encoding", f"the content encoding {encoding[:40]!r} is unknown; send gzip or none")
    unpacked = bytearray()
    while body:
        reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            # One byte more than allowed is enough to know; the rest of a bomb is never unpacked.
            unpacked += reader.decompress(body, limits.unpacked_bytes + 1 - len(unpacked))
        except zlib.error as why:
            raise BodyRefused(400, "gzip", f"the body is no gzip: {why}") from why
        if len(unpacked) > limits.unpacked_bytes:
            raise BodyRefused(
                413, "too_large", f"more than {limits.unpacked_bytes} bytes come out of the gzip; send smaller batches"
            )
        if not reader.eof:
            raise BodyRefused(400, "gzip", "the gzip ends too early")
        body = reader.unused_data
    return bytes(unpacked)


def read_batch(body: bytes, content_type: str, limits: IngestLimits) -> Batch:
    """Events of JSON lines, of a JSON array, or of `{"events": […]}`.

    Raises:
        BodyRefused: there is nothing in it, it is no JSON, or it holds too many events.
    """
    text = body.strip(b" \t\r\n")
    if not text:
        raise BodyRefused(400, "empty", "the body is empty; send events as JSON lines or as a JSON array")
    is_json = content_type.partition(";")[0].strip().lower() == "application/json"
    if text.startswith(b"[") or is_json or (b"\n" not in text and b'"events"' in text):
        records = _whole(text)
        if records is not None:
            _check_count(len(records), limits)
            return _sort(_record(each) for each in records)
    lines = [line for line in text.split(b"\n") if line.strip()]
    _check_count(len(lines), limits)
    return _sort(decode(line) for line in lines)


def _whole(text: bytes) -> list[object] | None:
    """The records of one JSON document; None where the body is JSON lines after all."""
    try:
        document = parse_json(text)
    except RecursionError as why:
        raise BodyRefused(400, "depth", "the body is nested too deeply") from why
    except ValueError as why:
        if text.startswith(b"{") and b"\n" in text:
            return None
        raise BodyRefused(400, "json", f"the body is no JSON: {why}") from why
    if isinstance(document, dict) and "event" not in document and "events" in document:
        document = document["events"]
    if isinstance(document, dict):
        return [document]
    if isinstance(document, list):
        return document
    raise BodyRefused(400, "json", 'the body must be JSON lines, a JSON array of events, or {"events": [...]}')


def _record(record: object) -> Event | Unreadable:
    # The same record always has the same text, so that one without an id gets the same one when it is sent again.
    raw = _dumps(record).encode("ascii")
    if len(raw) > MAX_LINE_BYTES:
        detail = f"{len(raw)} bytes, at most {MAX_LINE_BYTES} are read"
        return Unreadable("too_long", detail, raw[:RAW_KEPT_BYTES], len(raw))
    return event_from_record(record, raw)


def _check_count(count: int, limits: IngestLimits) -> None:
    if count > limits.events:
        raise BodyRefused(413, "too_many", f"{count} events, at most {limits.events} are taken; send smaller batches")


def _sort(records: Iterable[Event | Unreadable]) -> Batch:
    batch = Batch()
    for index, record in enumerate(records):
        if isinstance(record, Event):
            batch.events.append(record)
            batch.indexes.append(index)
        else:
            batch.rejected.append(Rejected(record, SOURCE, index))
    return batch
