"""A blocking caller: one socket, one request, every read stamped as it returns."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxtrace.client.errors import (
    AnswerCutShort,
    ConnectionRefused,
    ConnectTimedOut,
    FirstByteTimedOut,
    HostUnknown,
    SpeechRequestFailed,
    StreamStalled,
    TimedOut,
    TlsFailed,
)
from voxtrace.client.exchange import Exchange, Moment, Stamp
from voxtrace.client.request import Endpoint, SpeechRequest
from voxtrace.clock import Clock, SystemClock
from voxtrace.errors import InvalidOption
from voxtrace.tracker import Tracker, outgoing_headers
from voxtrace.units import NANOS_PER_SECOND

if TYPE_CHECKING:
    import ssl

# At most; a read answers with what is there. A caller that waits for a full buffer measures the buffer.
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for what, in seconds."""

    connect_s: float = 5.0
    first_byte_s: float = 60.0  # from the request being sent to the first byte of the body
    stall_s: float = 30.0  # between two reads of the body


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What holds for every request of one caller."""

    timeouts: Timeouts = Timeouts()
    api_key: str = ""
    session_id: str | None = None
    trust: ssl.SSLContext | None = None  # whose certificates are believed; None: those of this machine
    watch: Callable[[str, Moment], None] | None = None  # is told each request id and moment, beside the tracker


class Caller:
    """Asks one speech server for speech and marks what it sees, as service `client`."""

    def __init__(
        self, endpoint: Endpoint, tracker: Tracker, options: CallOptions | None = None, clock: Clock | None = None
    ) -> None:
        self._endpoint, self._tracker = endpoint, tracker
        self._options = options or CallOptions()
        self._clock = clock or SystemClock()
        self._tls = self._options.trust
        if endpoint.secure and self._tls is None:
            # Reading the machine's certificates takes some 20 ms that belong to no request.
            import ssl

            self._tls = ssl.create_default_context()

    def speak(self, request: SpeechRequest, request_id: str, listen: Callable[[Exchange, bytes], None]) -> Exchange:
        """Ask and hand every piece of the body to `listen` as it comes, in this thread.

        Whatever goes wrong, REQUEST_COMPLETE is marked with its outcome, and what came before was handed over.
        An exception out of `listen` ends the request as cancelled and is passed on.

        Raises:
            SpeechRequestFailed: one class per cause.
            InvalidOption: the request id or the key can't stand in a header.
        """
        exchange = Exchange(self._endpoint, request, self._headers(request_id))

        def mark(moments: Iterable[Moment]) -> None:
            for moment in moments:
                if self._options.watch:
                    self._options.watch(request_id, moment)
                self._tracker.mark_at(moment.name, moment.at, request_id, self._options.session_id, **moment.metadata)

        failure, complete = None, False
        request_bytes = exchange.outgoing()
        start = exchange.start(self._now())
        try:
            try:
                connection = self._connect()
                connected = self._clock.mono_ns()
                self._send(connection, request_bytes)
                now = self._now()
                # The server may have the request before a long one is written: for clocks, it left at the beginning.
                sent = Moment("REQUEST_SENT", now, {"writing_ns": now.mono_ns - connected})
            finally:
                # Not earlier: the first mark of a process starts a thread, and that takes as long as connecting.
                mark([start])
            with connection:
                mark([sent])
                self._listen(connection, exchange, mark, listen)
            complete = True
        except SpeechRequestFailed as why:
            failure = why
            raise
        finally:
            # Neither complete nor failed: whoever listens has left, by Ctrl-C, a full disk or a closed pipe.
            mark(exchange.ending(self._now(), failure, cancelled=not complete and failure is None))
        return exchange

    def _listen(
        self,
        connection: socket.socket,
        exchange: Exchange,
        mark: Callable[[Iterable[Moment]], None],
        listen: Callable[[Exchange, bytes], None],
    ) -> None:
        deadline = self._clock.mono_ns() + int(self._options.timeouts.first_byte_s * NANOS_PER_SECOND)
        while not exchange.done:
            data = self._read(connection, exchange, deadline)
            at = self._now()
            try:
                mark(exchange.receive(data, at))
            finally:
                if body := exchange.take_body():
                    listen(exchange, body)

    def _read(self, connection: socket.socket, exchange: Exchange, deadline_ns: int) -> bytes:
        times = self._options.timeouts
        if exchange.body_bytes:
            wait_s = times.stall_s
        else:
            # One deadline for all reads before the body: a server that drips headers must not move it.
            wait_s = max((deadline_ns - self._clock.mono_ns()) / NANOS_PER_SECOND, 0.001)
        connection.settimeout(wait_s)
        try:
            return connection.recv(READ_BYTES)
        except TimeoutError as why:
            late: type[TimedOut] = StreamStalled if exchange.body_bytes else FirstByteTimedOut
            limit_s = times.stall_s if exchange.body_bytes else times.first_byte_s
            raise late(self._endpoint.where, limit_s) from why
        except OSError as why:
            raise AnswerCutShort(self._endpoint.where, exchange.body_bytes, _reason(why)) from why

    def _connect(self) -> socket.socket:
        endpoint, wait_s = self._endpoint, self._options.timeouts.connect_s
        try:
            # As bytes: a text would first load Python's tables for international names, within the measured time.
            address = (endpoint.host.encode("ascii"), endpoint.port)
            plain = socket.create_connection(address, wait_s)  # type: ignore[arg-type]  # bytes are taken too
        except socket.gaierror as why:
            raise HostUnknown(endpoint.host, _reason(why)) from why
        except TimeoutError as why:
            raise ConnectTimedOut(endpoint.where, wait_s) from why
        except OSError as why:
            raise ConnectionRefused(endpoint.where, _reason(why)) from why
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return plain
        try:
            return self._tls.wrap_socket(plain, server_hostname=endpoint.host)
        except TimeoutError as why:
            plain.close()
            raise ConnectTimedOut(endpoint.where, wait_s) from why
        except OSError as why:
            plain.close()
            raise TlsFailed(endpoint.where, _reason(why)) from why

    def _send(self, connection: socket.socket, request: bytes) -> None:
        connection.settimeout(self._options.timeouts.first_byte_s)
        try:
            connection.sendall(request)
        except TimeoutError as why:
            connection.close()
            raise FirstByteTimedOut(self._endpoint.where, self._options.timeouts.first_byte_s) from why
        except OSError:
            pass  # a server may answer and close before it has read everything: its answer says why

    def _headers(self, request_id: str) -> dict[str, str]:
        headers = outgoing_headers(request_id)
        if not headers:
            raise InvalidOption("request-id", request_id, "must be 1 to 128 letters, digits or one of . _ : -")
        key = self._options.api_key
        if key:
            if not key.isascii() or not key.isprintable():
                raise InvalidOption("api-key", "…", "must be printable ASCII")
            headers["Authorization"] = f"Bearer {key}"
        return headers

    def _now(self) -> Stamp:
        return Stamp(self._clock.mono_ns(), self._clock.wall_ns())


def _reason(why: OSError) -> str:
    """The system's words without its numbers."""
    message = getattr(why, "verify_message", "") or why.strerror or str(why)
    return message.lower() if message.isupper() else message
