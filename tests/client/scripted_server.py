"""The far end of the wire: a loopback server that answers exactly what a test wrote down."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence

CLOSE = "close"  # orderly, in the middle of whatever was being said
RESET = "reset"
Step = bytes | str | Callable[[], object]

GIVES_UP_S = 30
TLS_HANDSHAKE = b"\x16"


class ScriptedServer:
    """Answers one connection after another, each with the same script.

    A step is bytes to send, CLOSE, RESET, or something to call, such as the `wait` of an event: that is how a
    test decides what the client has seen before more comes, without looking at a clock.
    """

    def __init__(self, *script: Step, wrap: Callable[[socket.socket], socket.socket] | None = None) -> None:
        self._script: Sequence[Step] = script
        self._wrap = wrap
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(GIVES_UP_S)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(GIVES_UP_S)
            with connection:
                try:
                    with self._wrap(connection) if self._wrap else connection as spoken:
                        self.requests.append(_read_request(spoken))
                        self._answer(spoken)
                except OSError:
                    pass  # the client left, or wants no TLS of ours

    def _answer(self, connection: socket.socket) -> None:
        for step in self._script:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif step == CLOSE:
                return
            elif step == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif callable(step):
                step()


def _read_request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read and read[:1] != TLS_HANDSHAKE:
        more = connection.recv(65536)
        if not more:
            return read
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body
