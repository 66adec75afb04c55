"""`voxtrace up` for a journey, on free ports and a fresh folder, and what a user would look at."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.services import Process, command_line, family, free_ports, started, wait_until


@dataclass(frozen=True)
class House:
    """A running `voxtrace up`."""

    process: Process
    data: Path
    port: int
    watch_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def watch_url(self) -> str:
        return f"http://127.0.0.1:{self.watch_port}"

    def voxtrace(self, *arguments: str, code: int = 0) -> str:
        """What a command on this data folder prints; it has to end with `code`."""
        done = subprocess.run(
            [sys.executable, "-m", "voxtrace", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def say(self, text: str, *more: str) -> str:
        """Speak into a file of the data folder."""
        return self.voxtrace("say", text, "--url", self.url, "--out", str(self.data / "said.wav"), *more)

    def speak(self, text: str) -> bytes:
        """The audio that the speech server itself answers with."""
        body = json.dumps({"input": text, "voice": "alloy", "response_format": "wav"}).encode()
        asked = urllib.request.Request(f"{self.url}/v1/audio/speech", body, {"content-type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return bytes(answer.read())

    def json(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.voxtrace(*arguments, "--json"))

    def page(self, path: str) -> Any:
        """The JSON that the dashboard's own pages get."""
        with urllib.request.urlopen(self.watch_url + path, timeout=10) as answer:
            return json.load(answer)

    def measured(self, count: int = 1) -> list[dict[str, Any]]:
        """The newest requests, as soon as `count` of them are complete on both sides and measured."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            found[:] = self.json("requests")
            return sum("value" in each["metrics"].get("ttfa_ms", {}) for each in found) >= count

        wait_until(enough, f"{count} measured requests")
        return found


@contextmanager
def running_house(data: Path, *more: str) -> Iterator[House]:
    """A house that is up; it is gone when the block is left."""
    port, watch_port = free_ports(2)
    command = ("-m", "voxtrace", "up", "--data", str(data), "--port", str(port), "--watch-port", str(watch_port))
    with started(*command, *more) as process:
        process.read_until("now try")
        yield House(process, data, port, watch_port)


def pid_of(house: House, service: str) -> int:
    """The process that runs a service now."""
    (pid,) = [pid for pid in family(house.process.pid) if f"-m voxtrace {service} " in command_line(pid)]
    return pid
