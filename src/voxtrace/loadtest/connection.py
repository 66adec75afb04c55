"""Sockets of the generator: each read is stamped first of all, and connections that are free are used again."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol, cast

from voxtrace.client.errors import ConnectionRefused, ConnectTimedOut, SpeechRequestFailed, TlsFailed
from voxtrace.clock import mono_ns
from voxtrace.loadtest.target import Target
from voxtrace.units import NANOS_PER_SECOND

# Servers close connections that are idle (uvicorn after 5 s); asking on one that is just being closed would fail.
MAX_IDLE_NS = 3 * NANOS_PER_SECOND
# A listener in real time must be felt by the server. The kernel's own buffers, some MiB on loopback, would hide it.
REAL_TIME_BUFFER_BYTES = 64 * 1024


class OnConnection(Protocol):
    """Who waits for what a connection brings."""

    def on_data(self, data: bytes, at_ns: int) -> None:
        """One read, at the moment when it returned."""

    def on_lost(self, at_ns: int, why: str) -> None:
        """It was closed; `why` is empty where the server did so in order."""


class Connection(asyncio.Protocol):
    """One connection, for one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._user: OnConnection | None = None
        self.requests = 0
        self.idle_since_ns = 0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, user: OnConnection, request: bytes) -> None:
        """Send a request; `user` gets the answer."""
        self._user = user
        self.requests += 1
        if self._transport is not None:
            self._transport.write(request)

    def let_go(self) -> None:
        """The answer is complete."""
        self._user = None
        self.idle_since_ns = mono_ns()

    def pause(self) -> None:
        """Read nothing for now."""
        if self._transport is not None and self.is_open and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and self.is_open and not self._transport.is_reading():
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once, whatever is still on its way."""
        self._user = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        at_ns = mono_ns()
        if self._user is None:
            self.abort()  # it speaks without being asked
        else:
            self._user.on_data(data, at_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        at_ns = mono_ns()
        user, self._user, self._transport = self._user, None, None
        if user is not None:
            user.on_lost(at_ns, "" if exc is None else (getattr(exc, "strerror", "") or str(exc) or type(exc).__name__))


class Connections:
    """The connections to one target. With `reuse` off each request gets a new one."""

    def __init__(self, target: Target, *, reuse: bool, small_buffer: bool, connect_s: float) -> None:
        self._target, self._reuse, self._small_buffer = target, reuse, small_buffer
        self._connect_s = connect_s
        self._free: list[Connection] = []
        self.opened = 0

    def free(self) -> Connection | None:
        """A connection that can be used now; the one used last is the surest to be open still."""
        while self._free:
            connection = self._free.pop()
            if connection.is_open and mono_ns() - connection.idle_since_ns < MAX_IDLE_NS:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: Connection, *, keeps_open: bool) -> None:
        """Its answer is complete."""
        connection.let_go()
        if self._reuse and keeps_open and connection.is_open:
            self._free.append(connection)
        else:
            connection.abort()

    async def open(self) -> Connection:
        """A new connection.

        Raises:
            SpeechRequestFailed: there is none to be had.
        """
        where = self._target.endpoint.where
        self.opened += 1
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._connect()
        except TimeoutError as why:
            raise ConnectTimedOut(where, self._connect_s) from why
        except OSError as why:
            reason = why.strerror or str(why) or type(why).__name__
            failure: SpeechRequestFailed = ConnectionRefused(where, reason)
            raise (TlsFailed(where, reason) if _is_tls(why) else failure) from why

    async def _connect(self) -> Connection:
        target, loop = self._target, asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._small_buffer:  # before connecting: the window is agreed upon then
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, REAL_TIME_BUFFER_BYTES)
            await loop.sock_connect(plain, (target.address, target.endpoint.port))
        except (OSError, asyncio.CancelledError):
            plain.close()
            raise
        name = target.endpoint.host if target.trust else None
        _, made = await loop.create_connection(Connection, sock=plain, ssl=target.trust, server_hostname=name)
        return made

    def close(self) -> None:
        """Close those that are free."""
        for connection in self._free:
            connection.abort()
        self._free.clear()


def _is_tls(why: OSError) -> bool:
    return type(why).__module__ == "ssl"
