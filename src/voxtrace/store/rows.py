"""Events as rows, and back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

from msgspec.json import Decoder

from voxtrace.events import Event
from voxtrace.events.model import NOTHING

KEY_BYTES = 16
_metadata_of = Decoder(dict[str, object]).decode

EventRow: TypeAlias = tuple[int, bytes, int, int | None, int | None, int, int, int, str | None, str | None, str | None]
"""request, key, wall_ns, mono_ns, seq, service, name, clock, session_id, event_id, metadata."""


def _encoder() -> Callable[[object, int], Iterable[str]]:
    settings = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
    # `JSONEncoder.encode` builds this anew for every call, which takes longer than the encoding.
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, level: (settings.encode(value),)
    built: Callable[[object, int], Iterable[str]] = make(
        None, settings.default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
    )
    return built


_chunks = _encoder()


def key_of(event_id: str) -> bytes:
    """Sixteen bytes that stand for an event id. The codec's own content ids are sixteen bytes already."""
    if len(event_id) == 2 * KEY_BYTES:
        try:
            key = bytes.fromhex(event_id)
        except ValueError:
            pass
        else:
            if key.hex() == event_id:  # nor capitals nor spaces
                return key
    return blake2b(event_id.encode(), digest_size=KEY_BYTES).digest()


def metadata_text(metadata: Mapping[str, object]) -> str:
    """Metadata as JSON.

    Raises:
        ValueError: a number is not finite.
        TypeError: a value is none that JSON has.
        RecursionError: it is nested too deeply.
    """
    return "".join(_chunks(metadata if type(metadata) is dict else dict(metadata), 0))


def known_id(key: bytes, clock: str, seq: int | None) -> str:
    """The id that an event has unless it was given another one: its number in its process, else its content's."""
    return f"{clock}#{seq}" if clock and seq is not None else key.hex()


SELECT_EVENTS = """
    SELECT service, name, clock, key, wall_ns, mono_ns, seq, session_id, event_id, metadata
    FROM events WHERE request = ? ORDER BY wall_ns, seq, key"""


def event_from_row(request_id: str, row: tuple[Any, ...], texts: Mapping[int, str]) -> Event:
    """The event that was stored; columns as in `SELECT_EVENTS`, whose first three are numbers of `texts`."""
    service, name, clock_number, key, wall_ns, mono_ns, seq, session_id, event_id, metadata = row
    clock = texts[clock_number]
    return Event(
        request_id,
        texts[service],
        texts[name],
        wall_ns,
        event_id if event_id is not None else known_id(key, clock, seq),
        mono_ns,
        clock,
        seq,
        session_id,
        _metadata(metadata) if metadata else NOTHING,
    )


def _metadata(text: str) -> dict[str, object]:
    try:
        return _metadata_of(text)
    except ValueError:  # a lone surrogate, or a number that only Python's own parser reads
        found: dict[str, object] = json.loads(text)
        return found


def pack_document(document: str) -> bytes:
    """A derived document as it is stored: a third of its size, for 60 µs."""
    return zlib.compress(document.encode(), level=1)


def unpack_document(packed: bytes) -> str:
    """The document that was packed."""
    return zlib.decompress(packed).decode()


def why_unstorable(event: Event) -> str:
    """What keeps an event out of the store, or "" if nothing does."""
    # As objects: types are promises, and what comes from outside may have broken them.
    texts: list[object] = [event.request_id, event.service, event.name, event.clock, event.event_id]
    numbers: list[object] = [event.wall_ns]
    texts += [] if event.session_id is None else [event.session_id]
    numbers += [number for number in (event.mono_ns, event.seq) if number is not None]
    try:
        for text in texts:
            if not isinstance(text, str):
                return f"a value of type {type(text).__name__} is no text"
            text.encode()
        for number in numbers:
            if type(number) is not int or not -(2**63) <= number < 2**63:
                return f"a value of type {type(number).__name__} is no whole number of 64 bits"
        metadata_text(event.metadata)
    except (ValueError, TypeError, RecursionError) as why:
        return str(why)[:200] or type(why).__name__
    return ""
