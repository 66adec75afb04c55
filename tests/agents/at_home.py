"""For scripts that run in the environment of the voice-agent frameworks: one task in, one result out, nobody else."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

HERE = ("127.0.0.1", "localhost", "::1")


def stay_at_home(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: the frameworks know many services by name, and a test must reach none of them."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in HERE:
        raise RuntimeError(f"a test wants to connect to {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in (None, *HERE):
        raise RuntimeError(f"a test wants to look up {arguments[0]}")


def run(do: Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]]) -> None:
    """Read the task from the command line, and print the result as the last line."""
    sys.addaudithook(stay_at_home)
    result = asyncio.run(do(json.loads(sys.argv[1])))  # type: ignore[arg-type]
    print(json.dumps(result))
