"""Contents to import, and what comes out of them."""

from __future__ import annotations

import io
import json
from datetime import UTC
from pathlib import PurePath

from voxtrace.events import Event
from voxtrace.importers import Context, Importer, Note, Refused
from voxtrace.importers.ports import Item

NOON = 1_764_253_805.0
NOON_NS = 1_764_253_805_000_000_000

TRACE_PATH = PurePath("/bench/2025-08-16/trial01_short_chunks_230720.csv")
RESULT_PATH = PurePath("/bench/2025-08-16/bench_stream_short_230840.json")


def line(**fields: object) -> bytes:
    """A line of latency.log."""
    told = {"timestamp": NOON, "request_id": "r1", "service": "stt", "event": "stt_transcript_finalized"}
    return json.dumps({**told, "metadata": {}, **fields}).encode() + b"\n"


def result(trials: int = 1, **measured: object) -> bytes:
    """A benchmark result."""
    config = {
        "url": "http://localhost:8000",
        "base_payload": {"voice": "af_heart", "speed": 1.0, "format": "wav"},
        "trials": trials,
        "stream": True,
        "preset": "short",
        "soak_iterations": 0,
    }
    return json.dumps({"config": config, "measurements": {"mem_samples": [{"t": NOON}], **measured}}).encode()


def read(importer: Importer, content: bytes, path: PurePath = TRACE_PATH, **known: object) -> list[Item]:
    """Everything that an importer makes of a content."""
    context = Context(path, **{"zone": UTC, **known})  # type: ignore[arg-type]
    return list(importer.read(io.BytesIO(content), context))


def events(items: list[Item]) -> list[Event]:
    return [item for item in items if isinstance(item, Event)]


def refused(items: list[Item]) -> list[Refused]:
    return [item for item in items if isinstance(item, Refused)]


def notes(items: list[Item]) -> dict[str, int]:
    return {item.kind: item.times for item in items if isinstance(item, Note)}
