"""Builders of events: a whole request from the few numbers that a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from voxtrace.events import Event
from voxtrace.units import NANOS_PER_SECOND, nanos_from_millis

STARTED_NS = 1_764_253_805 * NANOS_PER_SECOND  # any moment will do; this one is of November 2025
HOST = "host-a/1.000000/boot-a"


def event(
    name: str, at_ms: float, service: str = "test", *, request_id: str = "r1", clock: str = HOST, **metadata: object
) -> Event:
    """One event, `at_ms` milliseconds after `STARTED_NS`, on the monotonic clock `clock` ("" for wall time only)."""
    at = nanos_from_millis(at_ms)
    number = f"{service}:{name}:{at}:{sorted(metadata.items())!r}"
    return Event(
        request_id=request_id,
        service=service,
        name=name,
        wall_ns=STARTED_NS + at,
        event_id=number,
        mono_ns=at + NANOS_PER_SECOND if clock else None,
        clock=clock,
        metadata=metadata,
    )


def client_events(
    *,
    request_id: str = "r1",
    first_byte: float = 120.0,
    first_audio: float | None = None,
    leading_silence: float | None = 0.0,
    chunks: Sequence[tuple[float, float]] = ((120.0, 60.0),),
    outcome: str = "ok",
) -> list[Event]:
    """What the caller of one speech request writes.

    Args:
        request_id: the id of the request.
        first_byte: when the first byte of the body came, in ms; the other times are derived from it.
        first_audio: when the first byte that decodes came, in ms; as `first_byte` if None.
        leading_silence: silence in front of the first audible sample, in ms; None: not measured.
        chunks: (arrival, audio) of each chunk in ms.
        outcome: how it ended.
    """

    mark = partial(event, service="client", request_id=request_id)
    audio_at = first_byte if first_audio is None else first_audio
    events = [
        mark("REQUEST_START", 0.0, text_chars=11, format="pcm"),
        mark("REQUEST_SENT", 1.0),
        mark("HEADERS_RECEIVED", first_byte, status=200),
        mark("FIRST_BYTE_RECEIVED", first_byte),
        mark("FIRST_AUDIO_CHUNK", audio_at),
    ]
    if leading_silence is not None:
        events.append(mark("FIRST_AUDIBLE_CHUNK", audio_at, leading_silence_ms=leading_silence))
    for number, (arrival, audio) in enumerate(chunks):
        events.append(mark("AUDIO_CHUNK_RECEIVED", arrival, seq=number, audio_ms=audio, bytes=round(audio * 48)))
    end = max(arrival for arrival, _ in chunks)
    events.append(mark("LAST_AUDIO_CHUNK", end, audio_ms=sum(audio for _, audio in chunks)))
    # Whatever the chunks are, an answer does not end before its first sound.
    return [*events, mark("REQUEST_COMPLETE", max(end, audio_at), outcome=outcome)]


def server_events(
    *,
    request_id: str = "r1",
    received: float = 2.0,
    queue: float = 1.0,
    inference: float = 5.0,
    clock: str = HOST,
    cache: str = "miss",
) -> list[Event]:
    """What the server of one speech request of one piece writes; times in ms."""

    mark = partial(event, service="server", request_id=request_id, clock=clock)
    started = received + 0.5 + queue
    made = started + inference
    return [
        mark("REQUEST_RECEIVED", received, text_chars=11, voice="en", engine="espeak-ng"),
        mark("PROCESSING_START", received + 0.1),
        mark("TEXT_PROCESSING_COMPLETE", received + 0.4, pieces=1),
        mark("QUEUE_START", received + 0.5, piece=0),
        mark("INFERENCE_START", started, piece=0),
        mark("FIRST_CHUNK_GENERATED", made, piece=0),
        mark("FIRST_CHUNK_ENCODED", made + 0.2),
        mark("FIRST_CHUNK_SENT", made + 0.3),
        mark("INFERENCE_COMPLETE", made + 1.0, piece=0, audio_ms=600.0),
        mark("AUDIO_GENERATION_COMPLETE", made + 1.5, audio_ms=600.0, pieces=1),
        mark("REQUEST_COMPLETE", made + 2.0, outcome="ok", cache=cache, start="warm", provider="espeak-ng"),
    ]
