"""Clients that connect and say nothing: each holds a file of the process, and there are only so many."""

from __future__ import annotations

import asyncio
import resource
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# More than anybody's listeners, and few enough that who holds them all can't fill the memory.
FILES_WANTED = 65_536


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which waits for ever for a first request, and for the rest of one that has begun."""

    headers_within_s: ClassVar[float] = 10.0

    _silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def on_message_begin(self) -> None:
        """The first byte of a request is there: now the rest of its head has to come."""
        super().on_message_begin()
        if self._silence is None:
            self._wait_for_headers()

    def on_headers_complete(self) -> None:
        """The head is whole; for bodies and answers others have time-outs."""
        self._end_of_silence()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._end_of_silence()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._silence = self.loop.call_later(self.headers_within_s, self._give_up)

    def _end_of_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _give_up(self) -> None:
        self._silence = None
        self.transport.close()


def raise_file_limit() -> None:
    """Allow this process the files that its user may have; many systems begin with 1,024 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
