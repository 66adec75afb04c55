"""How a latency log is looked at without Voxtrace: two scripts, each of which reads the whole file and prints.

The baseline of `benchmarks.analyzer`. The approach is the one that projects with such a log publish beside it: every
line through `json.loads`, events grouped by request in a dictionary, sorted by time, the time between pairs of events,
the slowest step marked, averages over all; and a second script that groups the requests by session and looks at the
prompt's size, at the first request against later ones, and at the trend. Plain Python as a careful person writes it:
one pass over the lines, lookups instead of searches, output that is written in blocks.

    python benchmarks/two_scripts.py requests latency.log
    python benchmarks/two_scripts.py sessions latency.log
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import datetime
from statistics import mean, median

# The pairs whose time apart is told, in the order of a turn.
STEPS = (
    ("stt_transcript_finalized", "v34_webhook_received"),
    ("v34_webhook_received", "v34_classification_complete"),
    ("v34_retrieval_start", "v34_retrieval_complete"),
    ("v34_retrieval_complete", "v34_prompt_built"),
    ("v34_ollama_sent", "v34_ollama_received"),
    ("v34_sending_to_tts", "tts_request_received"),
    ("tts_synthesis_start", "tts_audio_playback_start"),
)
RULE = "=" * 80
THIN_RULE = "-" * 80


def read_requests(path: str) -> dict[str, list[dict]]:
    """The events of each request, in order of time."""
    requests = defaultdict(list)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as such a script does
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            requests[event["request_id"]].append(event)
    for events in requests.values():
        events.sort(key=lambda event: event["timestamp"])
    return requests


def step_times(events: list[dict]) -> dict[tuple[str, str], float]:
    """Milliseconds between the events of each pair that is there."""
    at = {event["event"]: event["timestamp"] for event in events}
    return {pair: (at[pair[1]] - at[pair[0]]) * 1000 for pair in STEPS if pair[0] in at and pair[1] in at}


def print_request(request_id: str, events: list[dict], took: dict[tuple[str, str], float]) -> None:
    """One request: timeline, time between events, total."""
    began = events[0]["timestamp"]
    total = events[-1]["timestamp"] - began
    print(RULE)
    print(f"Request ID: {request_id}")
    print(f"Start Time: {datetime.fromtimestamp(began).strftime('%H:%M:%S')}")  # noqa: DTZ006 - a local time is meant
    print(f"Total Duration: {total:.2f}s")
    print(f"{RULE}\n\nTIMELINE:\n    Time | Service    | Event\n{THIN_RULE}")
    for event in events:
        print(f"{(event['timestamp'] - began) * 1000:6.0f}ms | {event['service']:10} | {event['event']}")
    print(f"\nDELTAS (time between events):\n{THIN_RULE}")
    slowest = max(took, key=took.__getitem__, default=None)
    for pair, ms in took.items():
        print(f"{ms:6.0f}ms | {pair[0]} -> {pair[1]}{'  <- slowest step' if pair == slowest else ''}")
    print(f"\nTOTAL: {total:.2f}s\n")


def analyze_requests(path: str) -> None:
    """The first script: each request, then all in few numbers."""
    requests = read_requests(path)
    all_times = defaultdict(list)
    totals = []
    for request_id, events in sorted(requests.items(), key=lambda item: item[1][0]["timestamp"]):
        took = step_times(events)
        print_request(request_id, events, took)
        totals.append(events[-1]["timestamp"] - events[0]["timestamp"])
        for pair, ms in took.items():
            all_times[pair].append(ms)
    print(f"{RULE}\nSUMMARY: {len(requests)} requests\n{THIN_RULE}")
    for pair in STEPS:
        if ms := all_times.get(pair):
            told = f"mean {mean(ms):8.1f}ms  median {median(ms):8.1f}ms  min {min(ms):8.1f}ms  max {max(ms):8.1f}ms"
            print(f"{pair[0]} -> {pair[1]}: {told}  n={len(ms)}")
    if totals:
        print(f"total: mean {mean(totals):.2f}s  median {median(totals):.2f}s  max {max(totals):.2f}s")


def correlation(xs: list[float], ys: list[float]) -> float:
    """Pearson's r; 0 where one of them does not vary."""
    x_mean, y_mean = mean(xs), mean(ys)
    over = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    under = (sum((x - x_mean) ** 2 for x in xs) * sum((y - y_mean) ** 2 for y in ys)) ** 0.5
    return over / under if under else 0.0


def session_rows(path: str) -> dict[str, list[tuple[float, float, float, float]]]:
    """Start, prompt's characters, the model's ms and total ms of each request, by session."""
    sessions = defaultdict(list)
    for events in read_requests(path).values():
        at, session, prompt = {}, None, 0
        for event in events:
            at[event["event"]] = event["timestamp"]
            metadata = event.get("metadata") or {}
            session = metadata.get("session_id") or session
            prompt = metadata.get("prompt_chars") or prompt
        if session is not None and "v34_ollama_sent" in at and "v34_ollama_received" in at:
            model_ms = (at["v34_ollama_received"] - at["v34_ollama_sent"]) * 1000
            total_ms = (events[-1]["timestamp"] - events[0]["timestamp"]) * 1000
            sessions[session].append((events[0]["timestamp"], prompt, model_ms, total_ms))
    return sessions


def analyze_sessions(path: str) -> None:
    """The second script: each session as a table, prompt against model time, first request against later ones."""
    sessions = session_rows(path)
    first, later, prompts, models = [], [], [], []
    for session, rows in sessions.items():
        rows.sort()
        print(f"{RULE}\nSession: {session} ({len(rows)} requests)\n{RULE}")
        print("  # | Time     | Prompt chars | Ollama ms | Total ms")
        for number, (began, prompt, model_ms, total_ms) in enumerate(rows, 1):
            told = datetime.fromtimestamp(began).strftime("%H:%M:%S")  # noqa: DTZ006 - a local time is meant
            print(f"{number:3} | {told} | {prompt:12} | {model_ms:9.0f} | {total_ms:8.0f}")
            (first if number == 1 else later).append(model_ms)
            prompts.append(prompt)
            models.append(model_ms)
        if len(rows) > 1:
            rest = mean(row[2] for row in rows[1:])
            print(f"First request: {rows[0][2]:.0f}ms, later: {rest:.0f}ms, speedup {rows[0][2] / rest:.2f}x")
            half = len(rows) // 2
            trend = mean(row[2] for row in rows[half:]) - mean(row[2] for row in rows[:half])
            print(f"Trend: second half {trend:+.0f}ms against the first\n")
    print(f"{RULE}\nALL SESSIONS: {len(sessions)}")
    if first and later:
        print(f"First requests: mean {mean(first):.0f}ms, later ones: mean {mean(later):.0f}ms")
    if models:
        print(f"Correlation of prompt size and Ollama time: {correlation(prompts, models):.3f}")


if __name__ == "__main__":
    {"requests": analyze_requests, "sessions": analyze_sessions}[sys.argv[1]](sys.argv[2])
