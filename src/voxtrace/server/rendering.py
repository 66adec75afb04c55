"""One request being spoken and encoded, whatever carries it to its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, NamedTuple

from voxtrace.clock import mono_ns
from voxtrace.server.audible import Audible
from voxtrace.server.desk import Desk
from voxtrace.server.exchange import Exchange
from voxtrace.server.metrics import Ended
from voxtrace.server.speech_request import SpeechRequest
from voxtrace.speech.encode import FORMATS, Encoder, open_encoder
from voxtrace.speech.errors import ClientGone, NoSound, Refused, SpeechError, Stopping
from voxtrace.speech.lengths import audio_ms
from voxtrace.speech.quality import Heard
from voxtrace.speech.stream import SpeechStream
from voxtrace.units import NANOS_PER_MILLI

# 60 ms. A fast engine, or a cache, hands over seconds at once, and a second of Opus takes 5 ms to encode.
FIRST_PCM_BYTES = 2_880


class Chunk(NamedTuple):
    """Bytes that can be sent."""

    body: bytes
    seq: int  # from 0
    pcm_begin: int  # the sound that went in since the last chunk, as bytes of samples at OUTPUT_RATE_HZ
    pcm_end: int
    encode_ns: int  # of the work on this sound


Deliver = Callable[[Chunk], Awaitable[None]]
"""Sends a chunk on; returns when there is room for the next one."""


class Rendering:
    """Reads a stream, encodes it and hands it on; notes how it went."""

    def __init__(self, desk: Desk, exchange: Exchange, request: SpeechRequest, stream: SpeechStream) -> None:
        self.desk, self.exchange, self.request, self.stream = desk, exchange, request, stream
        self.first_encode_ns = 0
        self.chunks = 0
        self._pcm_sent = 0
        self.count_from(exchange.received_mono_ns)

    @property
    def has_begun(self) -> bool:
        """Whether anything was handed on."""
        return self.chunks > 0

    def count_from(self, ns: int) -> None:
        """There was nothing to speak before `ns`: what is told of the engine's speed counts from then on."""
        self._audible = Audible(FORMATS[self.request.format], self.request.rate_hz, ns)

    async def run(
        self, deliver: Deliver, meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None
    ) -> SpeechError | None:
        """Speak until the end, an error, or until the stream is given up.

        `meanwhile` runs beside it, from when the engine is at work until the end of the answer.

        Returns:
            Why it did not come to its end.
        """
        counters, error = self.desk.counters, None
        counters.active += 1
        beside: asyncio.Task[None] | None = None
        try:
            self._start()
            if meanwhile is not None:
                # The engine is at work now, so this costs the first block nothing.
                beside = asyncio.get_running_loop().create_task(meanwhile())
            await self._render(open_encoder(self.request.format, self.request.rate_hz), deliver)
        except SpeechError as failure:
            error = failure if not isinstance(failure, NoSound) else self._no_sound()
        except asyncio.CancelledError:
            # Its reader was given up, see `_start`, or the server stops and has waited long enough.
            error = self.stream.error or Stopping()
        finally:
            if beside is not None:
                beside.cancel()
            try:
                await self.stream.close()
            except asyncio.CancelledError:  # nor does it wait for an engine that does not let go
                error = error or Stopping()
            counters.active -= 1
            self._note_complete(error)
        return error

    def note(self, name: str, **metadata: object) -> None:
        """It happened now."""
        self.desk.note(self.exchange, name, **metadata)

    def _no_sound(self) -> NoSound:
        request = self.request
        return NoSound(request.voice, self.desk.catalogue.language_of(request.engine_voice))

    def _start(self) -> None:
        if task := asyncio.current_task():
            self.stream.on_given_up = task.cancel
        try:
            self.stream.start()
        finally:
            self.desk.note_received(self.exchange, self.request)

    async def _render(self, encoder: Encoder, deliver: Deliver) -> None:
        pcm_in = 0
        while (pcm := await self.stream.read()) is not None:
            for portion in self._portions(encoder, pcm):
                began = mono_ns()
                body = await self.desk.encode(encoder, portion)
                pcm_in += len(portion)
                if body:
                    await self._hand_on(body, pcm_in, mono_ns() - began, deliver)
                self._audible.sent(portion, body)
        rest = encoder.finish()
        if rest:
            await self._hand_on(rest, pcm_in, 0, deliver)
            self._audible.sent(b"", rest)

    def _portions(self, encoder: Encoder, pcm: bytes) -> Iterator[bytes]:
        """What is encoded in one go: little of it while nobody has heard anything."""
        at = 0
        while encoder.is_costly and not self.chunks and at < len(pcm):
            yield pcm[at : at + FIRST_PCM_BYTES]
            at += FIRST_PCM_BYTES
        if at < len(pcm):
            yield pcm[at:]

    async def _hand_on(self, body: bytes, pcm_in: int, encode_ns: int, deliver: Deliver) -> None:
        if not self.chunks:
            self.first_encode_ns = encode_ns
            self.note("FIRST_CHUNK_ENCODED", bytes=len(body))
        chunk = Chunk(body, self.chunks, self._pcm_sent, pcm_in, encode_ns)
        self.chunks, self._pcm_sent = self.chunks + 1, pcm_in
        await deliver(chunk)

    def _note_complete(self, error: SpeechError | None) -> None:
        progress, counters = self.stream.progress, self.desk.counters
        facts: dict[str, object] = {"outcome": "ok"}
        if isinstance(error, ClientGone):
            facts = {"outcome": "cancelled"}
        elif error is not None:
            facts = {"outcome": "error", "error": error.code, "stage": error.stage}
        if error is not None:
            facts["wasted_audio_ms"] = audio_ms(progress.bytes_wasted)
            counters.wasted_audio_ms += audio_ms(progress.bytes_wasted)
        if progress.started_ns:
            facts["start"] = "warm" if progress.warm else "cold"
        outcome = str(facts["outcome"])
        setattr(counters, outcome, getattr(counters, outcome) + 1)
        audible, refused = self._audible, error.code if isinstance(error, Refused) else ""
        ended = Ended(
            outcome,
            self.desk.catalogue.engine,
            progress.cache,
            audible.response_ns,
            audible.ttfa_ns,
            self.stream.mode.name if self.stream.mode else "",
            progress.hedged_by,
            refused,
        )
        self.desk.metrics.end(ended, progress)
        self._tell_tuning(outcome)
        self.note("REQUEST_COMPLETE", **facts, cache=progress.cache, **self._engine_facts(), truth="L1")

    def _tell_tuning(self, outcome: str) -> None:
        """What decides about the mode: times of requests that an engine really spoke, to their end."""
        mode, tuning, ttfa_ns = self.stream.mode, self.desk.tuning, self._audible.ttfa_ns
        if mode is None or tuning is None or outcome != "ok" or ttfa_ns is None:
            return
        progress = self.stream.progress
        hedging = progress.hedging
        if hedging is not None and hedging.failure:
            return
        if not progress.pieces_cached and not progress.joined:
            # Of an engine for which another one spoke is known only that it would have taken longer.
            tuning.note(Heard(mode.name, ttfa_ns / NANOS_PER_MILLI, is_bound=bool(progress.hedged_by)))

    def _hedge_facts(self) -> dict[str, object]:
        """Whether another engine got the first piece too, and which one was heard."""
        hedging = self.stream.progress.hedging
        if hedging is None or not hedging.engine:
            return {}
        facts: dict[str, object] = {
            "hedge": hedging.outcome,
            "hedge_engine": hedging.engine,
            "hedge_after_ms": round(hedging.after_ns / NANOS_PER_MILLI, 3),
        }
        facts |= {"hedged": hedging.engine} if hedging.has_won else {}
        return facts | ({"hedge_failure": hedging.failure} if hedging.failure else {})

    def _engine_facts(self) -> dict[str, object]:
        """What computed, and what should have, where that is another."""
        catalogue = self.desk.catalogue
        abilities, facts = catalogue.abilities, {"provider": catalogue.provider, **self._hedge_facts()}
        mode = self.stream.mode
        if mode is not None:
            facts["mode"] = mode.name
        if precision := (mode.variant if mode else "") or abilities.precision:
            facts["precision"] = precision
        if abilities.fallback:
            facts |= {"provider_asked": abilities.asked_provider, "provider_fallback": abilities.fallback}
        return facts
