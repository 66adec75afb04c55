"""Time to first audio over loopback HTTP: our server beside the least that could possibly answer.

The floor is a bare ASGI application on uvicorn and uvloop with espeak-ng inside its own process: it sends
the engine's first block and nothing else. Ours runs twice, with telemetry and without. All three answer the
same sentences in turn, so that whatever else the machine does hits all of them.

    python -m benchmarks.ttfa [--requests 600] [--workers 2]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

WARM_UP = 40
TARGET_RATIO, TARGET_P95_MS, TARGET_TELEMETRY = 3.0, 2.0, 0.05


class Caller:
    """A raw client on one kept connection: it stamps when `recv` returns the first bytes of the body."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def first_audio_ms(self, text: str) -> float:
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


def quantile(samples: list[float], per_mille: int) -> float:
    """Nearest rank."""
    return sorted(samples)[max(-(-len(samples) * per_mille // 1000), 1) - 1]


def measure(requests: int, workers: int) -> dict[str, list[float]]:
    """First-audio times in milliseconds of the three servers, over the same sentences, one request at a time."""
    ports = {"floor": free_port(), "telemetry off": free_port(), "telemetry on": free_port()}
    serve = (sys.executable, "-m", "voxtrace", "serve", "--workers", str(workers), "--port")
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        floor = (sys.executable, str(Path(__file__).with_name("ttfa_floor.py")), str(ports["floor"]))
        stack.enter_context(process(*floor, port=ports["floor"]))
        for name, level in (("telemetry off", "off"), ("telemetry on", "full")):
            command = (*serve, str(ports[name]), "--data", f"{folder}/{level}")
            stack.enter_context(process(*command, port=ports[name], VOXTRACE_LEVEL=level))
        time.sleep(1)
        callers = {name: Caller(port) for name, port in ports.items()}
        times: dict[str, list[float]] = {name: [] for name in callers}
        order = list(callers)
        for number, text in enumerate(sentences(requests + WARM_UP)):
            order = order[1:] + order[:1]  # nobody is always behind the same neighbour
            for name in order:
                taken = callers[name].first_audio_ms(text)
                if number >= WARM_UP:
                    times[name].append(taken)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    times = measure(args.requests, args.workers)
    print(f"time to first audio, one request at a time over loopback, n = {args.requests} each")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {args.workers} workers")
    print(f"{'':<16}{'p50 ms':>9}{'p95 ms':>9}{'p50 / floor':>13}")
    floor = quantile(times["floor"], 500)
    for name, samples in times.items():
        p50, p95 = quantile(samples, 500), quantile(samples, 950)
        print(f"{name:<16}{p50:>9.3f}{p95:>9.3f}{p50 / floor:>13.2f}")
    ours, without = times["telemetry on"], times["telemetry off"]
    cost = quantile(ours, 500) / quantile(without, 500) - 1
    print(f"telemetry changes p50 by {cost:+.1%}")
    passed = (
        quantile(ours, 500) <= TARGET_RATIO * floor
        and quantile(ours, 950) <= TARGET_P95_MS
        and abs(cost) < TARGET_TELEMETRY
    )
    print(
        f"{'pass' if passed else 'FAIL'}: p50 <= {TARGET_RATIO:g}x floor, p95 <= {TARGET_P95_MS:g} ms, telemetry < 5 %"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
