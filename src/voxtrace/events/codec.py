"""Events as JSON lines, and back.

A line is a superset of the simplest log that people already keep (`timestamp`, `request_id`, `service`,
`event`, `metadata`), so their logs are ours and ours are readable by their scripts. This module holds the
one definition of that schema.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import cast

from voxtrace.events.model import NOTHING, Event, Unreadable
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

MAX_LINE_BYTES = 16 * 1024  # one event; more is a mistake of its writer
MAX_STRING_CHARS = 4096  # one metadata value; longer ones are cut and marked
MAX_KEYS = 64
MAX_DEPTH = 8
MAX_ID_CHARS = 256
RAW_KEPT_BYTES = 1024  # of an unreadable record, for the person who looks into it

CUT = "…[cut]"
REDACTED = "[redacted]"
# Whole words only: `prompt_tokens` and `cache_key_count` are measurements, `api_key` and `token` are secrets.
SECRET_KEY = re.compile(r"(?:^|[_\-.])(?:api_?key|token|secret|password|authorization|cookie)$", re.IGNORECASE)

# 2001-09-09 to 2100: outside, a "Unix time" is milliseconds, a monotonic clock or a mistake.
EARLIEST_NS = 1_000_000_000 * NANOS_PER_SECOND
LATEST_NS = 4_102_444_800 * NANOS_PER_SECOND
MAX_INT = 2**63 - 1

_dumps = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), check_circular=True).encode


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
    line: dict[str, object] = {
        "timestamp": event.wall_ns / NANOS_PER_SECOND,
        "wall_ns": event.wall_ns,
        "request_id": _text(event.request_id, MAX_ID_CHARS),
        "service": _text(event.service, MAX_ID_CHARS),
        "event": _text(event.name, MAX_ID_CHARS),
        "metadata": tidy(event.metadata) if event.metadata else {},
    }
    if event.session_id is not None:
        line["session_id"] = _text(event.session_id, MAX_ID_CHARS)
    if event.mono_ns is not None:
        line["mono_ns"] = event.mono_ns
    if event.clock:
        line["clock"] = event.clock
    if event.seq is not None:
        line["seq"] = event.seq
    if event.event_id != sequence_id(event.clock, event.seq):
        line["event_id"] = event.event_id
    encoded = _dumps(line).encode("ascii")
    if len(encoded) >= MAX_LINE_BYTES:
        line["metadata"] = {"cut": f"metadata of {len(encoded)} bytes left out"}
        encoded = _dumps(line).encode("ascii")
    return encoded + b"\n"


def decode(line: bytes) -> Event | Unreadable:
    """Read one line. A line that can't be read comes back as `Unreadable`, never as an exception."""
    # Some writers leave NUL bytes in front of a line when a machine dies while it appends.
    text = line.strip(b"\0 \t\r\n")
    if not text:
        return _unreadable("empty", "nothing on the line", line)
    if len(text) > MAX_LINE_BYTES:
        return _unreadable("too_long", f"{len(text)} bytes, at most {MAX_LINE_BYTES} are read", line)
    try:
        record = parse_json(text)
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
    metadata = get("metadata", NOTHING)
    if metadata is None:
        metadata = NOTHING
    elif not isinstance(metadata, dict):
        return _unreadable("metadata", "metadata is no JSON object", raw)
    mono_ns, seq, clock, session_id = get("mono_ns"), get("seq"), get("clock") or "", get("session_id")
    if session_id is None and metadata:
        # latency.log carries the session in the metadata of one event.
        session_id = metadata.get("session_id")
    if not (_is_count(mono_ns) and _is_count(seq)):
        return _unreadable("number", "mono_ns and seq must be whole numbers from 0 to 2^63-1", raw)
    if not isinstance(clock, str) or not (session_id is None or isinstance(session_id, str | int)):
        return _unreadable("type", "clock and session_id must be text", raw)
    longest = MAX_ID_CHARS
    if len(request_id) > longest or len(service) > longest or len(name) > longest or len(clock) > longest:
        return _unreadable("too_long", f"an id has more than {MAX_ID_CHARS} characters", raw)
    if not _is_sound(raw, metadata):
        try:
            metadata = tidy(metadata)
            for text in (request_id, service, name, clock):
                text.encode("utf-8")
        except (UnicodeEncodeError, ValueError) as why:
            return _unreadable("text", f"a text that can't be stored: {why}", raw)
    event_id = get("event_id") or sequence_id(clock, seq) or content_id(raw)
    if not isinstance(event_id, str) or len(event_id) > 2 * MAX_ID_CHARS:
        return _unreadable("event_id", "event_id must be text of at most 512 characters", raw)
    session = None if session_id is None else str(session_id)[:MAX_ID_CHARS]
    return Event(request_id, service, name, wall_ns, event_id, mono_ns, clock, seq, session, metadata)


def sequence_id(clock: str, seq: int | None) -> str:
    """The id of an event that its own process numbered, or "" where it did not."""
    return f"{clock}#{seq}" if clock and seq is not None else ""


def content_id(raw: bytes) -> str:
    """An id for a record without one: equal records are one event, so that a file read twice counts once."""
    return blake2b(raw, digest_size=16).hexdigest()


def tidy(metadata: Mapping[str, object]) -> dict[str, object]:
    """Metadata as plain, bounded JSON values: secrets redacted, long texts cut, the rest turned into text."""
    return cast("dict[str, object]", _plain(dict(metadata), 0))


def _plain(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -MAX_INT <= value <= MAX_INT else "an integer beyond 64 bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value, MAX_STRING_CHARS)
    if depth >= MAX_DEPTH:
        return "…[nested too deeply]"
    if isinstance(value, Mapping):
        return {
            _text(str(key), 128): REDACTED if SECRET_KEY.search(str(key)) else _plain(inner, depth + 1)
            for key, inner in list(value.items())[:MAX_KEYS]
        }
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value[:MAX_KEYS]]
    try:
        return _text(str(value), MAX_STRING_CHARS)
    except Exception:  # noqa: BLE001 - a host object's __str__ may raise anything; an event never does
        return f"[{type(value).__name__}]"


def _text(value: str, limit: int) -> str:
    text = value if len(value) <= limit else value[: limit - len(CUT)] + CUT
    # A lone surrogate can't be written as UTF-8, and one such text would spoil a whole batch downstream.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _is_sound(raw: bytes, metadata: Mapping[str, object]) -> bool:
    """Cheap signs that nothing has to be tidied: no escape of a surrogate, short, flat, no secret's name."""
    if len(raw) > MAX_STRING_CHARS or len(metadata) > MAX_KEYS:
        return False
    # One byte is found several times faster than two, and most lines have no backslash at all.
    if b"\\" in raw and (b"\\ud" in raw or b"\\uD" in raw):
        return False
    for key, value in metadata.items():
        if isinstance(value, float):
            if not math.isfinite(value):
                return False
        elif isinstance(value, int):
            if not -MAX_INT <= value <= MAX_INT:
                return False
        elif isinstance(value, (dict, list)):
            return False
        if _names_a_secret(key):
            return False
    return True


# The same few keys come a million times, and looking one up costs a tenth of the search. A line is short
# where this is asked, so that the cache stays small even if every key is new.
@lru_cache(maxsize=1024)
def _names_a_secret(key: str) -> bool:
    return SECRET_KEY.search(key) is not None


def _is_count(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= MAX_INT)


def _wall_ns(get: Callable[[str], object]) -> int | None:
    exact = get("wall_ns")
    if type(exact) is int:
        return exact if EARLIEST_NS <= exact <= LATEST_NS else None
    stamp = get("timestamp")
    if stamp is None:
        stamp = get("time")
    if isinstance(stamp, str):
        return _iso_ns(stamp)
    if not isinstance(stamp, (int, float)) or isinstance(stamp, bool) or not 1e9 <= stamp <= 4_102_444_800:
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
    return Unreadable(reason, detail, raw[:RAW_KEPT_BYTES])
