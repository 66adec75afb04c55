"""Real processes for journeys: free ports, small stand-ins for a service, and a look at what still runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from voxtrace import clock

PATIENCE_S = 30.0

# Answers /health, and does what the paths are named after.
SMALL_SERVICE = """
import http.server, os, sys
from voxtrace.cli.lifeline import follow_supervisor

class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(7)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_):
        pass

follow_supervisor()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
"""


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now; held together until all are known, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def wait_until(seen: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does; how long it takes is judged by nobody.

    Raises:
        AssertionError: it never happened.
    """
    deadline = clock.mono_ns() + int(PATIENCE_S * 1e9)
    while not seen():
        if clock.mono_ns() > deadline:
            raise AssertionError(f"waited {PATIENCE_S:g} s for {what}")
        clock.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs; one that ended and was not waited for counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Process:
    """A started program, its output read line by line."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        )
        self.pid = self._child.pid
        self.seen: list[str] = []

    def read_until(self, words: str) -> str:
        """The first line that holds `words`; what stood before it is kept in `seen`."""
        for line in self._output:
            self.seen.append(line.rstrip("\n"))
            if words in line:
                return self.seen[-1]
        raise AssertionError(f"ended without saying {words!r}; it said:\n" + "\n".join(self.seen))

    @property
    def _output(self) -> IO[str]:
        assert self._child.stdout is not None
        return self._child.stdout

    def signal(self, signum: int) -> None:
        self._child.send_signal(signum)

    def ended(self) -> int:
        """Wait for the end and answer with the exit code."""
        self.seen += self._output.read().splitlines()
        return self._child.wait()

    def close(self) -> None:
        """End it if it still runs, and wait for it."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._output.close()


@contextmanager
def started(*command: str, **environment: str) -> Iterator[Process]:
    """A process that is gone when the block is left, whatever happened in it."""
    process = Process(*command, **environment)
    try:
        yield process
    finally:
        process.close()


def family(pid: int) -> list[int]:
    """A process's children, their children, and so on."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # ended while we looked
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def command_line(pid: int) -> str:
    """What a process was started with."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""
