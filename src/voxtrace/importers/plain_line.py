"""The usual line of an event log, read at once: its types and bounds are checked by the parser itself.

Whatever is unusual about a line is left to `events.codec`, which says what is wrong or makes the best of it. So this is
a way to be faster and no second definition: for every line it answers as the codec does, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct
from msgspec.json import Decoder

from voxtrace.events import Event
from voxtrace.events.codec import EARLIEST_NS, LATEST_NS, MAX_ID_CHARS, content_id, sequence_id
from voxtrace.events.model import NOTHING
from voxtrace.events.plain import MAX_INT, MAX_KEYS, MAX_STRING_CHARS, is_secret
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

_Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
_Name: TypeAlias = Annotated[str, Meta(max_length=MAX_ID_CHARS)]
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INT)]
_Whole: TypeAlias = Annotated[int, Meta(ge=-MAX_INT, le=MAX_INT)]
_Stamp: TypeAlias = Annotated[float, Meta(ge=EARLIEST_NS / NANOS_PER_SECOND, le=LATEST_NS / NANOS_PER_SECOND)]
_Metadata: TypeAlias = Annotated[dict[str, str | _Whole | float | bool | None], Meta(max_length=MAX_KEYS)]


class _Line(Struct, gc=False):
    request_id: _Id
    service: _Name
    event: _Id
    timestamp: _Stamp | None = None
    wall_ns: Annotated[int, Meta(ge=EARLIEST_NS, le=LATEST_NS)] | None = None
    metadata: _Metadata | None = None
    mono_ns: _Count | None = None
    seq: _Count | None = None
    clock: _Name | None = None
    session_id: _Name | None = None
    event_id: _Name | None = None


_parse = Decoder(_Line).decode


def plain_event(text: bytes) -> Event | None:
    """The event of a line without blanks around it, or None where a closer look is needed."""
    # Letters beyond ASCII and escaped ones may stand for what can't be stored.
    if len(text) > MAX_STRING_CHARS or not text.isascii() or b"\\u" in text:
        return None
    try:
        line = _parse(text)
    except (ValueError, RecursionError):  # also what is no JSON
        return None
    wall_ns = line.wall_ns
    if wall_ns is None:
        if line.timestamp is None:
            return None
        # A double this large resolves 0.24 us, so anything finer than a microsecond would be made up.
        wall_ns = round(line.timestamp * 1e6) * NANOS_PER_MICRO
    metadata: Mapping[str, object] = line.metadata or NOTHING
    session_id, clock = line.session_id, line.clock or ""
    if metadata:
        if _has_secret(tuple(metadata)):
            return None
        if session_id is None and (told := metadata.get("session_id")) is not None:
            # latency.log carries the session in the metadata of one event.
            if type(told) is not str or len(told) > MAX_ID_CHARS:
                return None
            session_id = told
    event_id = line.event_id or sequence_id(clock, line.seq) or content_id(text)
    values = (
        line.request_id,
        line.service,
        line.event,
        wall_ns,
        event_id,
        line.mono_ns,
        clock,
        line.seq,
        session_id,
        metadata,
    )
    return tuple.__new__(Event, values)  # past its own constructor, which takes twice as long


# The same few sets of keys come a million times.
@lru_cache(maxsize=1024)
def _has_secret(keys: tuple[str, ...]) -> bool:
    return any(map(is_secret, keys))
