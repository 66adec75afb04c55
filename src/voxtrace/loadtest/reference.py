"""A server that answers on a known schedule and says when it did: what a generator is calibrated against.

It speaks just enough HTTP to be asked for speech. The headers of each answer hold the moments, on the machine's
monotonic clock, at which its request was read and its first audio was written, so the difference to what a
generator on the same machine measures is the generator's own error (and the loopback's).

`python -m voxtrace.loadtest.reference` prints its port and serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from math import pi, sin
from typing import cast

from voxtrace.clock import mono_ns
from voxtrace.loadtest.running import new_loop

FIRST_AUDIO_S = 0.005
CHUNK_S = 0.02  # both between two chunks and of audio in each
CHUNKS = 25
RATE_HZ = 24_000
_SAMPLES = round(RATE_HZ * CHUNK_S)
TONE = array("h", [round(9_000 * sin(2 * pi * 440 * n / RATE_HZ)) for n in range(_SAMPLES)]).tobytes()
CHUNK = b"%x\r\n%s\r\n" % (len(TONE), TONE)
END = b"0\r\n\r\n"


class ReferenceServer(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unread = b""
        self._body_left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        at_ns = mono_ns()
        self._unread += data
        while self._unread:
            if not self._body_left:
                head, blank, rest = self._unread.partition(b"\r\n\r\n")
                if not blank:
                    return
                self._unread, self._body_left = rest, _content_length(head)
            taken = min(self._body_left, len(self._unread))
            self._unread, self._body_left = self._unread[taken:], self._body_left - taken
            if not self._body_left:
                self._loop.call_later(FIRST_AUDIO_S, self._begin, at_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def _begin(self, received_ns: int) -> None:
        if self._transport is None:
            return
        head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n"
        stamps = b"x-reference-received: %d\r\nx-reference-sent: %d\r\n\r\n"
        begun = self._loop.time()
        self._transport.write(head + stamps % (received_ns, mono_ns()) + CHUNK)
        self._loop.call_at(begun + CHUNK_S, self._go_on, begun, 1)

    def _go_on(self, begun: float, number: int) -> None:
        if self._transport is None:
            return
        is_last = number == CHUNKS - 1
        self._transport.write(CHUNK + END if is_last else CHUNK)
        if not is_last:
            self._loop.call_at(begun + (number + 1) * CHUNK_S, self._go_on, begun, number + 1)


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(ReferenceServer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - its whole output, read by its parent
    # Whoever started it holds the other end of this pipe; when that process is gone, so is this one.
    await loop.run_in_executor(None, sys.stdin.buffer.read)


def main() -> None:
    """Serve until standard input closes."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
