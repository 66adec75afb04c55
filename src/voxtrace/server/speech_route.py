"""`POST /v1/audio/speech`: the hot route. Plain ASGI, because each layer in between costs first audio."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from voxtrace.clock import mono_ns
from voxtrace.server.api_error import ApiError, from_speech_error
from voxtrace.server.body import read_body
from voxtrace.server.delivery import delivery_of
from voxtrace.server.exchange import KEY, Exchange
from voxtrace.server.speech_request import MAX_BODY_BYTES, SpeechRequest, read_request
from voxtrace.speech.encode import Encoder, open_encoder
from voxtrace.speech.errors import ClientGone, ReaderTooSlow, SpeechError, Stopping
from voxtrace.speech.stream import Order, SpeechStream, audio_ms

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from voxtrace.speech.job import Source
    from voxtrace.speech.ports import Catalogue, Marks

# A costly encoder works on the event loop for a block or two (0.1 ms), which a thread would only delay;
# more at once goes to a thread.
INLINE_PCM_BYTES = 8 * 1024
ENCODER_THREADS = 2
# Answers that wait for their readers hold up to 2 MiB each, mostly far less; this bounds all of them.
MAX_ANSWERS = 512


@dataclass(slots=True)
class Counters:
    """What the server has done since it started."""

    active: int = 0
    ok: int = 0
    error: int = 0
    cancelled: int = 0
    wasted_audio_ms: float = 0.0  # synthesised for clients that had left


@dataclass(slots=True)
class SpeechRoute:
    """Answers with audio from the first block on. Headers wait for it: until then an error has its status."""

    source: Source
    catalogue: Catalogue
    marks: Marks
    counters: Counters = field(default_factory=Counters)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(ENCODER_THREADS, "encode"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[KEY]
        try:
            request = read_request(await read_body(scope, receive, MAX_BODY_BYTES), self.catalogue)
            if self.counters.active >= MAX_ANSWERS:
                raise _too_many_answers()
        except (ApiError, ClientGone) as refusal:
            self._note_refused(exchange, refusal)
            if isinstance(refusal, ApiError):
                raise
            return
        self.note(exchange, "PROCESSING_START")
        await _Answer(self, exchange, request, send).give(receive)

    async def encode(self, encoder: Encoder, pcm: bytes) -> bytes:
        """Encode without holding up other streams."""
        if encoder.is_costly and len(pcm) > INLINE_PCM_BYTES:
            return await asyncio.get_running_loop().run_in_executor(self._threads, encoder.encode, pcm)
        return encoder.encode(pcm)

    def note_received(self, exchange: Exchange, request: SpeechRequest | None) -> None:
        """Noted when there is time, as of the moment when the request's head was here."""
        facts: dict[str, object] = {"source": exchange.source} if exchange.source else {}
        if request is not None:
            facts |= {"text_chars": len(request.text), "voice": request.voice, "format": request.format}
            facts |= {"speed": request.speed, "engine": self.catalogue.engine}
        at = (exchange.received_mono_ns, exchange.received_wall_ns)
        self.marks.mark_at("REQUEST_RECEIVED", at, exchange.request_id, exchange.session_id, **facts)

    def note(self, exchange: Exchange, name: str, **metadata: object) -> None:
        """It happened now."""
        self.marks.mark(name, exchange.request_id, exchange.session_id, **metadata)

    def _note_refused(self, exchange: Exchange, refusal: ApiError | ClientGone) -> None:
        self.note_received(exchange, None)
        if isinstance(refusal, ClientGone):
            self.counters.cancelled += 1
            self.note(exchange, "REQUEST_COMPLETE", outcome="cancelled")
        else:
            self.counters.error += 1
            self.note(exchange, "REQUEST_COMPLETE", outcome="error", error=refusal.code, stage="request")


def _too_many_answers() -> ApiError:
    text = f"{MAX_ANSWERS} answers are under way; wait for one to end"
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, text, code="too_many_answers")


class _Answer:
    """One answer on its way to its client."""

    def __init__(self, route: SpeechRoute, exchange: Exchange, request: SpeechRequest, send: Send) -> None:
        order = Order(
            exchange.request_id,
            request.text,
            request.engine_voice,
            request.speed,
            exchange.session_id,
            exchange.is_fresh,
        )
        self._route = route
        self._exchange = exchange
        self._request = request
        self._stream = SpeechStream(route.source, order, route.marks)
        self._delivery = delivery_of(request)
        self._send = send
        self._has_begun = False
        self._encode_ns = 0

    async def give(self, receive: Receive) -> None:
        """Speak until the end, an error, or until the client leaves."""
        counters, error = self._route.counters, None
        counters.active += 1
        watch: asyncio.Task[None] | None = None
        try:
            self._start()
            # The engine is at work now, so this costs the first block nothing.
            watch = asyncio.get_running_loop().create_task(_watch_client(receive, self._stream))
            await self._send_all(open_encoder(self._request.format, self._request.rate_hz))
        except SpeechError as failure:
            error = failure
        except asyncio.CancelledError:
            error = self._stream.error or Stopping()
            if not isinstance(error, ReaderTooSlow):  # that one is our own doing, see below
                raise
        finally:
            if watch is not None:
                watch.cancel()
            await self._stream.close()
            counters.active -= 1
            self._note_complete(error)
        if error is not None and not self._has_begun and not isinstance(error, ClientGone):
            raise from_speech_error(error) from error
        if error is not None and self._has_begun:
            await self._end_broken(error)

    def _start(self) -> None:
        if task := asyncio.current_task():
            self._stream.on_given_up = task.cancel
        try:
            self._stream.start()
        finally:
            self._route.note_received(self._exchange, self._request)

    async def _send_all(self, encoder: Encoder) -> None:
        route = self._route
        while (pcm := await self._stream.read()) is not None:
            began = mono_ns()
            body = await route.encode(encoder, pcm)
            if body:
                self._encode_ns = self._encode_ns or mono_ns() - began
                await self._send_audio(body)
        rest = encoder.finish()
        if rest:
            await self._send_audio(rest)
        end = self._delivery.end(audio_ms(self._stream.progress.bytes_made))
        await self._send({"type": "http.response.body", "body": end, "more_body": False})

    async def _end_broken(self, error: SpeechError) -> None:
        """After the first byte an error has no status left. Where the delivery has no words for it either, the
        body ends without its last chunk, and the client's own library reports that it is incomplete."""
        words = (
            b"" if isinstance(error, ClientGone | ReaderTooSlow) else self._delivery.broken(from_speech_error(error))
        )
        if words:
            await self._send({"type": "http.response.body", "body": words, "more_body": False})

    async def _send_audio(self, body: bytes) -> None:
        message = {"type": "http.response.body", "body": self._delivery.chunk(body), "more_body": True}
        if self._has_begun:
            await self._send(message)
            return
        self._note("FIRST_CHUNK_ENCODED", bytes=len(body))
        self._has_begun = True
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers()})
        # Stamped in front of the write: a reader on this machine can have the bytes before the write returns.
        self._note("FIRST_CHUNK_SENT", bytes=len(body))
        await self._send(message)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        progress, catalogue = self._stream.progress, self._route.catalogue
        stages = (
            ("text", progress.text_ns),
            ("queue", progress.queue_ns),
            ("inference", progress.first_inference_ns),
            ("encode", self._encode_ns),
        )
        # A stage that did not happen, as inference of a piece from a cache, is left out and not 0.
        self._exchange.timings += [stage for stage in stages if stage[1]]
        return [
            (b"content-type", self._delivery.media_type.encode("ascii")),
            (b"x-voxtrace-sample-rate", b"%d" % self._request.rate_hz),
            (b"x-voxtrace-engine", catalogue.engine.encode("ascii")),
            (b"x-voxtrace-provider", catalogue.provider.encode("ascii")),
            (b"x-voxtrace-cache", b"hit" if progress.pieces_cached else b"miss"),  # of the first piece
        ]

    def _note_complete(self, error: SpeechError | None) -> None:
        progress, route = self._stream.progress, self._route
        facts: dict[str, object] = {"outcome": "ok"}
        if isinstance(error, ClientGone):
            facts = {"outcome": "cancelled"}
        elif error is not None:
            facts = {"outcome": "error", "error": error.code, "stage": error.stage}
        if error is not None:
            facts["wasted_audio_ms"] = audio_ms(progress.bytes_wasted)
            route.counters.wasted_audio_ms += audio_ms(progress.bytes_wasted)
        if progress.started_ns:
            facts["start"] = "warm" if progress.warm else "cold"
        outcome = str(facts["outcome"])
        setattr(route.counters, outcome, getattr(route.counters, outcome) + 1)
        self._note("REQUEST_COMPLETE", **facts, cache=progress.cache, provider=route.catalogue.provider, truth="L1")

    def _note(self, name: str, **metadata: object) -> None:
        self._route.note(self._exchange, name, **metadata)


async def _watch_client(receive: Receive, stream: SpeechStream) -> None:
    """Tell the stream when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.abandon()
