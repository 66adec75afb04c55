"""uvicorn, telling when it listens, and stopping in our order: the door, idle clients, sockets, answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from voxtrace.clock import mono_ns
from voxtrace.server.farewell import LOOK_EVERY_S, Farewell
from voxtrace.units import NANOS_PER_SECOND

# For clients of sockets to answer that theirs is closed. Who hangs up earlier can take away what they have not read.
CLOSED_WITHIN_S = 1.0
LEAST_S = 0.1  # uvicorn takes no answer for one that came in time with less


class UvicornServer(uvicorn.Server):
    """uvicorn closes every WebSocket at once; here each is let go as `Farewell` has it."""

    def __init__(self, config: uvicorn.Config, farewell: Farewell, drain_s: float) -> None:
        super().__init__(config)
        self._farewell, self._drain_s = farewell, drain_s
        self.when_started: Callable[[], None] = lambda: None
        self.when_stopping: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody in any more, and let everybody who is here end what is under way, for `drain_s` seconds."""
        began = mono_ns()
        self._farewell.begin()
        self.when_stopping()
        for door in (*self.servers, *(sockets or ())):
            door.close()
        for connection in self._connections(are_live=False):
            connection.shutdown()
        await self._farewell.say(self._drain_s, lambda: self.force_exit)
        await self._closed()
        left_s = self._drain_s - (mono_ns() - began) / NANOS_PER_SECOND
        self.config.timeout_graceful_shutdown = max(LEAST_S, left_s)  # type: ignore[assignment]  # for asyncio.wait_for
        await super().shutdown(sockets)

    async def _closed(self) -> None:
        until = mono_ns() + CLOSED_WITHIN_S * NANOS_PER_SECOND
        while self._connections(are_live=True) and mono_ns() < until and not self.force_exit:
            await asyncio.sleep(LOOK_EVERY_S / 10)

    def _connections(self, *, are_live: bool) -> list[Any]:
        """Those of WebSockets that were let in, or all others."""
        return [
            each
            for each in self.server_state.connections
            if are_live == (isinstance(each, WebSocketsSansIOProtocol) and each.handshake_complete)
        ]
