"""The sound of one request on its way through the player, and the account of what became of it."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

import numpy as np

from voxtrace.audio.onset import Onset
from voxtrace.client.playback.conversion import Samples
from voxtrace.units import NANOS_PER_SECOND

Outcome = Literal["ok", "cancelled", "error"]

# Where the first audible sample is looked up; it is found within some 20 ms of its arrival.
STRETCHES = 512


class Report(NamedTuple):
    """Something that happened to an utterance, by the name of its stage."""

    name: str
    at_ns: int  # monotonic; when it left, or would have left, the device
    metadata: dict[str, object]


class Stretch(NamedTuple):
    """Frames that were handed to the device in one piece."""

    first: int  # frame of the utterance
    heard_ns: int  # when that frame leaves the device
    uncertainty_ns: int


class Utterance:
    """A queue of frames. Every frame that came in is played, dropped or still here: none is lost or doubled."""

    def __init__(self, request_id: str, rate_hz: int, channels: int, owner: int = 0) -> None:
        self.request_id, self.owner = request_id, owner
        self.rate_hz, self.channels = rate_hz, channels
        self._blocks: deque[Samples] = deque()
        self.received = self.played = self.dropped = 0  # frames
        self.first_arrival_ns: int | None = None
        self.last_arrival_ns: int | None = None
        self.started_ns: int | None = None  # when its first frame left the device
        self.end_ns: int | None = None  # when the last of the frames handed out so far has left it
        self.prebuffer_ms = 0
        self.dry_since_ns: int | None = None
        self.dry_frames = 0  # of silence since then
        self.underruns = self.underrun_frames = 0
        self.device_underruns = 0  # that the device itself told of; their length is not known
        self.ended = False  # nothing more will come
        self.outcome: Outcome = "ok"
        self.error = ""
        self._onset = Onset(rate_hz * channels)
        self._audible_frame: int | None = None
        self._audible_told = False
        self._stretches: deque[Stretch] = deque(maxlen=STRETCHES)

    @property
    def buffered(self) -> int:
        """Frames that wait to be played."""
        return self.received - self.played - self.dropped

    def ms(self, frames: int) -> float:
        """How long so many frames last."""
        return frames * 1000 / self.rate_hz

    def frames(self, nanos: int) -> int:
        """The frames that fit into a time, rounded up: who waits, waits long enough."""
        return -(-nanos * self.rate_hz // NANOS_PER_SECOND)

    def add(self, samples: Samples, at_ns: int, room: int) -> int:
        """Take what arrived; of what is beyond `room` frames the newest is dropped.

        Returns:
            The frames that were dropped.
        """
        frames = samples.size // self.channels
        if not frames:
            return 0
        if self.first_arrival_ns is None:
            self.first_arrival_ns = at_ns
        self.last_arrival_ns = at_ns
        kept = min(frames, max(room, 0))
        self.received += frames
        self.dropped += frames - kept
        if kept:
            samples = samples[: kept * self.channels]
            self._blocks.append(samples)
            # Channels are looked at as one stream of a higher rate: sound on either is sound.
            if self._audible_frame is None and (silence := self._onset.feed(samples)) is not None:
                self._audible_frame = silence // self.channels
        return frames - kept

    def take(self, frames: int, stretch: Stretch) -> list[Samples]:
        """The next frames, at most as many as are there."""
        taken: list[Samples] = []
        left = frames
        while left and self._blocks:
            block = self._blocks.popleft()
            here = block.size // self.channels
            if here > left:
                self._blocks.appendleft(block[left * self.channels :])
                block = block[: left * self.channels]
                here = left
            taken.append(block)
            left -= here
        self.played += frames - left
        if not self._audible_told:
            self._stretches.append(stretch)
        return taken

    def discard(self) -> int:
        """Drop what waits; answers with the frames."""
        frames = self.buffered
        self._blocks.clear()
        self.dropped += frames
        return frames

    def audible(self) -> tuple[int, Stretch] | None:
        """Once: the first audible frame and the stretch in which it left the device, when it is known and played."""
        if self._audible_told or self._audible_frame is None or self.played <= self._audible_frame:
            return None
        frame = self._audible_frame
        self._audible_told = True
        found = next((each for each in reversed(self._stretches) if each.first <= frame), None)
        self._stretches.clear()
        return None if found is None else (frame, found)


def silence(frames: int, channels: int) -> Samples:
    """Nothing to be heard."""
    return np.zeros(frames * channels, np.int16)
