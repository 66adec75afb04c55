"""A client of the live socket: says things, and collects what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 20


@dataclass
class Heard:
    """Everything until the end of an utterance."""

    audio: list[bytes] = field(default_factory=list)
    frames: list[dict] = field(default_factory=list)

    @property
    def sound(self) -> bytes:
        return b"".join(self.audio)

    def of(self, kind: str) -> list[dict]:
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def end(self) -> dict:
        return self.frames[-1]


class LiveClient:
    """One socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, kind: str, **fields: object) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def hear(self, *until: str) -> Heard:
        """Collect until a frame of one of these types, or of an end of any kind."""
        heard = Heard()
        while not heard.frames or heard.frames[-1]["type"] not in (until or ("done", "cancelled", "error", "idle")):
            message = self.socket.recv(PATIENCE_S)
            if isinstance(message, bytes):
                heard.audio.append(message)
            else:
                heard.frames.append(json.loads(message))
        return heard

    def speak(self, *packets: str, **fields: object) -> Heard:
        """One whole utterance."""
        self.say("start", **fields)
        for packet in packets:
            self.say("text", text=packet)
        self.say("end")
        return self.hear()


@contextmanager
def live(port: int, **headers: str) -> Iterator[LiveClient]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"ws://127.0.0.1:{port}/v1/audio/speech/live"
    with connect(url, additional_headers=names, open_timeout=PATIENCE_S) as socket:
        yield LiveClient(socket)
