"""What marking costs a voice service: time on its own thread, CPU in all, and memory.

Everything that is compared runs in turn, in rounds of a few hundred calls and in an order that changes, so that
whatever else the machine does hits all of them.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.figure import Figure, measured, ratio
from voxtrace.tracker import Batch, Tracker, TrackerOptions, discard, generate_request_id
from voxtrace.tracker.buffer import MAX_MARKS

ROUNDS, WARM_UP = 300, 20
CALLS = 500  # of one round: fewer than wake the background thread
CPU_EVENTS, CPU_REPEATS = 40_000, 5
REQUEST_ID = generate_request_id()
MIB = 1024 * 1024


class NoExporter(SpanExporter):
    """Takes spans and forgets them, as our `discard` does with batches."""

    def export(self, spans: list[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class Contender:
    """A call that is measured, and how what it left behind is cleared away outside of the measurement."""

    def __init__(self, call: Callable[[], object], settle: Callable[[], object] = lambda: None) -> None:
        self.call, self.settle = call, settle
        self.samples: list[float] = []

    def round(self, keep: bool) -> None:
        call = self.call
        began = time.perf_counter_ns()
        for _ in range(CALLS):
            call()
        took = time.perf_counter_ns() - began
        if keep:
            self.samples.append(took / CALLS / 1000)
        self.settle()


def run() -> list[Figure]:
    return [*hot_path(), *whole_cost(), *memory()]


def hot_path() -> list[Figure]:
    """Times of one call on the caller's thread, less the empty call that measures it."""
    with ExitStack() as stack:
        contenders = _contenders(stack)
        order, chance = list(contenders.values()), random.Random(7)
        for number in range(WARM_UP + ROUNDS):
            chance.shuffle(order)
            for contender in order:
                contender.round(keep=number >= WARM_UP)
    empty = sorted(contenders.pop("").samples)[ROUNDS // 2]
    limits = {"mark with two numbers": 0.5, "mark without metadata": 0.5}
    found = {
        name: measured(name, [sample - empty for sample in contender.samples], "us", at_most=limits.get(name))
        for name, contender in contenders.items()
    }
    plain, numbers = found["mark without metadata"], found["mark with two numbers"]
    span, block = (
        found["OpenTelemetry span, started and ended"],
        found["OpenTelemetry span around a block, two attributes"],
    )
    line = found["lock, open, append, JSON line"]
    return [
        *found.values(),
        ratio("OpenTelemetry span : mark, both without metadata", span, plain, at_least=30),
        ratio("OpenTelemetry span : mark, both with two numbers", block, numbers),
        ratio("lock, open, append, JSON line : mark with two numbers", line, numbers, at_least=10),
    ]


def _contenders(stack: ExitStack) -> dict[str, Contender]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    tracker = Tracker("stt", sink=discard, options=TrackerOptions())
    off = Tracker("stt", options=TrackerOptions(level="off"))
    sampled = Tracker("stt", sink=discard, options=TrackerOptions(level="sampled", sample_rate=0.0))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(NoExporter(), max_queue_size=8192, schedule_delay_millis=60_000))
    spans = provider.get_tracer("benchmark")
    lock = threading.Lock()
    for close in (tracker.close, sampled.close, provider.shutdown):
        stack.callback(close)

    def otel_span_with_numbers() -> None:
        with spans.start_as_current_span("first_audio") as span:
            span.set_attribute("chunks", 3)
            span.set_attribute("bytes", 4096)

    def append_line() -> None:
        now = time.time()
        line = {"timestamp": now, "request_id": REQUEST_ID, "service": "stt", "event": "first_audio"}
        line["metadata"] = {"chunks": 3, "bytes": 4096}
        with lock, (folder / "latency.log").open("a") as file:
            file.write(json.dumps(line) + "\n")

    turn = tracker.turn(request_id=REQUEST_ID, session_id="session")
    six = {"text_chars": 24, "voice": "af_heart", "format": "pcm", "speed": 1.0, "engine": "kokoro", "pieces": 2}
    return {
        "": Contender(lambda: None),
        "mark without metadata": Contender(lambda: tracker.mark("first_audio", REQUEST_ID), tracker.flush),
        "mark with two numbers": Contender(
            lambda: tracker.mark("first_audio", REQUEST_ID, chunks=3, bytes=4096), tracker.flush
        ),
        "mark with two numbers and two texts": Contender(
            lambda: tracker.mark("first_audio", REQUEST_ID, chunks=3, bytes=4096, voice="af_heart", format="pcm"),
            tracker.flush,
        ),
        "mark with six values": Contender(lambda: tracker.mark("first_audio", REQUEST_ID, **six), tracker.flush),
        "mark of a turn, two numbers": Contender(lambda: turn.mark("first_audio", chunks=3, bytes=4096), tracker.flush),
        "mark when the level is off": Contender(lambda: off.mark("first_audio", REQUEST_ID, chunks=3, bytes=4096)),
        "mark of a request that is not sampled": Contender(
            lambda: sampled.mark("first_audio", REQUEST_ID, chunks=3, bytes=4096)
        ),
        "OpenTelemetry span, started and ended": Contender(
            lambda: spans.start_span("first_audio").end(), provider.force_flush
        ),
        "OpenTelemetry span around a block, two attributes": Contender(otel_span_with_numbers, provider.force_flush),
        "lock, open, append, JSON line": Contender(append_line),
    }


def whole_cost() -> list[Figure]:
    """CPU of the whole process per event: the mark, the thread, encoding and writing to the spool."""
    samples: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker("stt", options=TrackerOptions(data=Path(folder)))
        for _ in range(CPU_REPEATS):
            began = time.process_time_ns()
            for number in range(CPU_EVENTS):
                tracker.mark("first_audio", REQUEST_ID, chunks=number, bytes=4096)
                if number % 1000 == 999:
                    tracker.flush()
            samples.append((time.process_time_ns() - began) / CPU_EVENTS / 1000)
        stats = tracker.stats()
        tracker.close()
        lines = sum(path.read_bytes().count(b"\n") for path in Path(folder).rglob("*.jsonl"))
    if stats.dropped or lines != CPU_EVENTS * CPU_REPEATS:
        raise RuntimeError(f"{lines} lines were written, {stats.dropped} dropped: the figure would not be true")
    return [measured(f"CPU per event, all threads, {lines:,} events to the spool", samples, "us", at_most=8)]


def memory() -> list[Figure]:
    """What a tracker holds while its sink hangs and its buffer is full of the worst that finds room."""
    released = threading.Event()

    def hang(_: Batch) -> None:
        released.wait()

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracker = Tracker("stt", sink=hang, options=TrackerOptions())
    for number in range(MAX_MARKS):
        tracker.mark(f"prompt {number}", f"request {number}", text=f"{number:05}" * 1000)  # until the units are gone
    for number in range(2 * MAX_MARKS):
        words = {f"key_{key}": f"{number:06}{key}".ljust(64, "x") for key in range(10)}
        tracker.mark(f"name {number}", f"request {number}", f"session {number}", **words)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    dropped = sum(tracker.stats().dropped.values())
    released.set()
    tracker.close()
    if not dropped:
        raise RuntimeError("the buffer was not full: the figure would not be true")
    return [Figure("memory of a full buffer behind a sink that hangs", held / MIB, "MiB", at_most=8)]
