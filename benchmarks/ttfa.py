"""Time to first audio over loopback HTTP: our server beside the least that could possibly answer.

The floor is a bare ASGI application on uvicorn and uvloop with espeak-ng inside its own process: it sends
the engine's first block and nothing else. Ours runs twice, with telemetry and without. All three answer the
same sentences in turn, so that whatever else the machine does hits all of them. In between, both of ours repeat a
sentence that their cache has, and begin an article of 3,900 characters, of which only the first audio is read.

One request at a time, over loopback. Let nothing else run: each answer of ours wakes three processes after one
another, and each of them waits when both processors are taken. Where the time went is read from the events of the
server with telemetry; its clock is the client's, for it is one machine.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from benchmarks.figure import Figure, measured, ratio
from voxtrace.loadtest.texts import run_word, text_of

# With 600 of each, the medians of two equal servers differed by up to 5 % on a shared machine.
REQUESTS, WARM_UP = 2000, 40
EACH_ARTICLE = 5  # so many sentences between two articles
WORKERS = 2
ON, OFF, CACHED, ARTICLE = "telemetry on", "telemetry off", "telemetry on, cached", "telemetry on, an article"
MISS, HIT = b"miss", b"hit"
STEPS = (
    ("from the client to the server", "REQUEST_RECEIVED"),
    ("reading the request", "PROCESSING_START"),
    ("the first piece of its text", "QUEUE_START"),
    ("waiting for an engine", "INFERENCE_START"),
    ("to the engine, the first block, and back", "FIRST_CHUNK_GENERATED"),
    ("encoding", "FIRST_CHUNK_ENCODED"),
    ("the answer's head", "FIRST_CHUNK_SENT"),
)
LAST_STEP = "from the server to the client"
TAIL = 0.05


class Caller:
    """A raw client on one kept connection: it stamps when `recv` returns the first bytes of the body."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.began_ns = self.first_ns = 0  # of the last answer
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def opening_ms(self, text: str) -> float:
        """Ask on a connection of its own that is open already, stamp the first audio, and leave."""
        kept = self._socket
        self._connect()
        self._socket.sendall(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        while not self._socket.recv(1 << 16).endswith(b"}"):
            pass
        try:
            return self.first_audio_ms(text, to_the_end=False)
        finally:
            self._socket.close()
            self._socket = kept

    def first_audio_ms(self, text: str, *, to_the_end: bool = True, cache: bytes = b"") -> float:
        """Ask, stamp the first audio, read to the end. The answer must have been `cache`: `HIT` or `MISS`."""
        body = json.dumps({"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}).encode()
        head = b"POST /v1/audio/speech HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        request = head + b"content-length: %d\r\n\r\n" % len(body) + body
        began = time.perf_counter_ns()
        self._socket.sendall(request)
        answer, first = b"", 0
        while not answer.endswith(b"0\r\n\r\n"):
            answer += self._socket.recv(1 << 20)
            if not first and len(answer) > answer.find(b"\r\n\r\n") + 4 > 4:
                first = time.perf_counter_ns()
                if not to_the_end:
                    break
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the server answered {answer[:300]!r}")
        if cache and b"x-voxtrace-cache: " + cache + b"\r\n" not in answer[: answer.find(b"\r\n\r\n") + 2]:
            raise SystemExit(f"this was no {cache.decode()}: {text!r} {answer[:600]!r}")
        self.began_ns, self.first_ns = began, first
        return (first - began) / 1e6


@contextmanager
def process(*command: str, port: int, **environ: str):
    child = subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and child.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise SystemExit(f"{' '.join(command)} did not start")
        yield child
    finally:
        child.terminate()
        child.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sentences(count: int) -> list[str]:
    """Short and all different, from the first word on: caches keep first pieces too, so openings must differ."""
    run = run_word(random.Random(7))
    return [text_of("short", 7, number, run) for number in range(count)]


@dataclass(slots=True)
class Measured:
    """First-audio times in milliseconds by server and kind of text, and where those of the one with telemetry went."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    steps: list[dict[str, float]] = field(default_factory=list)  # ms of each, of one request


def measure(requests: int, workers: int) -> Measured:
    """The same sentences to the three servers, one request at a time."""
    ports = {"floor": free_port(), OFF: free_port(), ON: free_port()}
    serve = (sys.executable, "-m", "voxtrace", "serve", "--workers", str(workers), "--port")
    found, asked = Measured(), []
    with tempfile.TemporaryDirectory() as folder:
        with ExitStack() as stack:
            floor = (sys.executable, str(Path(__file__).with_name("ttfa_floor.py")), str(ports["floor"]))
            stack.enter_context(process(*floor, port=ports["floor"]))
            for name, level in ((OFF, "off"), (ON, "full")):
                command = (*serve, str(ports[name]), "--data", f"{folder}/{level}")
                stack.enter_context(process(*command, port=ports[name], VOXTRACE_LEVEL=level))
            time.sleep(1)
            callers = {name: Caller(port) for name, port in ports.items()}
            order, chance = list(callers), random.Random(11)
            texts = sentences(requests + WARM_UP)
            for number, text in enumerate(texts):
                chance.shuffle(order)  # what one server still does after its answer must not always hit the same other
                for name in order:
                    taken = callers[name].first_audio_ms(text, cache=MISS if name != "floor" else b"")
                    if number >= WARM_UP:
                        found.times[name].append(taken)
                if number >= WARM_UP:
                    asked.append((callers[ON].began_ns, callers[ON].first_ns))
                    _ask_the_rest(found, callers, number, texts)
        found.steps = list(_steps(Path(folder, "full", "spool"), asked))
    return found


def _ask_the_rest(found: Measured, callers: dict[str, Caller], number: int, texts: list[str]) -> None:
    # Both are asked: a server that answers more often has warmer caches, and would look faster.
    for name in (ON, OFF):
        cached = callers[name].first_audio_ms(texts[number % WARM_UP], cache=HIT)
        article_ms = callers[name].opening_ms(article(texts[number])) if number % EACH_ARTICLE == 0 else None
        if name == ON:
            found.times[CACHED].append(cached)
            if article_ms is not None:
                found.times[ARTICLE].append(article_ms)
    if number % EACH_ARTICLE == 0:
        time.sleep(0.01)  # until the engines have noticed that nobody listens


def _steps(spool: Path, asked: list[tuple[int, int]]) -> Iterator[dict[str, float]]:
    """Milliseconds of each step of the requests that the client began and had first audio of at these times."""
    received: dict[str, dict[str, int]] = defaultdict(dict)
    for file in spool.glob("*.jsonl"):
        for line in file.read_text("utf-8").splitlines():
            event = json.loads(line)
            received[event["request_id"]].setdefault(event["event"], event["mono_ns"])
    by_time = sorted((events for events in received.values() if "REQUEST_RECEIVED" in events), key=_received)
    for began, first in asked:
        at = bisect_left(by_time, began, key=_received)
        events = by_time[at] if at < len(by_time) else {}
        times = [began, *(events.get(name, 0) for _, name in STEPS), first]
        if all(one <= next_one for one, next_one in pairwise(times)):
            names = (*(name for name, _ in STEPS), LAST_STEP)
            yield {name: (end - start) / 1e6 for name, (start, end) in zip(names, pairwise(times), strict=True)}


def _received(events: dict[str, int]) -> int:
    return events["REQUEST_RECEIVED"]


def article(opening: str) -> str:
    """Nearly as much text as one request may have, none of it heard before."""
    lines = [opening]
    while sum(map(len, lines)) + len(lines) < 3_900:
        lines.append(f"{opening[:-1]}, and this is sentence {len(lines)} of it.")
    return " ".join(lines)


def run() -> list[Figure]:
    """The medians, their ratios, the tails, where the time of both went, and what telemetry costs."""
    found = measure(REQUESTS, WORKERS)
    names = ("floor", OFF, ON, CACHED, ARTICLE)
    figures = {name: measured(f"first audio, {name}", found.times[name], "ms") for name in names}
    tails = {
        name: Figure(f"95th percentile, {name}", p95(found.times[name]), "ms", len(found.times[name])) for name in names
    }
    tails[ON] = replace(tails[ON], at_most=2)
    return [
        *figures.values(),
        ratio("ours, telemetry on, to the floor", figures[ON], figures["floor"], at_most=2.5),
        ratio("a cached sentence to one that is not", figures[CACHED], figures[ON], at_most=1),
        ratio("an article to a short sentence", figures[ARTICLE], figures[ON], at_most=1.3),
        *tails.values(),
        ratio("95th percentile, telemetry on, to the floor's", tails[ON], tails["floor"]),
        ratio("telemetry on to telemetry off", figures[ON], figures[OFF], at_least=0.95, at_most=1.05),
        *_where(found.steps),
    ]


def _where(steps: list[dict[str, float]]) -> Iterator[Figure]:
    """Each step in the middle, and what more it took in the slowest requests: there, means add up."""
    slowest = sorted(steps, key=lambda step: sum(step.values()))[-round(TAIL * len(steps)) :]
    for name in steps[0]:
        yield measured(f"of it: {name}", [step[name] for step in steps], "ms")
    for name in steps[0]:
        more = mean(step[name] for step in slowest) - median(step[name] for step in steps)
        yield Figure(f"more of it in the slowest {TAIL:.0%}: {name}", more, "ms", len(slowest))


def p95(samples: list[float]) -> float:
    """Nearest rank."""
    return sorted(samples)[-(-len(samples) * 95 // 100) - 1]
