"""What is kept of one request while a run lasts: small, because there may be many, and told as events afterwards."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from voxtrace.client.exchange import Moment, Stamp
from voxtrace.loadtest.plan import Planned, Workload
from voxtrace.units import millis

SERVICE = "loadtest"
UNKNOWN = -1  # in `arrivals`: how long the audio of these bytes lasts was not found out

Outcome = Literal["ok", "error", "cancelled"]


@dataclass(slots=True, eq=False)
class Record:
    """One request. Times are monotonic nanoseconds of this machine; 0 where it did not come so far."""

    planned: Planned
    request_id: str
    text_chars: int
    due_ns: int  # when it should have begun; for a user of a closed loop, when he was free
    begun_ns: int  # when the generator got to it
    sent_ns: int = 0  # the whole request was handed to the socket
    headers_ns: int = 0
    first_byte_ns: int = 0
    ended_ns: int = 0
    is_reused: bool = False  # its connection had served another request before
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)  # of the answer, those that events tell of
    body_bytes: int = 0
    leading_silence_ns: int | None = None
    outcome: Outcome = "error"
    error: str = ""  # a `code` of the client's errors, or `not_sent`
    error_message: str = ""
    # Reads of the body that brought audio, three numbers each: when, bytes of audio, nanoseconds of audio.
    arrivals: array[int] = field(default_factory=lambda: array("q"))

    @property
    def start_ns(self) -> int:
        """The zero of every number: the planned moment, so that a late generator hides nothing.

        A timer may ring a fraction of a millisecond early; then it is the moment of the ring.
        """
        return min(self.due_ns, self.begun_ns)

    @property
    def late_ns(self) -> int:
        """How far the generator was behind its plan."""
        return self.begun_ns - self.start_ns

    def reads(self) -> Iterator[tuple[int, int, int]]:
        """When, bytes of audio, nanoseconds of audio or UNKNOWN."""
        each = iter(self.arrivals)
        return zip(each, each, each, strict=True)


@dataclass(frozen=True, slots=True)
class Told:
    """What holds for all requests of a run, so that events can tell it."""

    workload: Workload
    url: str
    wall_offset_ns: int  # wall clock minus monotonic clock when the run began


class _MakeMoment(Protocol):
    def __call__(self, name: str, at_ns: int, **facts: object) -> Moment: ...


def moments_of(record: Record, told: Told) -> Iterator[Moment]:
    """The events of one request, in the words of every other client, in order of time."""

    def moment(name: str, at_ns: int, **facts: object) -> Moment:
        return Moment(name, Stamp(at_ns, at_ns + told.wall_offset_ns), facts)

    asked = told.workload
    yield moment(
        "REQUEST_START",
        record.start_ns,
        text_chars=record.text_chars,
        voice=asked.voice,
        format=asked.format,
        speed=asked.speed,
        url=told.url,
        source="load",
        text_class=record.planned.kind,
        late_ms=millis(record.late_ns),
    )
    if record.sent_ns:
        yield moment("REQUEST_SENT", record.sent_ns, reused_connection=record.is_reused)
    if record.headers_ns:
        yield moment("HEADERS_RECEIVED", record.headers_ns, status=record.status, **_header_facts(record.headers))
    if record.first_byte_ns:
        yield moment("FIRST_BYTE_RECEIVED", record.first_byte_ns)
    yield from _sound(record, moment)
    end: dict[str, object] = {"outcome": record.outcome, "bytes": record.body_bytes}
    if record.status:
        end["status"] = record.status
    if record.error:
        end |= {"error": record.error, "error_message": record.error_message}
    for fact in ("cache", "mode", "hedged"):
        if said := record.headers.get(f"x-voxtrace-{fact}"):
            end[fact] = said
    yield moment("REQUEST_COMPLETE", record.ended_ns, **end)


def _sound(record: Record, moment: _MakeMoment) -> Iterator[Moment]:
    """What was heard, read by read."""
    audio_ns = total_bytes = seq = last_ns = 0
    is_known = True
    audible = record.leading_silence_ns
    for at_ns, size, lasts_ns in record.reads():
        facts: dict[str, object] = {"bytes": size}
        if lasts_ns == UNKNOWN:
            is_known = False
        else:
            facts["audio_ms"] = millis(lasts_ns)
            audio_ns += lasts_ns
            if not seq:
                yield moment("FIRST_AUDIO_CHUNK", at_ns, **facts)
        yield moment("AUDIO_CHUNK_RECEIVED", at_ns, seq=seq, **facts)
        if audible is not None and audio_ns > audible:
            yield moment("FIRST_AUDIBLE_CHUNK", at_ns, leading_silence_ms=millis(audible))
            audible = None
        seq, last_ns, total_bytes = seq + 1, at_ns, total_bytes + size
    if seq and record.outcome == "ok":
        length = {"audio_ms": millis(audio_ns)} if is_known else {}
        yield moment("LAST_AUDIO_CHUNK", last_ns, chunks=seq, bytes=total_bytes, **length)


def _header_facts(headers: dict[str, str]) -> dict[str, object]:
    facts: dict[str, object] = {}
    for header, fact in (("content-type", "content_type"), ("server-timing", "server_timing")):
        if header in headers:
            facts[fact] = headers[header]
    # Two of the four stamps from which the offset of two machines' clocks is estimated; unix nanoseconds.
    for header, fact in (("x-voxtrace-received", "server_recv_wall_ns"), ("x-voxtrace-sent", "server_sent_wall_ns")):
        stamp = headers.get(header, "")
        if stamp.isdecimal() and len(stamp) == 19:
            facts[fact] = int(stamp)
    return facts
