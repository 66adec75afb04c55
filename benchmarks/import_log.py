"""A latency log of a million events: importing it against one `json.loads` per line, and looking at what is there.

`json.loads` is called on lines of text, as a script that analyses such a log does; on bytes it takes a fifth longer.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from benchmarks.figure import Figure, measured, ratio
from benchmarks.peak import measured_command
from voxtrace.analysis import assemble
from voxtrace.store import RequestQuery, open_store

EVENTS = 1_000_000
ROUNDS = 3
BEGIN_S = 1_764_253_805.0
SECONDS_PER_TURN = 7

# (service, event, seconds after the event before, metadata): the events of a turn as such logs hold them.
TURN: tuple[tuple[str, str, float, dict[str, object]], ...] = (
    ("stt", "stt_transcript_finalized", 0.0, {"text_length": 24}),
    ("stt", "stt_sending_to_v34", 0.015, {"text_length": 24}),
    ("v34", "v34_webhook_received", 0.008, {"text_length": 24, "session_id": "session-1"}),
    ("v34", "v34_classification_complete", 0.102, {"importance": 3}),
    ("v34", "v34_retrieval_start", 0.001, {}),
    ("v34", "v34_retrieval_complete", 0.724, {"num_chunks": 4}),
    ("v34", "v34_prompt_built", 0.012, {"prompt_chars": 4120, "prompt_tokens_est": 1030, "tail_mode": "full"}),
    ("v34", "v34_ollama_sent", 0.018, {"temperature": 0.4, "kv_context_length": 812, "has_kv_cache": True}),
    ("v34", "v34_ollama_received", 2.32, {"response_length": 204, "new_context_length": 1073, "eval_count": 51}),
    ("v34", "v34_sending_to_tts", 0.015, {"response_length": 204}),
    ("tts", "tts_request_received", 0.015, {"text_length": 204}),
    ("tts", "tts_pause_sent", 0.005, {}),
    ("tts", "tts_synthesis_start", 0.21, {}),
    ("tts", "tts_audio_playback_start", 0.445, {}),
)


def log_lines(events: int) -> Iterator[str]:
    """A log of that many events."""
    for turn in range(-(-events // len(TURN))):
        at = BEGIN_S + turn * SECONDS_PER_TURN
        for service, event, pause, metadata in TURN[: events - turn * len(TURN)]:
            at = round(at + pause, 6)
            told = {"timestamp": at, "iso_time": datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat()}
            told |= {"request_id": f"{turn:08x}", "service": service, "event": event, "metadata": metadata}
            yield json.dumps(told) + "\n"


def run() -> list[Figure]:
    parsed: list[float] = []
    imported: list[float] = []
    with tempfile.TemporaryDirectory(prefix="voxtrace-bench-") as name:
        folder = Path(name)
        log = folder / "latency.log"
        with log.open("w") as file:
            file.writelines(log_lines(EVENTS))
        # In turn, so that what else the machine does hits both.
        for number in range(ROUNDS):
            parsed.append(_parse(log))
            took, peak_kib = _import(log, folder / f"data{number}")
            imported.append(took)
        again, _ = _import(log, folder / "data0")
        looked = _look(folder / "data0")
    # Of the largest process. The one that parses and the one that stores run at once, so twice that is the most.
    peak_mib = 2 * peak_kib / 1024
    base = measured("json.loads of each of 1,000,000 lines", parsed, "s")
    whole = measured("voxtrace import of the same file", imported, "s")
    return [
        base,
        whole,
        ratio("import : json.loads", whole, base, at_most=4),
        measured("importing it again, all duplicates", [again], "s"),
        Figure("most memory of both processes", peak_mib, "MiB", at_most=300),
        measured("the last 20 requests, read and assembled", looked, "ms", at_most=300),
    ]


def _parse(log: Path) -> float:
    began = perf_counter()
    with log.open() as file:
        for line in file:
            json.loads(line)
    return perf_counter() - began


def _import(log: Path, data: Path) -> tuple[float, int]:
    """Seconds of the whole command, start of Python included, and KiB of memory of the larger of its processes."""
    command = [sys.executable, "-m", "voxtrace", "import", str(log), "--data", str(data), "--json"]
    ran = measured_command(command)
    total = json.loads(ran.output)["total"]
    if total["read"] != EVENTS or total["stored"] + total["duplicates"] != EVENTS:
        raise AssertionError(f"not everything was imported: {total}")
    return ran.took_s, ran.peak_kib


def _look(data: Path) -> list[float]:
    """Milliseconds from opening the store to the last turn."""
    times = []
    for _ in range(20):
        began = perf_counter()
        with contextlib.closing(open_store(data, readonly=True)) as store:
            ids = [row.request_id for row in store.recent(RequestQuery(limit=20))]
            turns = [assemble(request_id, events) for request_id, events in store.events_of(ids).items()]
        times.append((perf_counter() - began) * 1000)
        if len(turns) != 20:
            raise AssertionError(f"{len(turns)} turns instead of 20")
    return times
