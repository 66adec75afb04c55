"""Events as JSON lines, and back.

A line is a superset of the simplest log that people already keep (`timestamp`, `request_id`, `service`,
`event`, `metadata`), so their logs are ours and ours are readable by their scripts. This module holds the
one definition of that schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring_ascii as _quoted
from math import isfinite
from typing import Any

from voxtrace.events.model import NOTHING, Event, Unreadable
from voxtrace.events.plain import MAX_INT, MAX_KEYS, MAX_STRING_CHARS, is_secret, sound_text, tidy
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

MAX_LINE_BYTES = 16 * 1024  # one event; more is a mistake of its writer
MAX_ID_CHARS = 256
MAX_FLAT_KEYS = 16
MAX_FLAT_CHARS = 128
RAW_KEPT_BYTES = 1024  # of an unreadable record, for the person who looks into it

# 2001-09-09 to 2100: outside, a "Unix time" is milliseconds, a monotonic clock or a mistake.
EARLIEST_NS = 1_000_000_000 * NANOS_PER_SECOND
LATEST_NS = 4_102_444_800 * NANOS_PER_SECOND

_dumps = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


# Built once: `json.loads` with an argument builds a decoder for every call, which takes longer than the parsing.
_raw_decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode


def parse_json(text: bytes) -> object:
    """`json.loads` of one stripped text that refuses NaN and Infinity.

    Raises:
        ValueError: the text is not JSON, not UTF-8, or holds a number that is not finite.
        RecursionError: it is nested too deeply.
    """
    decoded = text.decode("utf-8")
    parsed, end = _raw_decode(decoded)
    if end != len(decoded):
        raise ValueError(f"something follows the JSON value, from column {end + 1}")
    return parsed


def encode(event: Event) -> bytes:
    """One event as one line, newline included; metadata is cut and redacted to what a reader accepts.

    Never raises for a value of metadata, whatever it is: what JSON can't hold is written as text.
    """
    # The line is put together by hand: a general encoder takes twice as long, and this is most of what an
    # event costs its host.
    metadata = (_flat_json(event.metadata) or _dumps(tidy(event.metadata))) if event.metadata else "{}"
    line = _line(event, metadata)
    if len(line) > MAX_LINE_BYTES:
        line = _line(event, f'{{"cut":"metadata of {len(metadata)} bytes left out"}}')
    return line.encode("ascii")


def _line(event: Event, metadata: str) -> str:
    request_id, service, name, wall_ns, event_id, mono_ns, clock, seq, session_id, _ = event
    optional = ""
    if session_id is not None:
        optional = f',"session_id":{_id_json(session_id)}'
    if mono_ns is not None:
        optional += f',"mono_ns":{mono_ns}'
    if clock:
        optional += f',"clock":{_quoted(clock)}'
    if seq is not None:
        optional += f',"seq":{seq}'
    if event_id != sequence_id(clock, seq):
        optional += f',"event_id":{_quoted(event_id)}'
    return (
        f'{{"timestamp":{wall_ns / NANOS_PER_SECOND!r},"wall_ns":{wall_ns},"request_id":{_id_json(request_id)},'
        f'"service":{_id_json(service)},"event":{_id_json(name)},"metadata":{metadata}{optional}}}\n'
    )


def _id_json(text: str) -> str:
    return _quoted(text if len(text) <= MAX_ID_CHARS and text.isascii() else sound_text(text, MAX_ID_CHARS))


def _flat_json(metadata: Mapping[str, Any]) -> str:
    """The JSON of what nearly all metadata is: a few short texts and numbers; "" where it is anything else."""
    if len(metadata) > MAX_FLAT_KEYS:
        return ""
    parts: list[str] = []
    for key, value in metadata.items():
        kind = type(value)
        if (kind is int and -MAX_INT <= value <= MAX_INT) or (kind is float and isfinite(value)):
            text = repr(value)
        elif kind is str and len(value) <= MAX_FLAT_CHARS and value.isascii():
            text = _quoted(value)
        elif kind is bool:
            text = "true" if value else "false"
        else:
            return ""
        if type(key) is not str or len(key) > MAX_FLAT_CHARS or not key.isascii() or is_secret(key):
            return ""
        parts.append(f"{_quoted(key)}:{text}")
    return "{" + ",".join(parts) + "}"


def decode(line: bytes, parse: Callable[[bytes], object] = parse_json) -> Event | Unreadable:
    """Read one line. A line that can't be read comes back as `Unreadable`, never as an exception.

    `parse` may be a faster parser that answers and refuses as `parse_json` does.
    """
    # Some writers leave NUL bytes in front of a line when a machine dies while it appends.
    text = line.strip(b"\0 \t\r\n")
    if not text:
        return _unreadable("empty", "nothing on the line", line)
    if len(text) > MAX_LINE_BYTES:
        return _unreadable("too_long", f"{len(text)} bytes, at most {MAX_LINE_BYTES} are read", line)
    try:
        record = parse(text)
    except RecursionError:
        return _unreadable("depth", "nested too deeply", line)
    except ValueError as why:
        return _unreadable("json", str(why), line)
    return event_from_record(record, text)


def event_from_record(record: object, raw: bytes) -> Event | Unreadable:
    """The event that a parsed JSON object stands for; `raw` is its text, of which an id is made where none is given."""
    if not isinstance(record, dict):
        return _unreadable("json", "the line is no JSON object", raw)
    get = record.get
    request_id, service, name = get("request_id"), get("service"), get("event")
    if not (isinstance(request_id, str) and request_id):
        return _unreadable("request_id", "request_id is missing or no text", raw)
    if not (isinstance(name, str) and name):
        return _unreadable("event", "event is missing or no text", raw)
    if not isinstance(service, str):
        return _unreadable("service", "service is missing or no text", raw)
    wall_ns = _wall_ns(get)
    if wall_ns is None:
        return _unreadable("timestamp", "no timestamp between 2001 and 2100", raw)
    metadata = get("metadata")
    if metadata is None:
        metadata = NOTHING
    elif not isinstance(metadata, dict):
        return _unreadable("metadata", "metadata is no JSON object", raw)
    mono_ns, seq, clock, session_id = get("mono_ns"), get("seq"), get("clock") or "", get("session_id")
    if session_id is None and metadata:
        # latency.log carries the session in the metadata of one event.
        session_id = metadata.get("session_id")
    if not ((mono_ns is None and seq is None) or (_is_count(mono_ns) and _is_count(seq))):
        return _unreadable("number", "mono_ns and seq must be whole numbers from 0 to 2^63-1", raw)
    if not isinstance(clock, str) or not (session_id is None or isinstance(session_id, str | int)):
        return _unreadable("type", "clock and session_id must be text", raw)
    longest = MAX_ID_CHARS
    if len(request_id) > longest or len(service) > longest or len(name) > longest or len(clock) > longest:
        return _unreadable("too_long", f"an id has more than {MAX_ID_CHARS} characters", raw)
    event_id = get("event_id") or sequence_id(clock, seq) or content_id(raw)
    if not isinstance(event_id, str) or len(event_id) > 2 * MAX_ID_CHARS:
        return _unreadable("event_id", "event_id must be text of at most 512 characters", raw)
    session = None if session_id is None else str(session_id)[:MAX_ID_CHARS]
    if not _is_sound(raw, metadata):
        metadata = tidy(metadata)
        try:
            f"{request_id}{service}{name}{clock}{event_id}{session}".encode()
        except UnicodeEncodeError as why:
            return _unreadable("text", f"an id holds a character that can't be stored: {why}", raw)
    # Past the class's own constructor, which takes twice as long to put ten values side by side.
    values = (request_id, service, name, wall_ns, event_id, mono_ns, clock, seq, session, metadata)
    return tuple.__new__(Event, values)


def sequence_id(clock: str, seq: int | None) -> str:
    """The id of an event that its own process numbered, or "" where it did not."""
    return f"{clock}#{seq}" if clock and seq is not None else ""


def content_id(raw: bytes) -> str:
    """An id for a record without one: equal records are one event, so that a file read twice counts once."""
    return blake2b(raw, digest_size=16).hexdigest()


def _is_sound(raw: bytes, metadata: Mapping[str, Any]) -> bool:
    """Cheap signs that nothing has to be tidied: no escape of a surrogate, short, flat, no secret's name."""
    if len(raw) > MAX_STRING_CHARS or len(metadata) > MAX_KEYS:
        return False
    # One byte is found several times faster than two, and most lines have no backslash at all.
    if b"\\" in raw and (b"\\ud" in raw or b"\\uD" in raw):
        return False
    for value in metadata.values():
        kind = type(value)
        if kind is str or kind is bool or value is None:
            continue
        if kind is int:
            if not -MAX_INT <= value <= MAX_INT:
                return False
        elif kind is not float or not isfinite(value):
            return False
    return not _has_secret(tuple(metadata))


# The same few sets of keys come a million times.
@lru_cache(maxsize=1024)
def _has_secret(keys: tuple[str, ...]) -> bool:
    return any(map(is_secret, keys))


def _is_count(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= MAX_INT)


def _wall_ns(get: Callable[[str], object]) -> int | None:
    exact = get("wall_ns")
    if type(exact) is int:
        return exact if EARLIEST_NS <= exact <= LATEST_NS else None
    stamp = get("timestamp")
    if stamp is None:
        stamp = get("time")
    if type(stamp) is not float and type(stamp) is not int:
        return _iso_ns(stamp) if isinstance(stamp, str) else None
    if not 1e9 <= stamp <= 4_102_444_800:
        return None
    # A double this large resolves 0.24 us, so anything finer than a microsecond would be made up.
    return round(stamp * 1e6) * NANOS_PER_MICRO


def _iso_ns(stamp: str) -> int | None:
    """An ISO time with a zone; one without is not a point in time, so it is refused here."""
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    wall_ns = int(at.replace(microsecond=0).timestamp()) * NANOS_PER_SECOND + at.microsecond * 1000
    return wall_ns if EARLIEST_NS <= wall_ns <= LATEST_NS else None


def _unreadable(reason: str, detail: str, raw: bytes) -> Unreadable:
    return Unreadable(reason, detail, raw[:RAW_KEPT_BYTES], len(raw))
