"""A speech server as a process of its own, on any free port, with espeak-ng or with an engine that fails on request."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxtrace import clock
from voxtrace.events import Event
from voxtrace.events.codec import decode

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Serving:
    """What a test sees of it from outside."""

    port: int
    process: subprocess.Popen[str]
    data: Path
    wyoming_port: int = 0

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def status(self) -> Any:
        return self.get("/status")

    def events(self, request_id: str, until: str = "REQUEST_COMPLETE") -> list[Event]:
        """All events of a request, once the one named `until` is there."""

        def found() -> list[Event]:
            lines = [line for spool in self.data.glob("spool/*.jsonl") for line in spool.read_bytes().splitlines()]
            events = [event for line in lines if isinstance(event := decode(line), Event)]
            return [event for event in events if event.request_id == request_id]

        wait_until(lambda: any(event.name == until for event in found()), f"{until} of {request_id}")
        return found()

    def end_of(self, request_id: str) -> dict[str, object]:
        """The metadata of the request's last event."""
        return dict(next(each for each in self.events(request_id) if each.name == "REQUEST_COMPLETE").metadata)

    def text(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read(), "utf-8")

    def resident_mib(self) -> float:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(
    data: Path,
    *,
    faults: dict[str, object] | None = None,
    cache_bytes: int = 0,
    drain_s: int = 5,
    live: dict[str, object] | None = None,
    wyoming: bool = False,
    normalise: bool = True,
    models: dict[str, dict[str, object]] | None = None,
    hedge: dict[str, object] | None = None,
    redis: str = "",
    file_bytes: int | None = None,
    **pool: object,
) -> Iterator[Serving]:
    """Start it, wait until it is ready, and stop it with SIGTERM.

    Args:
        data: its data folder.
        faults: fields of `Faults`; None for espeak-ng.
        cache_bytes: speech that is kept, also on the disk; 0: none, so that a test meets the engine.
        drain_s: for answers under way when it is stopped.
        live: fields of `LiveLimits`.
        wyoming: whether it speaks Wyoming, on any free port.
        normalise: whether it reads numbers and signs as words unless a request says otherwise.
        models: by name, fields of the `Faults` of an engine that is asked for by it.
        hedge: `hedge` and `hedge_after_ms` of `ServeOptions`.
        redis: URL of the cache that it shares with others.
        file_bytes: no file may become longer: what a full disk says to who writes.
        pool: fields of `PoolOptions`.
    """
    given = {"data": str(data), "faults": faults, "cache_bytes": cache_bytes, "drain_s": drain_s}
    given |= {"live": live or {}, "wyoming": wyoming, "redis": redis, "file_bytes": file_bytes, "pool": pool}
    given |= {"models": models or {}, "hedge": hedge or {}, "normalise": normalise}
    options = json.dumps(given)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server.serving", options],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready, "the server ended before it was ready"
        port, _, wyoming_port = ready.partition(" ")
        yield Serving(int(port), process, data, int(wyoming_port or 0))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@contextmanager
def serving_models(data: Path, *flags: str) -> Iterator[Serving]:
    """`voxtrace serve` with the voice models that are in the data folder, as a user starts it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "voxtrace", "serve", "--data", str(data), "--port", str(port), *flags],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "models: " in process.stdout.readline()
        yield Serving(port, process, data)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def wait_until(seen: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does; how long it takes is judged by nobody."""
    deadline = clock.mono_ns() + int(PATIENCE_S * 1e9)
    while not seen():
        assert clock.mono_ns() < deadline, f"waited {PATIENCE_S:g} s for {what}"
        clock.sleep(0.02)


def main() -> None:
    """The server's own process."""
    from voxtrace.cli.front_door import FrontDoor
    from voxtrace.server.live import LiveLimits
    from voxtrace.server.run import ServeOptions, serve
    from voxtrace.speech.cache.memory import CacheLimits
    from voxtrace.speech.engine_process import EngineChoice
    from voxtrace.speech.pool import PoolOptions
    from voxtrace.testing.faulty_engine import FAULTY_ENGINE
    from voxtrace.tracker import Tracker, TrackerOptions

    given = json.loads(sys.argv[1])
    if given["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (given["file_bytes"],) * 2)
    engine = EngineChoice() if given["faults"] is None else EngineChoice(FAULTY_ENGINE, given["faults"])
    tracker = Tracker("server", options=TrackerOptions(data=Path(given["data"]), max_age_ms=20))
    options = ServeOptions(
        port=0,
        drain_s=given["drain_s"],
        pool=PoolOptions(engine=engine, **given["pool"]),
        cache=CacheLimits(max_bytes=given["cache_bytes"]),
        cache_folder=Path(given["data"]) / "cache",
        cache_redis=given["redis"],
        live=LiveLimits(**given["live"]),
        models={
            name: PoolOptions(engine=EngineChoice(FAULTY_ENGINE, faults), workers=1)
            for name, faults in given["models"].items()
        },
        **given["hedge"],
        wyoming_port=0 if given["wyoming"] else None,
        normalise=given["normalise"],
    )
    serve(options, tracker, FrontDoor, lambda running: print(running.port, running.wyoming_port or 0, flush=True))
    tracker.close()


if __name__ == "__main__":
    main()
