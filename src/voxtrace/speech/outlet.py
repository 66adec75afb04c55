"""What an engine makes on its way to the server: the first block at once, the others in portions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from voxtrace.clock import mono_ns
from voxtrace.speech.edges import Edges
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
MOST_CONVERTED_S = 1


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
        self._most_raw = MOST_CONVERTED_S * rate_hz
        self._raw: list[Samples] = []  # as the engine made them
        self._raw_samples = 0
        self._sound: list[bytes] = []  # ready to be sent
        self._words: list[Word] = []
        self._sent_ns = 0
        self._is_wanted = True
        self.bytes_made = 0

    def push(self, block: Samples) -> bool:
        """Take a block; whether the engine shall go on."""
        self._raw.append(block)
        self._raw_samples += block.size
        is_due = mono_ns() - self._sent_ns >= LONGEST_HOLD_NS
        if is_due or self._raw_samples >= self._most_raw:
            self._convert()
        if is_due:
            self._line.write(self.unsent())
            # Whoever waits for this processor may be the server with our first block in its hands, or the client.
            # Without this they would wait to the end of our time slice, 3 ms: espeak-ng's whole sentence.
            os.sched_yield()
            self._is_wanted = not self._line.is_cancelled(self._job)
        return self._is_wanted

    def finish(self) -> bytes:
        """Nothing more will come. Of what nobody wants any more, the end is not made.

        Returns:
            frames that are still to be sent.
        """
        if self._is_wanted:
            self._convert()
            rest = self._finish.end()
            self._words += self._finish.last_words(self.bytes_made // 2 + rest.size)
            self._keep(rest)
        return self.unsent()

    def unsent(self) -> bytes:
        """Frames of what is ready: the words before the sound that they end with. They count as sent now."""
        frames = b""
        if self._words and self.bytes_made:
            frames, self._words = pack(Kind.WORDS, self._job, pack_words(self._words)), []
        if self._sound:
            frames += pack(Kind.AUDIO, self._job, b"".join(self._sound))
            self._sound, self._sent_ns = [], mono_ns()
        return frames

    def _convert(self) -> None:
        if not self._raw:
            return
        block = self._raw[0] if len(self._raw) == 1 else np.concatenate(self._raw)
        self._raw, self._raw_samples = [], 0
        if self.bytes_made:
            self._words += self._finish.hear(block)
            self._keep(self._finish.push(block))
            return
        # The first sound waits for nothing: its words follow with the next.
        self._keep(self._finish.push(block))
        self._line.write(self.unsent())
        self._words += self._finish.hear(block)

    def _keep(self, samples: Samples) -> None:
        if samples.size:
            self.bytes_made += samples.nbytes
            self._sound.append(samples.tobytes())


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
