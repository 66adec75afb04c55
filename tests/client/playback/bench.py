"""A player on a null device whose clock a test moves, and what came out of it."""

from __future__ import annotations

import numpy as np

from voxtrace.client.playback.device import NullDevice
from voxtrace.client.playback.player import Player
from voxtrace.client.playback.utterance import Utterance
from voxtrace.testing import ManualClock

RATE = 8_000
FRAMES_PER_MS = RATE // 1000


class Bench:
    """Sound in, sound out, and every report on the way. Times in ms from the start."""

    def __init__(self, channels: int = 1) -> None:
        self.clock = ManualClock()
        self.begin_ns = self.clock.mono_ns()
        self.player = Player(RATE, channels, "null")
        self.device = NullDevice(RATE, channels, self.clock, ticking=False)
        self.channels = channels
        self.out: list[np.ndarray] = []
        self.device.start(self._render)
        self._next = 1
        self.sent: list[np.ndarray] = []

    def _render(self, frames, pull):
        samples = self.player.render(frames, pull)
        self.out.append(samples)
        return samples

    def utterance(self, request_id="r1", owner=1):
        return Utterance(request_id, RATE, self.channels, owner)

    def at(self, ms):
        """Move on to `ms` after the start."""
        now = (self.clock.mono_ns() - self.begin_ns) / 1e6
        self.clock.advance(ms=ms - now)
        self.device.catch_up()

    def send(self, utterance, ms, level=None):
        """`ms` of samples of which no two neighbours are equal and none is silent."""
        count = round(ms * FRAMES_PER_MS * self.channels)
        if level is None:
            samples = ((np.arange(self._next, self._next + count) % 20_000) + 1).astype(np.int16)
            self._next += count
        else:
            samples = np.full(count, level, np.int16)
        self.device.catch_up()
        dropped = self.player.write(utterance, samples, self.clock.mono_ns())
        self.sent.append(samples)
        return dropped

    def end(self, utterance, **facts):
        self.device.catch_up()
        self.player.end(utterance, at_ns=self.clock.mono_ns(), **facts)

    @property
    def heard(self):
        """Everything that came out, silence included."""
        return np.concatenate([np.zeros(0, np.int16), *self.out])

    def reports(self):
        """(name, ms, facts) of each."""
        return [
            (report.name, (report.at_ns - self.begin_ns) / 1e6, report.metadata)
            for _, report in self.player.take_reports()
        ]

    def declared_silence(self):
        """Frames of silence by the player's own account."""
        told = self.player.silence
        going_on = self.player.current.dry_frames if self.player.current else 0
        return told.idle + told.prebuffer + told.paused + told.underrun + told.drained + going_on
