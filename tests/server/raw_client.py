"""A client made of one socket: it can leave, dawdle or never read, which libraries do not do."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """A whole answer, or what there was of it."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_complete: bool

    @property
    def error(self) -> dict[str, object]:
        return json.loads(self.body)["error"]


def request_bytes(body: bytes, path: str = "/v1/audio/speech", **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def open_request(port: int, request: bytes, receive_buffer: int | None = None) -> socket.socket:
    """Send a request and read nothing."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    connection.sendall(request)
    return connection


def open_speech(port: int, request_id: str = "", receive_buffer: int | None = None, **fields: object) -> socket.socket:
    """Ask for speech and read nothing."""
    record = {"input": "Hello world", "response_format": "pcm", **fields}
    headers = {"x_request_id": request_id} if request_id else {}
    return open_request(port, request_bytes(json.dumps(record).encode(), **headers), receive_buffer)


def read_head(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers, and what came of the body with them."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the connection was closed before there were headers")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, rest


def read_answer(connection: socket.socket) -> Answer:
    """Read to the end of the answer or of the connection."""
    with connection:
        status, headers, body = read_head(connection)
        if "content-length" in headers:
            while len(body) < int(headers["content-length"]) and (more := connection.recv(65536)):
                body += more
            return Answer(status, headers, body, len(body) == int(headers["content-length"]))
        while not body.endswith(b"0\r\n\r\n") and (more := connection.recv(1 << 20)):
            body += more
    return Answer(status, headers, *unchunk(body))


def unchunk(body: bytes) -> tuple[bytes, bool]:
    """The content of a chunked body, and whether its last chunk is there."""
    content, position = bytearray(), 0
    while (end := body.find(b"\r\n", position)) >= 0:
        size = int(body[position:end], 16)
        if size == 0:
            return bytes(content), True
        content += body[end + 2 : end + 2 + size]
        position = end + 2 + size + 2
    return bytes(content), False


def speak(port: int, request_id: str = "", **fields: object) -> Answer:
    """Ask for speech and read the whole answer."""
    return read_answer(open_speech(port, request_id, **fields))


def accepts(port: int) -> bool:
    """Whether anybody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
