"""Kokoro's `/ttfa-measurements`: what the server itself timed of its requests."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import PurePath

from voxtrace.events import Event
from voxtrace.importers.bench_result import json_object_begins, object_at, parse_object
from voxtrace.importers.bench_trials import MAX_TRIALS, inconclusive, number
from voxtrace.importers.client_request import ClientRequest
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item, Note
from voxtrace.importers.result_rows import facts_of
from voxtrace.units import nanos_from_millis

_FACTS = {"voice": "voice", "speed": "speed", "text_length": "text_length", "request_id": "reported_request_id"}
TOLERANCE_MS = 1.0  # of rounding
_TIMINGS = {
    "text_processing_ms": "reported_text_ms",
    "model_inference_ms": "reported_inference_ms",
    "audio_generation_ms": "reported_audio_generation_ms",
    "first_chunk_delivery_ms": "reported_first_chunk_delivery_ms",
    "daemon_communication_ms": "reported_daemon_ms",
}


class TtfaMeasurements:
    """Text processing and the first chunk have a place in time; where between them the other steps lay is not told."""

    name = "kokoro-ttfa-measurements"
    title = "Kokoro /ttfa-measurements"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if json_object_begins(head, b'"measurements"', b'"timings"', b'"total_ttfa_ms"') else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        rows = parse_object(content).get("measurements")
        if not isinstance(rows, list) or not rows:
            raise HoldsNoEvents("it lists no measurement: inconclusive")
        times = LocalTimes(context.zone)
        name = f"{context.path.parent.name}/{context.path.stem}"[-200:]
        mark = blake2b(content, digest_size=16).digest()
        undated = measured = contradicted = 0
        for place, row in enumerate(rows[:MAX_TRIALS]):
            told = row if isinstance(row, dict) else {}
            wall_ns = times.from_epoch(told.get("timestamp")) or times.from_text(told.get("timestamp"))
            if wall_ns is None:
                undated += 1
                continue
            events = list(_events(ClientRequest(f"{name}/{place:04d}", wall_ns, mark, service="server"), told))
            measured += len(events) > 1
            contradicted += _exceeds_total(object_at(told, "timings"))
            yield from events
        yield from times.notes()
        if undated:
            yield Note("undated", "measurement without a date, left out", undated)
        if contradicted:
            text = "parts_exceed_total: measurement with a part that is longer than the whole; its total was not taken"
            yield Note("parts_exceed_total", text, contradicted)
        yield from inconclusive(measured > 0)


def _events(request: ClientRequest, told: dict[str, object]) -> Iterator[Event]:
    timings, performance = object_at(told, "timings"), object_at(told, "performance")
    facts = {**facts_of(told, _FACTS), **facts_of(timings, _TIMINGS)}
    facts |= facts_of(performance, {"provider_used": "provider"})
    yield request.event(0, "REQUEST_RECEIVED", **facts)
    text_ms, total_ms = number(timings.get("text_processing_ms")), number(timings.get("total_ttfa_ms"))
    if text_ms is not None and text_ms >= 0:
        yield request.event(nanos_from_millis(text_ms), "TEXT_PROCESSING_COMPLETE")
    if total_ms is not None and total_ms >= 0 and not _exceeds_total(timings):
        yield request.event(nanos_from_millis(total_ms), "FIRST_CHUNK_SENT")


def _exceeds_total(timings: dict[str, object]) -> bool:
    """Whether a part is longer than the whole. Text and inference follow each other; of the rest nobody says so."""
    total = number(timings.get("total_ttfa_ms"))
    parts = {name: number(timings.get(name)) or 0.0 for name in _TIMINGS}
    serial = parts["text_processing_ms"] + parts["model_inference_ms"]
    return total is not None and max(serial, *parts.values()) > total + TOLERANCE_MS
