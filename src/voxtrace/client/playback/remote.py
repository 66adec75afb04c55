"""Plays a recording through the player daemon while it grows, and brings back when it was heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

from voxtrace.audio.wav import SampleFormat
from voxtrace.client.player import PlayingFailed, plain_samples
from voxtrace.client.recording import Recording
from voxtrace.events import Event

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

OPEN_S = 3.0
WAIT_S = 0.1  # between looks at whether the listener wants no more
SAMPLE_BYTES = 2


class RemotePlayer:
    """A `Play`. Each answer of the recording is a request of its own, under its own id."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.device = ""
        self.events: list[Event] = []  # what the player noted, of all requests
        self._open: set[str] = set()  # requests of which it has not told the end
        self._held = False  # it asked to wait with more
        self._problem = ""
        self._player: ClientConnection | None = None
        self._stop = threading.Event()
        self._leaving = ExitStack()

    def connect(self) -> bool:
        """Be connected before there is any sound: afterwards it would be waited for. Answers whether it worked."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        try:
            # No proxy: the player is on this machine or next to it. No compression: it would cost time at both ends.
            opening = connect(self.url, open_timeout=OPEN_S, proxy=None, compression=None)
            self._player = self._leaving.enter_context(opening)
        except (OSError, WebSocketException, ValueError) as why:
            self._problem = str(why) or type(why).__name__
        return self._player is not None

    def __call__(self, recording: Recording, stop: threading.Event) -> None:
        """Play to the last sample.

        Raises:
            PlayingFailed: the player is not there, or did not play everything.
        """
        self._stop = stop
        blocks = plain_samples(recording, stop)
        first = next(blocks, b"")
        if not first:
            return
        if recording.samples is None:
            raise PlayingFailed(self.url, f"{recording.format} is not made of plain samples; ask for wav")
        if self._player is None:
            raise PlayingFailed(self.url, self._problem)
        from websockets.exceptions import WebSocketException

        try:
            self._send_all(self._player, recording, chain([first], blocks))
            self._player.send(json.dumps({"type": "stop" if stop.is_set() else "end_stream"}))
            while self._open and not stop.is_set():
                self._listen(self._player, WAIT_S)
            if stop.is_set():
                self._player.send(json.dumps({"type": "stop"}))
        except (OSError, WebSocketException, ValueError, KeyError) as why:
            raise PlayingFailed(self.url, str(why) or type(why).__name__) from why
        if self._problem and not stop.is_set():
            raise PlayingFailed(self.url, self._problem)

    def close(self) -> None:
        """Leave; the player plays what it has."""
        self._leaving.close()

    def _send_all(self, player: ClientConnection, recording: Recording, blocks: Iterable[bytes]) -> None:
        """The samples, cut where another answer begins."""
        samples = recording.samples or SampleFormat(0)
        frame_bytes = SAMPLE_BYTES * samples.channels
        sent = begun = 0
        for block in blocks:
            left = block
            while left:
                while begun < len(recording.answers) and recording.answers[begun][0] <= sent:
                    self._begin(player, recording.answers[begun][1], samples)
                    begun += 1
                until = recording.answers[begun][0] if begun < len(recording.answers) else None
                piece = left if until is None else left[: (until - sent) * frame_bytes]
                player.send(piece)
                sent += len(piece) // frame_bytes
                left = left[len(piece) :]
                self._listen(player, 0)

    def _begin(self, player: ClientConnection, request_id: str, samples: SampleFormat) -> None:
        """Further samples are of this request."""
        facts = {"sample_rate": samples.rate_hz, "channels": samples.channels, "width": SAMPLE_BYTES}
        player.send(json.dumps({"type": "start", "request_id": request_id, **facts}))
        self._open.add(request_id)

    def _listen(self, player: ClientConnection, wait_s: float) -> None:
        """Take what the player says: all that is there, and while it asks to wait, until it asks no more."""
        while True:
            try:
                message = json.loads(player.recv(timeout=WAIT_S if self._held else wait_s))
            except TimeoutError:
                if self._held and not self._stop.is_set():
                    continue
                return
            wait_s = 0
            data = message["data"]
            match message["type"]:
                case "flow_control":
                    self._held = bool(data["pause"])
                case "status":
                    self.device = data["device"]
                case "completed":
                    self._completed(data)

    def _completed(self, data: dict[str, Any]) -> None:
        request_id = data["requestId"]
        self._open.discard(request_id)
        self.events += [
            Event(
                request_id,
                "player",
                each["name"],
                each["wall_ns"],
                f"{request_id}/player/{number}",
                each["mono_ns"],
                data["clock"],
                number,
                None,
                each["metadata"],
            )
            for number, each in enumerate(data["events"])
        ]
        if data["droppedMs"] and not self._problem:
            self._problem = f"{data['droppedMs']:.0f} ms were not played"
        if data["outcome"] != "ok" and not self._problem:
            self._problem = f"it was not played to its end ({data['error'] or data['outcome']})"
