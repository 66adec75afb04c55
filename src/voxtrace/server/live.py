"""`/v1/audio/speech/live`: text in while it is being written, sound out while it is being spoken.

One socket carries one utterance after the other, each with a request id of its own. Two things run at once: the
session reads what the client says, and the utterance under way is spoken. docs/live.md is the protocol.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.errors import InvalidOption
from voxtrace.server.api_error import ApiError, from_speech_error
from voxtrace.server.desk import Desk
from voxtrace.server.exchange import Exchange, open_exchange
from voxtrace.server.live_line import Line
from voxtrace.server.live_message import Asked, read_message
from voxtrace.server.live_utterance import Utterance
from voxtrace.server.speech_request import SpeechRequest, read_fields, read_input_type
from voxtrace.speech.errors import Stopping
from voxtrace.speech.live import TooMuchText
from voxtrace.tracker import generate_request_id, request_id_from_headers

POLICY_VIOLATION, GOING_AWAY, TRY_AGAIN_LATER = 1008, 1001, 1013
STOPPING = "the server is stopping"  # the reason of a close frame


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How long, and how much."""

    alive_s: float = 5.0  # the longest silence of the server
    idle_s: float = 60.0  # the longest silence of a client while nothing is spoken
    waiting_chars: int = 16_384  # a quarter of an hour of speech
    sockets: int = 50

    def __post_init__(self) -> None:
        if self.idle_s <= 0 or self.alive_s <= 0:
            raise InvalidOption("live", (self.idle_s, self.alive_s), "must be more than 0 seconds")


class LiveRoute:
    """Opens a session for each socket."""

    def __init__(self, desk: Desk, limits: LiveLimits | None = None) -> None:
        self._desk = desk
        self._limits = limits or LiveLimits()
        self.open = 0

    async def serve(self, socket: WebSocket) -> None:
        """Answer one socket until it is closed."""
        await socket.accept()
        if self.open >= self._limits.sockets:
            await socket.close(TRY_AGAIN_LATER, f"{self.open} live sockets are open already")
            return
        if self._desk.is_draining:
            await socket.close(GOING_AWAY, STOPPING)
            return
        self.open += 1
        session = _Session(self._desk, self._limits, socket)
        try:
            with self._desk.farewell.staying(session):
                await session.run()
        finally:
            self.open -= 1


class _Session:
    """One client."""

    def __init__(self, desk: Desk, limits: LiveLimits, socket: WebSocket) -> None:
        self._desk, self._limits = desk, limits
        self._line = Line(socket)
        self._opening = open_exchange(socket.scope["headers"])
        self._session_id = self._opening.session_id or f"live-{generate_request_id()}"
        self._first_id: str | None = self._opening.request_id  # for the first utterance; others get their own
        self._request = read_fields({"response_format": "pcm"}, "", desk.models)
        self._utterance: Utterance | None = None
        # After a refusal the text that it is about still comes: it is dropped until the client begins anew.
        self._is_deaf = False

    async def run(self) -> None:
        """Until the client leaves, breaks the rules, or says nothing for too long."""
        alive = asyncio.get_running_loop().create_task(self._stay_alive())
        try:
            while True:
                await self._obey(read_message(await self._receive()))
        except WebSocketDisconnect:
            pass
        except ApiError as fault:
            await self._stop()
            await self._tell_error(fault)
            await self._line.close(POLICY_VIOLATION, fault.code)
        except TimeoutError:
            await self._stop()
            await self._line.send({"type": "idle", "after_s": self._limits.idle_s})
            await self._line.close(GOING_AWAY, "idle")
        finally:
            alive.cancel()
            await self._stop()

    async def leave(self, after_s: float) -> None:
        """See `Guest`."""
        await self._line.send({"type": "draining", "after_s": after_s})
        if self._utterance is not None:
            await self._utterance.wait()
        await self._line.close(GOING_AWAY, STOPPING)

    async def cut_off(self) -> None:
        """See `Guest`."""
        if self._utterance is not None:
            await self._utterance.cut_off()

    async def _stop(self) -> None:
        if self._utterance is not None:
            await self._utterance.give_up()

    async def _receive(self) -> str | bytes | None:
        while True:
            try:
                async with asyncio.timeout(self._limits.idle_s):
                    return await self._line.receive()
            except TimeoutError:
                # A client that waits for the end of what it asked for is not idle.
                if self._utterance is None or self._utterance.is_over or self._utterance.is_open:
                    raise

    async def _obey(self, asked: Asked) -> None:
        if self._is_deaf or (self._utterance is not None and self._utterance.is_broken):
            if asked.type in ("text", "flush"):
                return
            if self._utterance is not None and self._utterance.is_over:
                self._utterance = None
            was_deaf, self._is_deaf = self._is_deaf, False
            # An utterance whose text was still coming when something else was refused ends here all the same.
            if was_deaf and asked.type == "end" and (self._utterance is None or not self._utterance.is_open):
                return
        try:
            await getattr(self, f"_on_{asked.type}")(asked)
        except ApiError as error:
            await self._tell_error(error)
            self._is_deaf = True

    async def _on_start(self, asked: Asked) -> None:
        self._require_quiet()
        _require_plain_text(asked.fields)
        self._request = read_fields({"response_format": "pcm", **asked.fields}, "", self._desk.models)
        self._first_id = _id_in(asked.fields, "request_id") or self._first_id
        self._session_id = _id_in(asked.fields, "session_id") or self._session_id

    async def _on_text(self, asked: Asked) -> None:
        if not asked.text:
            return
        if self._utterance is None or not self._utterance.is_open:
            if self._desk.is_draining:
                raise from_speech_error(Stopping())
            self._require_quiet()
            self._desk.admit()
            await self._open_utterance()
        assert self._utterance is not None
        try:
            self._utterance.say(asked.text)
        except TooMuchText as error:
            await self._utterance.give_up(error)

    async def _on_flush(self, _: Asked) -> None:
        if self._utterance is not None and self._utterance.is_open:
            self._utterance.flush()

    async def _on_end(self, _: Asked) -> None:
        if self._utterance is not None and self._utterance.is_open:
            self._utterance.end()

    async def _on_cancel(self, _: Asked) -> None:
        await self._stop()

    def _require_quiet(self) -> None:
        if self._utterance is not None and not self._utterance.is_over:
            why = "the utterance before is not over: wait for its `done`, or send `cancel`"
            raise ApiError(HTTPStatus.CONFLICT, why, code="still_speaking")

    async def _open_utterance(self) -> None:
        request_id = self._first_id or generate_request_id()
        self._first_id = None
        exchange = replace(
            self._opening,
            request_id=request_id,
            session_id=self._session_id,
            received_mono_ns=mono_ns(),
            received_wall_ns=wall_ns(),
            transport="live",
            timings=[],
        )
        desk = self._desk.of(self._request.model)
        self._utterance = Utterance(desk, exchange, self._request, self._line, self._limits.waiting_chars)
        await self._line.send(_started(exchange, self._request, self._utterance.media_type))

    async def _tell_error(self, error: ApiError) -> None:
        await self._line.send_error(error, None)

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(self._limits.alive_s / 2)
            if self._line.silent_s() >= self._limits.alive_s / 2:
                await self._line.send({"type": "alive"})


def _started(exchange: Exchange, request: SpeechRequest, media_type: str) -> dict[str, object]:
    return {
        "type": "started",
        "request_id": exchange.request_id,
        "session_id": exchange.session_id,
        "voice": request.voice,
        "content_type": media_type,
        "sample_rate": request.rate_hz,
    }


def _require_plain_text(fields: dict[str, Any]) -> None:
    if read_input_type(fields) == "ssml":
        why = "input_type: SSML is read whole, and here text comes in parts: send it to POST /v1/audio/speech"
        raise ApiError(HTTPStatus.BAD_REQUEST, why, code="invalid_input_type", param="input_type")


def _id_in(fields: dict[str, Any], name: str) -> str | None:
    given = fields.get(name)
    if given is None:
        return None
    if not isinstance(given, str) or request_id_from_headers({"x-request-id": given}) != given:
        why = f"{name}: must be letters, digits and - _ . : only, as in a header"
        raise ApiError(HTTPStatus.BAD_REQUEST, why, code=f"invalid_{name}", param=name)
    return given
