"""One request's speech: its pieces in order, each spoken by whichever engine is free, read as one stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from voxtrace.clock import mono_ns
from voxtrace.speech.errors import ClientGone, NoSound, ReaderTooSlow, SpeechError
from voxtrace.speech.job import Job, Source, Spoken
from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND, Marks, Utterance
from voxtrace.speech.segment import pieces_of
from voxtrace.units import NANOS_PER_MILLI

# A piece is 5 to 20 s of speech: it fits in here whole, so that even a client that never reads holds an
# engine for no longer than the piece takes (some ms). Text that swells (a digit is a word) waits here.
BUFFER_BYTES = 2 * 1024 * 1024
RESUME_BYTES = BUFFER_BYTES - 256 * 1024  # a listener in real time makes this room every 5 s
# The next piece is asked for when so much is left unread: 2 s, more than any piece takes to begin.
LOW_BYTES = 2 * OUTPUT_BYTES_PER_SECOND
# One write to a client: what uvicorn lets pile up on a connection before it makes us wait.
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked to hear."""

    request_id: str
    text: str
    voice: str  # as the engine names it
    speed: float = 1.0
    session_id: str | None = None
    fresh: bool = False  # neither answered from a cache nor kept in one


@dataclass(slots=True)
class Progress:
    """What became of an order so far: for response headers and for its last event."""

    text_ns: int = 0
    queue_ns: int = 0  # wait of the first piece
    first_inference_ns: int = 0  # until the first block was here
    chunks: int = 0
    bytes_made: int = 0  # of samples that were asked for and arrived
    bytes_wasted: int = 0  # of samples that were made and that nobody took
    warm: bool = True
    pieces: int = 0  # that were asked for
    pieces_cached: int = 0  # of them, those that nobody had to speak
    started_ns: list[int] = field(default_factory=list)

    @property
    def cache(self) -> str:
        """What the caches did for it so far: hit, partial or miss."""
        if not self.pieces_cached:
            return "miss"
        return "hit" if self.pieces_cached == self.pieces else "partial"


def audio_ms(pcm_bytes: int) -> float:
    """How long so many bytes of PCM at the output rate last, in milliseconds."""
    return round(pcm_bytes * 1000 / OUTPUT_BYTES_PER_SECOND, 3)


class SpeechStream:
    """Reads as one stream of PCM what engines speak piece by piece. Everything runs on one event loop.

    At most one piece is with an engine. The buffer is bounded: an engine that is ahead of a slow reader by
    BUFFER_BYTES is made to wait.
    """

    def __init__(self, pool: Source, order: Order, marks: Marks) -> None:
        self._pool = pool
        self._order = order
        self._marks = marks
        self._pieces = pieces_of(order.text)
        self._piece = -1  # the number of the piece that was asked for last
        self._unasked = len(order.text)  # characters
        self._job: Job | None = None
        self._queued_ns = 0
        self._piece_bytes = 0
        self._blocks: deque[bytes] = deque()
        self._buffered = 0
        self._error: SpeechError | None = None
        self._wake: asyncio.Future[None] | None = None
        self.progress = Progress()
        # Called when the reader is given up while it may be waiting for its own client, and not in `read`.
        self.on_given_up: Callable[[], object] = lambda: None

    @property
    def error(self) -> SpeechError | None:
        """Why it can't go on."""
        return self._error

    def start(self) -> None:
        """Cut off the first piece and ask for it; the others are cut while it is being spoken.

        Raises:
            QueueFull: too many requests wait already.
            Stopping: the server is being stopped.
        """
        self._ask()

    async def read(self) -> bytes | None:
        """The next samples, as soon as there are any; None at the end.

        Raises:
            SpeechError: synthesis failed; what came before it has been read already.
        """
        while not self._blocks:
            if self._error is not None:
                raise self._error
            if self._job is None:
                if self.progress.bytes_made == 0:
                    raise NoSound
                return None
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        taken = [self._blocks.popleft()]
        size = len(taken[0])
        while self._blocks and size + len(self._blocks[0]) <= READ_BYTES:
            taken.append(self._blocks.popleft())
            size += len(taken[-1])
        self._buffered -= size
        self._go_on()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def abandon(self) -> None:
        """The reader is gone: whoever waits in `read` is told."""
        self._drop_unread()
        self._error = self._error or ClientGone()
        self._wake_reader()

    async def close(self) -> None:
        """Take back what is not read; returns when the engine has let go, so that waste can be counted."""
        self._drop_unread()
        self._unasked = 0
        if self._job is not None and not self._pool.cancel(self._job):
            self._job = None
        while self._job is not None:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    def _drop_unread(self) -> None:
        self.progress.bytes_wasted += self._buffered
        self._blocks.clear()
        self._buffered = 0

    def _ask(self) -> None:
        began = mono_ns()
        text, has_pause = next(self._pieces)
        self._unasked -= len(text)
        self._piece += 1
        # After the last piece a pause would be nothing but silence to be sent.
        has_pause = has_pause and self._unasked > 0
        utterance = Utterance(text, self._order.voice, self._order.speed, self._piece == 0, has_pause)
        self._job = Job(utterance, self, fresh=self._order.fresh)
        self.progress.pieces += 1
        self._piece_bytes = 0
        self._queued_ns = mono_ns()
        if self._piece == 0:
            self.progress.text_ns = self._queued_ns - began
            self._note("TEXT_PROCESSING_COMPLETE", first_piece_chars=len(text))
        self._note("QUEUE_START", piece=self._piece)
        try:
            self._pool.submit(self._job)
        except SpeechError:
            self._job = None
            raise

    def _go_on(self) -> None:
        """Let the engine, or the next piece, go on when the reader has made room."""
        if self._job is not None:
            if self._buffered <= RESUME_BYTES and self._job.holder is not None:
                self._job.holder.resume()
        elif self._buffered <= LOW_BYTES and self._unasked and self._error is None:
            try:
                self._ask()
            except SpeechError as error:
                self._error = error

    # Listener of the jobs

    def on_start(self, worker: int, *, warm: bool) -> None:
        """See `Listener`."""
        now = mono_ns()
        if self._piece == 0:
            self.progress.queue_ns = now - self._queued_ns
            self.progress.warm = warm
        self.progress.started_ns.append(now)
        queue_ms = round((now - self._queued_ns) / NANOS_PER_MILLI, 3)
        self._note("INFERENCE_START", piece=self._piece, queue_ms=queue_ms, worker=worker)

    def on_audio(self, pcm: bytes) -> None:
        """See `Listener`."""
        if self.progress.bytes_made == 0:
            self.progress.first_inference_ns = mono_ns() - self.progress.started_ns[0]
            self._note("FIRST_CHUNK_GENERATED", piece=self._piece)
        self.progress.chunks += 1
        self.progress.bytes_made += len(pcm)
        self._piece_bytes += len(pcm)
        self._blocks.append(pcm)
        self._buffered += len(pcm)
        self._note("AUDIO_CHUNK_GENERATED", piece=self._piece, audio_ms=audio_ms(len(pcm)), bytes=len(pcm))
        if self._buffered > BUFFER_BYTES and self._job is not None and self._job.holder is not None:
            self._job.holder.pause()
        self._wake_reader()

    def on_cached(self, pcm: bytes, level: str) -> None:
        """See `Listener`."""
        self._job = None
        if self.progress.pieces_cached == 0 and self._piece == 0:
            self.progress.queue_ns = mono_ns() - self._queued_ns
        self.progress.pieces_cached += 1
        self.progress.chunks += 1
        self.progress.bytes_made += len(pcm)
        self._note("CACHE_HIT", piece=self._piece, level=level, audio_ms=audio_ms(len(pcm)))
        # In portions of one write each: a piece of a megabyte must not hold up other streams.
        self._blocks.extend(pcm[begin : begin + READ_BYTES] for begin in range(0, len(pcm), READ_BYTES))
        self._buffered += len(pcm)
        self._end_of_piece()

    def on_done(self, spoken: Spoken) -> None:
        """See `Listener`."""
        job, self._job = self._job, None
        self.progress.bytes_wasted += spoken.samples * 2 - self._piece_bytes
        self._note(
            "INFERENCE_COMPLETE",
            piece=self._piece,
            audio_ms=audio_ms(spoken.samples * 2),
            synthesis_ms=round(spoken.busy_ns / NANOS_PER_MILLI, 3),
        )
        if job is not None and not job.cancelled:
            self._end_of_piece()
        self._wake_reader()

    def _end_of_piece(self) -> None:
        is_last = not self._unasked
        self._go_on()
        if is_last and self._error is None:
            self._note(
                "AUDIO_GENERATION_COMPLETE",
                audio_ms=audio_ms(self.progress.bytes_made),
                pieces=self._piece + 1,
                chunks=self.progress.chunks,
            )

    def on_error(self, error: SpeechError) -> None:
        """See `Listener`."""
        self._job = None
        self._error = self._error or error
        self._wake_reader()
        if isinstance(error, ReaderTooSlow):
            self.on_given_up()

    def _wake_reader(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None and not wake.done():
            wake.set_result(None)

    def _note(self, name: str, **metadata: object) -> None:
        self._marks.mark(name, self._order.request_id, self._order.session_id, **metadata)
