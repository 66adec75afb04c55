"""What an engine makes on its way to the server: the first block at once, the others in portions."""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np

from voxtrace.clock import mono_ns
from voxtrace.speech.edges import LeadingSilence
from voxtrace.speech.ports import Samples
from voxtrace.speech.resample import Resampler
from voxtrace.speech.wire import Kind
from voxtrace.units import NANOS_PER_MILLI

# An engine that takes longer for a block has each one sent at once. espeak-ng makes a block of 60 ms in 75 µs; to
# convert and send each of them would take as long again, and the time of the server, which is about to send the first.
LONGEST_HOLD_NS = 2 * NANOS_PER_MILLI
MOST_HELD_S = 1


class Line(Protocol):
    """Where portions go: the worker's end of its socket."""

    def send(self, kind: Kind, job: int, payload: bytes = b"") -> None: ...
    def is_cancelled(self, job: int) -> bool: ...


class Outlet:
    """Takes the blocks of one utterance at the engine's rate; cuts, converts and sends what is due."""

    def __init__(
        self, line: Line, job: int, resampler: Resampler, silence: LeadingSilence | None, rate_hz: int
    ) -> None:
        self._line, self._job = line, job
        self._resampler, self._silence = resampler, silence
        self._most_held = MOST_HELD_S * rate_hz
        self._held: list[Samples] = []
        self._held_samples = 0
        self._sent_ns = 0
        self._is_wanted = True
        self.bytes_made = 0

    def push(self, block: Samples) -> bool:
        """Take a block; whether the engine shall go on."""
        self._held.append(block)
        self._held_samples += block.size
        if self._held_samples >= self._most_held or mono_ns() - self._sent_ns >= LONGEST_HOLD_NS:
            self.flush()
            # Whoever waits for this processor may be the server with our first block in its hands, or the client.
            # Without this they would wait to the end of our time slice, 3 ms: espeak-ng's whole sentence.
            os.sched_yield()
            self._is_wanted = not self._line.is_cancelled(self._job)
        return self._is_wanted

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            block = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
            self._held, self._held_samples = [], 0
            self._send(self._resampler.convert(self._silence.cut(block) if self._silence else block))

    def finish(self) -> None:
        """Nothing more will come; of what nobody wants any more, the end is not made."""
        self.flush()
        if self._is_wanted:
            self._send(self._resampler.finish())

    def _send(self, samples: Samples) -> None:
        if samples.size:
            self.bytes_made += samples.nbytes
            self._line.send(Kind.AUDIO, self._job, samples.tobytes())
            self._sent_ns = mono_ns()
