"""One utterance of a live socket, from its first words to the end of its sound."""

from __future__ import annotations

import asyncio
from typing import Protocol

from voxtrace.clock import mono_ns
from voxtrace.server.api_error import ApiError, from_speech_error
from voxtrace.server.delivery import media_type_of
from voxtrace.server.desk import Desk, order_of
from voxtrace.server.exchange import Exchange
from voxtrace.server.ledger import Ledger
from voxtrace.server.rendering import Chunk, Rendering
from voxtrace.server.speech_request import SpeechRequest
from voxtrace.speech.errors import ClientGone, SpeechError, Stopping
from voxtrace.speech.lengths import audio_ms
from voxtrace.speech.live import LiveStream

# Enough for a client who reads; shorter than what `Farewell` allows for hanging up on everybody.
TOLD_WITHIN_S = 0.5


class Ear(Protocol):
    """Where an utterance is sent to. Only `send_audio` raises `ClientGone`."""

    async def send(self, record: dict[str, object]) -> None: ...
    async def send_error(self, error: ApiError, request_id: str | None) -> None: ...
    async def send_audio(self, audio: bytes, timing: dict[str, object] | None) -> None: ...


class Utterance:
    """Takes text; is spoken by a task of its own from the first piece on."""

    def __init__(self, desk: Desk, exchange: Exchange, request: SpeechRequest, line: Ear, waiting_chars: int) -> None:
        self._ledger = Ledger(desk.marks)
        self._stream = LiveStream(desk.source, order_of(desk, exchange, request), self._ledger, waiting_chars)
        self._stream.on_word = self._ledger.hear
        self._rendering = Rendering(desk, exchange, request, self._stream)
        self._line = line
        self._task: asyncio.Task[None] | None = None
        self._was_dropped = False
        self._has_end = False  # the client said so, one way or another
        self._sent_pcm_bytes = 0
        self._over = asyncio.Event()
        self.media_type = media_type_of(request.format, request.rate_hz)
        self._rendering.note("PROCESSING_START")

    @property
    def is_open(self) -> bool:
        """Whether it takes text."""
        return self._stream.is_open and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether nothing will be heard of it any more."""
        return self._was_dropped or (self._task is not None and self._task.done())

    @property
    def is_broken(self) -> bool:
        """Whether it ended while more of its text may come, which nobody will speak."""
        return self.is_over and not self._has_end

    def say(self, text: str) -> None:
        """Take more text.

        Raises:
            TooMuchText: too much of it waits already.
        """
        self._stream.say(text)
        self._begin()

    def flush(self) -> None:
        """Speak what is here, although it may end in mid-sentence."""
        self._stream.flush()
        self._begin()

    def end(self) -> None:
        """No more text will come."""
        self._has_end = True
        self._stream.end()
        self._begin()

    def speak_whole(self) -> None:
        """Speak the text that its request brought; no more will come."""
        self._has_end = True
        self._speak_from(self._rendering.exchange.received_mono_ns)

    async def give_up(self, why: SpeechError | None = None) -> None:
        """Stop within a block; returns when that is noted and told."""
        if self.is_over:
            return
        self._has_end = why is None
        if self._task is not None:
            self._stream.abandon(why)
            await asyncio.wait([self._task])
            return
        self._was_dropped = True
        refusal = ClientGone() if why is None else from_speech_error(why)
        self._rendering.desk.note_refused(self._rendering.exchange, refusal)
        try:
            await self._tell(why)
        finally:
            self._over.set()

    async def cut_off(self) -> None:
        """Stop because the server does, whether or not the client takes what is still sent to it."""
        try:
            async with asyncio.timeout(TOLD_WITHIN_S):
                await self.give_up(Stopping())
        except TimeoutError:
            if self._task is not None:
                self._task.cancel()

    async def wait(self) -> None:
        """Until nothing more will be heard of it."""
        await self._over.wait()

    def _begin(self) -> None:
        if self._task is None and self._stream.is_ready:
            # How long the client took to write a first piece says nothing about how fast it is spoken.
            self._speak_from(mono_ns())

    def _speak_from(self, ns: int) -> None:
        self._rendering.count_from(ns)
        self._task = asyncio.get_running_loop().create_task(self._speak())
        self._task.add_done_callback(lambda _: self._over.set())

    async def _speak(self) -> None:
        error = await self._rendering.run(self._deliver)
        if error is None:
            await self._line.send(self._end("done"))
        else:
            await self._tell(None if isinstance(error, ClientGone) else error)

    async def _tell(self, why: SpeechError | None) -> None:
        """Say that it ends early: because the client wanted that, or why else."""
        if why is None:
            await self._line.send(self._end("cancelled"))
        else:
            await self._line.send_error(from_speech_error(why), self._rendering.exchange.request_id)

    async def _deliver(self, chunk: Chunk) -> None:
        if chunk.seq == 0:
            self._rendering.note("FIRST_CHUNK_SENT", bytes=len(chunk.body))
        await self._line.send_audio(chunk.body, {"type": "timing", **self._ledger.timing_of(chunk)})
        self._sent_pcm_bytes = chunk.pcm_end

    def _end(self, kind: str) -> dict[str, object]:
        mode = self._stream.mode
        return {
            "type": kind,
            "request_id": self._rendering.exchange.request_id,
            "text_chars": self._stream.chars,
            "audio_ms": audio_ms(self._sent_pcm_bytes),
            "chunks": self._rendering.chunks,
            "cache": self._stream.progress.cache,
            **({"mode": mode.name} if mode is not None else {}),
            **({"hedged": hedged} if (hedged := self._stream.progress.hedged_by) else {}),
        }
