"""One piece of a stream on its way: asked for, being spoken, waiting to be read."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from voxtrace.clock import mono_ns
from voxtrace.speech.errors import SpeechError
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.ports import OUTPUT_RATE_HZ, Utterance
from voxtrace.speech.text.script import Line

# A piece is 5 to 20 s of speech: it fits in here whole, so that even a client that never reads holds an
# engine for no longer than the piece takes. Text that swells (a digit is a word) waits here.
BUFFER_BYTES = 2 * 1024 * 1024
# One write to a client: what uvicorn lets pile up on a connection before it makes us wait.
READ_BYTES = 64 * 1024
RESUME_BYTES = BUFFER_BYTES - 256 * 1024  # a listener in real time makes this room every 5 s


def silence(ms: int) -> bytes:
    """So much of it, as samples at the output rate."""
    return bytes(ms * OUTPUT_RATE_HZ // 1000 * 2)


class Whole(Protocol):
    """The stream that the part belongs to."""

    def on_part_start(self, part: Part, worker: int, *, warm: bool) -> None: ...
    def on_part_phonemes(self, part: Part, at_ns: int) -> None: ...
    def on_part_words(self, part: Part, words: bytes, silent: int) -> None: ...  # samples in front of them
    def on_part_audio(self, part: Part, pcm: bytes) -> None: ...
    def on_part_done(self, part: Part, spoken: Spoken) -> None: ...
    def on_part_cached(self, part: Part, pcm: bytes, level: str) -> None: ...
    def on_part_error(self, part: Part, error: SpeechError) -> None: ...

    def take_owed_silence(self) -> bytes:
        """What has to come in front of a part's first sound; asked for once by each part."""
        ...


class Part:
    """Keeps a piece's samples until they are read; an engine that is too far ahead of its reader waits."""

    def __init__(self, whole: Whole, number: int, utterance: Utterance, line: Line) -> None:
        self._whole = whole
        self._line = line
        self._owed: bytes | None = None  # silence in front of its first sound; None: it was not asked for yet
        self._blocks: deque[bytes] = deque()
        self.number = number
        self.expected_ns = 0  # of audio, by the pace of others; 0 where nothing is known
        self.job = Job(utterance, self)
        self.is_over = False  # the engine has let go of it
        self.error: SpeechError | None = None
        self.queued_ns = 0
        self.started_ns = 0
        self.bytes_made = 0  # silence included
        self.bytes_silent = 0  # of them, those that no engine made
        self.rest_ms = line.rest_ms  # silence after it
        self.buffered = 0

    @property
    def hedge_facts(self) -> dict[str, object]:
        """Who spoke this piece, where it was not the engine that was asked."""
        hedging = self.job.hedging
        return {"engine": hedging.engine, "hedged": True} if hedging is not None and hedging.has_won else {}

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """The characters of the request's text, marks included, that characters of the utterance's text stand for."""
        return self._line.source_span(begin, end)

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

    def drop(self) -> int:
        """Throw away what is not read; how many bytes of it an engine had made: silence is behind them."""
        dropped, self.buffered = self.buffered, 0
        self._blocks.clear()
        return max(dropped - self.bytes_silent, 0)

    def add_silence(self, ms: int) -> int:
        """Behind what was spoken; how many bytes that are."""
        pcm = silence(ms)
        self.bytes_silent += len(pcm)
        self.bytes_made += len(pcm)
        self._keep(pcm)
        return len(pcm)

    def _keep(self, pcm: bytes) -> None:
        # In portions of one write each: a piece of a megabyte must not hold up other streams.
        self._blocks.extend(pcm[begin : begin + READ_BYTES] for begin in range(0, len(pcm), READ_BYTES))
        self.buffered += len(pcm)

    def _silence_in_front(self) -> bytes:
        if self._owed is None:
            self._owed = self._whole.take_owed_silence()
        return self._owed

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
        self._whole.on_part_words(self, words, len(self._silence_in_front()) // 2)

    def on_audio(self, pcm: bytes) -> None:
        """See `Listener`."""
        if not self.bytes_made and (owed := self._silence_in_front()):
            self.bytes_silent += len(owed)
            pcm = owed + pcm
        self.bytes_made += len(pcm)
        self._blocks.append(pcm)
        self.buffered += len(pcm)
        if self.buffered > BUFFER_BYTES and self.job.holder is not None:
            self.job.holder.pause()
        self._whole.on_part_audio(self, pcm)

    def on_cached(self, pcm: bytes, level: str) -> None:
        """See `Listener`."""
        self.is_over = True
        owed, rest = self._silence_in_front(), silence(self.rest_ms)
        if owed or rest:
            pcm = owed + pcm + rest
        self.bytes_silent = len(owed) + len(rest)
        self.bytes_made = len(pcm)
        self._keep(pcm)
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
