"""What a report over very many turns costs: `report`, `compare` and `whatif`, and whether a turn costs always the same.

The store is filled with turns that were assembled from events, a thousand different ones; what is read is what the
collector writes. Each command is a process of its own, as for who types it: its start counts. Turns of the slope go
up to 100,000; `VOXTRACE_BENCH_TURNS=1000000` goes further.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log10
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, measured
from voxtrace.analysis import Turn, assemble
from voxtrace.analysis.derived import to_json
from voxtrace.analysis.record import HEAD_NUMBERS, Packed, pack, pack_steps
from voxtrace.events import Event
from voxtrace.store import Derived, Record, SqliteStore, open_store
from voxtrace.testing.turns import client_events, event, server_events
from voxtrace.units import NANOS_PER_SECOND

TURNS = 100_000
DIFFERENT = 1_000
RUNS = 3
BATCH = 2_000
MOST_VARIABLE = "VOXTRACE_BENCH_TURNS"
LIMITS_S = {
    "report": 1.0,
    "report --format json": 1.0,
    "report --format html": 1.0,
    "compare engine=espeak-ng engine=kokoro": 2.0,
    "compare --view cache": 2.0,
    "whatif --set inference=0.5x --set llm.first_token=300ms": 10.0,
}


def speech_turn(number: int, chance: random.Random) -> Turn:
    """One request for speech, of one of two engines."""
    engine, slow = ("espeak-ng", 1.0) if number % 2 else ("kokoro", 6.0)
    inference = slow * chance.lognormvariate(3, 0.4)
    first = 10 + inference + chance.expovariate(0.5)
    chunks = [(first + n * 40, 60.0) for n in range(chance.randint(1, 8))]
    cache = "hit" if chance.random() < 0.2 else "miss"
    events = client_events(request_id="r", first_byte=first, chunks=chunks)
    events += server_events(request_id="r", inference=inference, queue=chance.expovariate(1), cache=cache)
    named = [
        each._replace(metadata={**each.metadata, "engine": engine}) if each.name == "REQUEST_RECEIVED" else each
        for each in events
    ]
    return assemble("r", named)


def conversation_turn(chance: random.Random) -> Turn:
    """A turn from speech to speech with two chunks."""
    at = 0.0
    events = []
    for name, mean in (
        ("speech_end", 0), ("stt_pause_detected", 300), ("stt_end", 200), ("v34_webhook_received", 20),
        ("v34_retrieval_start", 5), ("v34_retrieval_complete", 150), ("v34_ollama_sent", 10), ("llm_first_token", 600),
        ("llm_first_sentence", 200), ("chunk_tts_start", 5), ("chunk_tts_end", 400), ("tts_audio_playback_start", 10),
        ("tts_audio_playback_complete", 3000), ("request_end", 5),
    ):  # fmt: skip
        at += chance.lognormvariate(0, 0.4) * mean
        facts = {"chunk": 0, "audio_duration_ms": 2900} if name.startswith("chunk") else {}
        events.append(event(name, at, "backend", request_id="r", **facts))
    return assemble("r", events)


def fill(folder: Path, turns: int) -> SqliteStore:
    """A store of so many turns, a second apart."""
    chance = random.Random(5)
    different = [
        speech_turn(number, chance) if number % 10 else conversation_turn(chance) for number in range(DIFFERENT)
    ]
    kept = [(turn, to_json(turn), pack(turn), Record(*pack_steps(turn))) for turn in different]
    store = open_store(folder)
    began = time.time_ns() - turns * NANOS_PER_SECOND
    for first in range(0, turns, BATCH):
        numbers = range(first, min(first + BATCH, turns))
        walls = ((n, began + n * NANOS_PER_SECOND) for n in numbers)
        store.append([Event(f"r{n}", "b", "b", wall, f"{n}", session_id=f"s{n // 20}") for n, wall in walls])
        store.put_derived(_derived(n, *kept[n % DIFFERENT], chance) for n in numbers)
    return store


def _derived(number: int, turn: Turn, document: str, packed: Packed, steps: Record, chance: random.Random) -> Derived:
    """Each turn with values of its own, a little off those of its kind: equal ones would be refused as replays."""
    values = np.frombuffer(packed.numbers).copy()
    first = len(HEAD_NUMBERS)
    values[first : first + len(turn.metrics)] *= 1 + chance.random() / 1000
    own = document.replace('"request_id":"r"', f'"request_id":"r{number}"', 1)
    return Derived(f"r{number}", 1, own, Record(values.tobytes(), packed.texts), steps)


def seconds_of(folder: Path, command: str, last: int) -> float:
    """Processor time of a command in a process of its own, all of it."""
    before = os.times()
    arguments = [*command.split(), "--data", str(folder), "--last", str(last)]
    subprocess.run([sys.executable, "-m", "voxtrace", *arguments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def slope(folder: Path, sizes: Sequence[int]) -> Iterator[Figure]:
    """Whether ten times the turns cost ten times the time: what each turn costs that a report has more than another."""
    took = {size: sorted(seconds_of(folder, "report", size) for _ in range(RUNS))[RUNS // 2] for size in sizes}
    costs = []
    for fewer, more in pairwise(sizes):
        costs.append(max(took[more] - took[fewer], 1e-6) / (more - fewer) * 1e6)
        yield Figure(f"report: each turn between {fewer:,} and {more:,}", costs[-1], "us", RUNS)
    if len(costs) > 1:
        steepness = log10(costs[-1] / costs[0]) / (len(costs) - 1)
        yield Figure("slope of a turn's cost, per tenfold turns (0: constant)", steepness, "", RUNS, at_most=0.1)


def run() -> list[Figure]:
    """All figures."""
    most = int(os.environ.get(MOST_VARIABLE, TURNS))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), most).close()
        for command, limit in LIMITS_S.items():
            samples = [seconds_of(Path(folder), command, TURNS) for _ in range(RUNS)]
            figures.append(measured(f"{command}, {TURNS:,} turns", samples, "s", at_most=limit))
        sizes = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= most]
        figures += slope(Path(folder), sizes)
    return figures
