"""`POST /v1/audio/speech`: the hot route. Plain ASGI, because each layer in between costs first audio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxtrace.server.api_error import ApiError, from_speech_error
from voxtrace.server.body import read_body
from voxtrace.server.delivery import delivery_of, event
from voxtrace.server.desk import Desk, order_of
from voxtrace.server.exchange import KEY, Exchange
from voxtrace.server.ledger import Ledger
from voxtrace.server.rendering import Chunk, Rendering
from voxtrace.server.speech_request import MAX_BODY_BYTES, SpeechRequest, read_request
from voxtrace.speech.errors import ClientGone, ReaderTooSlow, SpeechError
from voxtrace.speech.lengths import audio_ms
from voxtrace.speech.ports import Abilities, Mode
from voxtrace.speech.stream import SpeechStream

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class SpeechRoute:
    """Answers with audio from the first block on. Headers wait for it: until then an error has its status."""

    desk: Desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[KEY]
        try:
            request = read_request(await read_body(scope, receive, MAX_BODY_BYTES), self.desk.models)
            self.desk.admit()
        except (ApiError, ClientGone) as refusal:
            self.desk.note_refused(exchange, refusal)
            if isinstance(refusal, ApiError):
                raise
            return
        self.desk.note(exchange, "PROCESSING_START")
        await _Answer(self.desk.of(request.model), exchange, request, send).give(receive)


class _Answer:
    """One answer on its way to its client."""

    def __init__(self, desk: Desk, exchange: Exchange, request: SpeechRequest, send: Send) -> None:
        self._ledger = Ledger(desk.marks) if request.has_timings else None
        self._stream = SpeechStream(desk.source, order_of(desk, exchange, request), self._ledger or desk.marks)
        if self._ledger is not None:
            self._stream.on_word = self._ledger.hear
        self._rendering = Rendering(desk, exchange, request, self._stream)
        self._delivery = delivery_of(request)
        self._send = send

    async def give(self, receive: Receive) -> None:
        """Speak until the end, an error, or until the client leaves."""
        error = await self._rendering.run(self._send_audio, lambda: _watch_client(receive, self._stream))
        if error is None:
            await self._send_last(self._delivery.end(audio_ms(self._stream.progress.bytes_made)))
        elif self._rendering.has_begun:
            await self._end_broken(error)
        elif not isinstance(error, ClientGone):
            raise from_speech_error(error) from error

    async def _end_broken(self, error: SpeechError) -> None:
        """After the first byte an error has no status left. Where the delivery has no words for it either, the
        body ends without its last chunk, and the client's own library reports that it is incomplete."""
        if not isinstance(error, ClientGone | ReaderTooSlow) and (
            words := self._delivery.broken(from_speech_error(error))
        ):
            await self._send_last(words)

    async def _send_last(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send_audio(self, chunk: Chunk) -> None:
        body = self._delivery.chunk(chunk.body)
        if self._ledger is not None:
            body += event({"type": "voxtrace.timing", **self._ledger.timing_of(chunk)})
        message = {"type": "http.response.body", "body": body, "more_body": True}
        if chunk.seq == 0:
            await self._send({"type": "http.response.start", "status": 200, "headers": self._headers()})
            # Stamped in front of the write: a reader on this machine can have the bytes before the write returns.
            self._rendering.note("FIRST_CHUNK_SENT", bytes=len(chunk.body))
        await self._send(message)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        rendering = self._rendering
        progress, catalogue = self._stream.progress, rendering.desk.catalogue
        stages = (
            ("text", progress.text_ns),
            ("queue", progress.queue_ns),
            ("phonemes", progress.phonemes_ns),
            ("inference", progress.first_inference_ns),
            ("encode", rendering.first_encode_ns),
        )
        # A stage that did not happen, as inference of a piece from a cache, is left out and not 0.
        rendering.exchange.timings += [stage for stage in stages if stage[1]]
        return [
            (b"content-type", self._delivery.media_type.encode("ascii")),
            (b"x-voxtrace-sample-rate", b"%d" % rendering.request.rate_hz),
            (b"x-voxtrace-engine", catalogue.engine.encode("ascii")),
            (b"x-voxtrace-provider", catalogue.provider.encode("ascii")),
            (b"x-voxtrace-cache", b"hit" if progress.is_first_cached else b"miss"),  # the first piece
            *([(b"x-voxtrace-hedged", progress.hedged_by.encode("ascii"))] if progress.hedged_by else []),
            *_choices(catalogue.abilities, self._stream.mode, rendering.request.quality),
        ]


def _choices(abilities: Abilities, mode: Mode | None, asked: str) -> Iterator[tuple[bytes, bytes]]:
    """What was chosen for the engine, where there was a choice."""
    if mode is not None:
        yield b"x-voxtrace-mode", mode.name.encode("ascii")
    elif asked:
        yield b"x-voxtrace-mode", b"none"  # the engine has nothing that it could change
    if precision := (mode.variant if mode else "") or abilities.precision:
        yield b"x-voxtrace-precision", precision.encode("ascii")
    if abilities.fallback:
        yield b"x-voxtrace-provider-asked", abilities.asked_provider.encode("ascii")


async def _watch_client(receive: Receive, stream: SpeechStream) -> None:
    """Tell the stream when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.abandon()
