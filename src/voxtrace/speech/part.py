"""One piece of a stream on its way: asked for, being spoken, waiting to be read."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from voxtrace.clock import mono_ns
from voxtrace.speech.errors import SpeechError
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.ports import Utterance

# A piece is 5 to 20 s of speech: it fits in here whole, so that even a client that never reads holds an
# engine for no longer than the piece takes. Text that swells (a digit is a word) waits here.
BUFFER_BYTES = 2 * 1024 * 1024
# One write to a client: what uvicorn lets pile up on a connection before it makes us wait.
READ_BYTES = 64 * 1024
RESUME_BYTES = BUFFER_BYTES - 256 * 1024  # a listener in real time makes this room every 5 s


class Whole(Protocol):
    """The stream that the part belongs to."""

    def on_part_start(self, part: Part, worker: int, *, warm: bool) -> None: ...
    def on_part_phonemes(self, part: Part, at_ns: int) -> None: ...
    def on_part_words(self, part: Part, words: bytes) -> None: ...
    def on_part_audio(self, part: Part, pcm: bytes) -> None: ...
    def on_part_done(self, part: Part, spoken: Spoken) -> None: ...
    def on_part_cached(self, part: Part, pcm: bytes, level: str) -> None: ...
    def on_part_error(self, part: Part, error: SpeechError) -> None: ...


class Part:
    """Keeps a piece's samples until they are read; an engine that is too far ahead of its reader waits."""

    def __init__(self, whole: Whole, number: int, utterance: Utterance) -> None:
        self._whole = whole
        self._blocks: deque[bytes] = deque()
        self.number = number
        self.chars = len(utterance.text)
        self.text_begin = 0  # where it stands in the request's text
        self.expected_ns = 0  # of audio, by the pace of others; 0 where nothing is known
        self.job = Job(utterance, self)
        self.is_over = False  # the engine has let go of it
        self.error: SpeechError | None = None
        self.queued_ns = 0
        self.started_ns = 0
        self.bytes_made = 0
        self.buffered = 0

    def take(self) -> bytes | None:
        """As much as is written at once, one block at least; None when nothing is here."""
        if not self._blocks:
            return None
        taken = [self._blocks.popleft()]
        size = len(taken[0])
        while self._blocks and size + len(self._blocks[0]) <= READ_BYTES:
            taken.append(self._blocks.popleft())
            size += len(taken[-1])
        self.buffered -= size
        if self.buffered <= RESUME_BYTES and self.job.holder is not None:
            self.job.holder.resume()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """Where these characters of what is spoken stand in the request's text."""
        return self.text_begin + begin, self.text_begin + end

    def drop(self) -> int:
        """Throw away what is not read; how many bytes that was."""
        dropped, self.buffered = self.buffered, 0
        self._blocks.clear()
        return dropped

    # Listener of the job

    def on_start(self, worker: int, *, warm: bool) -> None:
        """See `Listener`."""
        # When it was handed over: by now its engine may have begun.
        self.started_ns = self.job.started_ns or mono_ns()
        self._whole.on_part_start(self, worker, warm=warm)

    def on_phonemes(self, at_ns: int) -> None:
        """See `Listener`."""
        self._whole.on_part_phonemes(self, at_ns)

    def on_words(self, words: bytes) -> None:
        """See `Listener`."""
        self._whole.on_part_words(self, words)

    def on_audio(self, pcm: bytes) -> None:
        """See `Listener`."""
        self.bytes_made += len(pcm)
        self._blocks.append(pcm)
        self.buffered += len(pcm)
        if self.buffered > BUFFER_BYTES and self.job.holder is not None:
            self.job.holder.pause()
        self._whole.on_part_audio(self, pcm)

    def on_cached(self, pcm: bytes, level: str) -> None:
        """See `Listener`."""
        self.is_over = True
        self.bytes_made = self.buffered = len(pcm)
        # In portions of one write each: a piece of a megabyte must not hold up other streams.
        self._blocks.extend(pcm[begin : begin + READ_BYTES] for begin in range(0, len(pcm), READ_BYTES))
        self._whole.on_part_cached(self, pcm, level)

    def on_done(self, spoken: Spoken) -> None:
        """See `Listener`."""
        self.is_over = True
        self._whole.on_part_done(self, spoken)

    def on_error(self, error: SpeechError) -> None:
        """See `Listener`."""
        self.is_over = True
        self.error = error
        self._whole.on_part_error(self, error)
