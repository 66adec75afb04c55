"""What an engine makes on its way to the server: the first block at once, the others in portions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from voxtrace.clock import mono_ns
from voxtrace.speech.edges import NO_SAMPLES, Edges
from voxtrace.speech.ports import Samples, Word
from voxtrace.speech.resample import Resampler
from voxtrace.speech.wire import Kind, pack
from voxtrace.speech.words import WordLog, pack_words
from voxtrace.units import NANOS_PER_MILLI

# An engine that takes longer for a block has each one sent at once. espeak-ng makes a block of 60 ms in 75 µs; to
# convert and send each of them would take as long again, and the time of the server, which is about to send the first.
LONGEST_HOLD_NS = 2 * NANOS_PER_MILLI
# 88 kB as the resampler takes it at 22,050 Hz. For 128 kB and more the C library asks the kernel for new pages each
# time: portions of 2 s cost 0.7 ms more a sentence, nearly all of it page faults.
MOST_HELD_S = 1


class Line(Protocol):
    """Where portions go: the worker's end of its socket."""

    def write(self, frames: bytes) -> None: ...
    def is_cancelled(self, job: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Finish:
    """What an engine's sound goes through before it is sent."""

    edges: Edges
    resampler: Resampler
    words: WordLog | None  # None: the engine knows nothing of words

    def push(self, block: Samples) -> Samples:
        """The samples that are complete now."""
        return self._convert(self.edges.push(block))

    def end(self) -> Samples:
        """What is left."""
        return np.concatenate((self._convert(self.edges.finish()), self.resampler.finish()))

    def hear(self, block: Samples) -> list[Word]:
        """The words that end with this block of the engine."""
        if self.words is None:
            return []
        self.words.hear(block)
        return self.words.take()

    def last_words(self, sent: int) -> list[Word]:
        """The rest of them, when so many samples were sent and none will follow."""
        return self.words.finish(sent) if self.words is not None else []

    def _convert(self, shaped: Samples) -> Samples:
        return self.resampler.convert(shaped) if shaped.size else shaped


class Outlet:
    """Takes the blocks of one utterance at the engine's rate; shapes, converts and sends what is due."""

    def __init__(self, line: Line, job: int, finish: Finish, rate_hz: int) -> None:
        self._line, self._job, self._finish = line, job, finish
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
            self._flush()
            # Whoever waits for this processor may be the server with our first block in its hands, or the client.
            # Without this they would wait to the end of our time slice, 3 ms: espeak-ng's whole sentence.
            os.sched_yield()
            self._is_wanted = not self._line.is_cancelled(self._job)
        return self._is_wanted

    def finish(self) -> None:
        """Nothing more will come; of what nobody wants any more, the end is not made."""
        if self._is_wanted:
            self._flush()
            rest = self._finish.end()
            self._write(self._finish.last_words(self.bytes_made // 2 + rest.size), rest)

    def _flush(self) -> None:
        if not self._held:
            return
        block = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        self._held, self._held_samples = [], 0
        # Words are told before the sound that they end with, but nothing is told before the first sound.
        if self.bytes_made:
            self._write(self._finish.hear(block), self._finish.push(block))
        else:
            self._write([], self._finish.push(block))
            self._write(self._finish.hear(block), NO_SAMPLES)

    def _write(self, words: list[Word], samples: Samples) -> None:
        frames = pack(Kind.WORDS, self._job, pack_words(words)) if words else b""
        if samples.size:
            self.bytes_made += samples.nbytes
            frames += pack(Kind.AUDIO, self._job, samples.tobytes())
        if frames:
            self._line.write(frames)
        if samples.size:
            self._sent_ns = mono_ns()


class _Nowhere:
    """A `Line` that nobody is at the other end of."""

    def write(self, frames: bytes) -> None:
        pass

    def is_cancelled(self, job: int) -> bool:
        return False


def warm_up(finish: Finish, rate_hz: int) -> None:
    """Send a sound through all that an engine's goes through: the first one would take 0.15 ms longer without."""
    outlet = Outlet(_Nowhere(), 0, finish, rate_hz)
    outlet.push(np.full(rate_hz // 10, 1_000, np.int16))
    outlet.finish()
