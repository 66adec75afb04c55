"""Writes what the device was given into a WAV, silence included. The disk never holds up the device."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from voxtrace.audio.wav import SampleFormat, write_header
from voxtrace.client.playback.conversion import Samples
from voxtrace.client.playback.device import Render
from voxtrace.client.playback.player import Pull
from voxtrace.client.recording import RecordingFailed

# Blocks that wait for the disk: seconds of sound at the least; what comes on top is left out and counted.
WAITING_BLOCKS = 2048


class Recorder:
    """Stands between the player and the device."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        """
        Raises:
            RecordingFailed: the file can't be written.
        """
        self._path, self._format = path, SampleFormat(rate_hz, channels)
        self.dropped = 0  # frames that are missing in the file
        self._written = 0
        self._waiting: queue.Queue[Samples | None] = queue.Queue(WAITING_BLOCKS)
        self._failure: RecordingFailed | None = None
        try:
            self._file = path.open("wb")
            self._file.write(write_header(self._format))
        except OSError as why:
            raise RecordingFailed(path, why) from why
        self._thread = threading.Thread(target=self._write, name="player-recorder", daemon=True)
        self._thread.start()

    def around(self, render: Render) -> Render:
        """Renders, and keeps what was rendered."""

        def rendered(frames: int, pull: Pull) -> Samples:
            samples = render(frames, pull)
            try:
                self._waiting.put_nowait(samples)
            except queue.Full:
                self.dropped += frames
            return samples

        return rendered

    def close(self) -> RecordingFailed | None:
        """Complete the file; answers with what went wrong on the way, if anything did."""
        self._waiting.put(None)
        self._thread.join()
        return self._failure

    def _write(self) -> None:
        with self._file as file:
            while (samples := self._waiting.get()) is not None:
                if self._failure is not None:
                    self.dropped += samples.size // self._format.channels
                    continue
                try:
                    self._written += file.write(samples.tobytes())
                except OSError as why:
                    self._failure = RecordingFailed(self._path, why)
            try:
                file.seek(0)
                file.write(write_header(self._format, self._written))
            except OSError as why:
                self._failure = RecordingFailed(self._path, why)
