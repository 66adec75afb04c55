"""Time to first audio over loopback HTTP: our server beside the least that could possibly answer.

The floor is a bare ASGI application on uvicorn and uvloop with espeak-ng inside its own process: it sends
the engine's first block and nothing else. Ours runs twice, with telemetry and without. All three answer the
same sentences in turn, so that whatever else the machine does hits all of them. In between, the one with telemetry
repeats a sentence that its cache has, and begins an article of 3,900 characters, of which only the first audio is read.

One request at a time, over loopback. Let nothing else run: each answer of ours wakes three processes after one
another, and each of them waits when both processors are taken.
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
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.figure import Figure, measured, ratio

# With 600 of each, the medians of two equal servers differed by up to 5 % on a shared machine.
REQUESTS, WARM_UP = 2000, 40
EACH_ARTICLE = 5  # so many sentences between two articles
WORKERS = 2
CACHED, ARTICLE = "telemetry on, cached", "telemetry on, an article"


class Caller:
    """A raw client on one kept connection: it stamps when `recv` returns the first bytes of the body."""

    def __init__(self, port: int) -> None:
        self._port = port
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

    def first_audio_ms(self, text: str, *, to_the_end: bool = True) -> float:
        """Ask, stamp the first audio, read to the end."""
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
    """Short and all different: nothing can be answered from a cache."""
    chance = random.Random(7)
    subjects = ("the river", "my neighbour", "an old clock", "the morning train", "a small dog", "our garden")
    verbs = ("waits for", "looks at", "reminds me of", "runs beside", "listens to", "belongs to")
    return [
        f"{chance.choice(subjects).capitalize()} {chance.choice(verbs)} {chance.choice(subjects)}, number {number}."
        for number in range(count)
    ]


def measure(requests: int, workers: int) -> dict[str, list[float]]:
    """First-audio times in milliseconds of the three servers, over the same sentences, one request at a time."""
    ports = {"floor": free_port(), "telemetry off": free_port(), "telemetry on": free_port()}
    serve = (sys.executable, "-m", "voxtrace", "serve", "--workers", str(workers), "--port")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        floor = (sys.executable, str(Path(__file__).with_name("ttfa_floor.py")), str(ports["floor"]))
        stack.enter_context(process(*floor, port=ports["floor"]))
        for name, level in (("telemetry off", "off"), ("telemetry on", "full")):
            command = (*serve, str(ports[name]), "--data", f"{folder}/{level}")
            stack.enter_context(process(*command, port=ports[name], VOXTRACE_LEVEL=level))
        time.sleep(1)
        callers = {name: Caller(port) for name, port in ports.items()}
        times: dict[str, list[float]] = {name: [] for name in (*callers, CACHED, ARTICLE)}
        order, chance = list(callers), random.Random(11)
        texts = sentences(requests + WARM_UP)
        for number, text in enumerate(texts):
            chance.shuffle(order)  # what one server still does after its answer must not always hit the same other
            for name in order:
                taken = callers[name].first_audio_ms(text)
                if number >= WARM_UP:
                    times[name].append(taken)
            if number >= WARM_UP:
                times[CACHED].append(callers["telemetry on"].first_audio_ms(texts[number % WARM_UP]))
            if number >= WARM_UP and number % EACH_ARTICLE == 0:
                times[ARTICLE].append(callers["telemetry on"].opening_ms(article(text)))
                time.sleep(0.01)  # until the engines have noticed that nobody listens
    return times


def article(opening: str) -> str:
    """Nearly as much text as one request may have, none of it heard before."""
    lines = [opening]
    while sum(map(len, lines)) + len(lines) < 3_900:
        lines.append(f"{opening[:-1]}, and this is sentence {len(lines)} of it.")
    return " ".join(lines)


def run() -> list[Figure]:
    """The medians, their ratios, the tails, and what telemetry costs."""
    times = measure(REQUESTS, WORKERS)
    figures = {name: measured(f"first audio, {name}", samples, "ms") for name, samples in times.items()}
    on, off = figures["telemetry on"], figures["telemetry off"]
    tails = {name: Figure(f"95th percentile, {name}", p95(each), "ms", len(each)) for name, each in times.items()}
    tails["telemetry on"] = replace(tails["telemetry on"], at_most=2)
    return [
        *figures.values(),
        ratio("ours, telemetry on, to the floor", on, figures["floor"], at_most=2.5),
        ratio("a cached sentence to one that is not", figures[CACHED], on, at_most=1),
        ratio("an article to a short sentence", figures[ARTICLE], on, at_most=1.3),
        *tails.values(),
        ratio("telemetry on to telemetry off", on, off, at_least=0.95, at_most=1.05),
    ]


def p95(samples: list[float]) -> float:
    """Nearest rank."""
    return sorted(samples)[-(-len(samples) * 95 // 100) - 1]
