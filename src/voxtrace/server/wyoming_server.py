"""Wyoming, as Home Assistant speaks it: describe, synthesize, synthesize-start/chunk/stop, ping."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from voxtrace import __version__
from voxtrace.clock import mono_ns, wall_ns
from voxtrace.errors import InvalidOption, MissingExtra, PortInUse
from voxtrace.server.api_error import ApiError, from_speech_error
from voxtrace.server.desk import Desk
from voxtrace.server.exchange import open_exchange
from voxtrace.server.live_utterance import Utterance
from voxtrace.server.speech_request import check_characters, read_fields, with_document
from voxtrace.speech.errors import Stopping
from voxtrace.speech.live import TooMuchText
from voxtrace.speech.ports import Catalogue
from voxtrace.speech.text.ssml import is_ssml
from voxtrace.speech.voices import DEFAULT_VOICE
from voxtrace.tracker import generate_request_id

if TYPE_CHECKING:
    from wyoming.event import Event
    from wyoming.info import Info
    from wyoming.tts import SynthesizeVoice

    from voxtrace.server.wyoming_line import WyomingLine

WAITING_CHARS = 16_384
MAX_CLIENTS = 50
IDLE_S = 300.0  # Home Assistant opens a connection for each sentence


class WyomingServer:
    """Answers on a port of its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which is of interest where `port` is 0.

        Raises:
            MissingExtra: the package `wyoming` is not installed.
            PortInUse: something listens there already.
        """
        try:
            import wyoming.event  # noqa: F401 - loaded now, and not with the first client
        except ImportError as missing:
            raise MissingExtra("wyoming", needs="wyoming") from missing
        try:
            self._server = await asyncio.start_server(self._serve, host, port)
        except OSError as why:
            if why.errno == errno.EADDRINUSE:
                raise PortInUse(host, port, "--wyoming-port") from why
            raise InvalidOption("wyoming_port", port, why.strerror or str(why)) from why
        return int(self._server.sockets[0].getsockname()[1])

    def close_port(self) -> None:
        """Take in nobody any more."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Hang up on everybody."""
        self.close_port()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from voxtrace.server.wyoming_line import WyomingLine

        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._clients) < MAX_CLIENTS:
                self._clients.add(task)
                client = _Client(self._desk, WyomingLine(reader, writer))
                with self._desk.farewell.staying(client):
                    await client.run()
        finally:
            self._clients.discard(task)
            writer.close()


class _Client:
    """One connection."""

    def __init__(self, desk: Desk, line: WyomingLine) -> None:
        self._desk, self._line = desk, line
        self._session_id = f"wyoming-{generate_request_id()}"
        self._utterance: Utterance | None = None
        self._voice: SynthesizeVoice | None = None
        self._obeying = asyncio.Lock()  # held while a client's word is being followed, until it was answered

    async def run(self) -> None:
        """Until the client leaves."""
        try:
            while (event := await self._next()) is not None:
                async with self._obeying:
                    await self._follow(event)
        except TimeoutError:
            pass
        finally:
            if self._utterance is not None:
                await self._utterance.give_up()

    async def _follow(self, event: Event) -> None:
        try:
            await self._obey(event)
        except ApiError as error:
            await self._line.send_error(error, None)
        except TooMuchText as error:
            if self._utterance is not None:
                await self._utterance.give_up(error)

    async def leave(self, _: float) -> None:
        """See `Guest`. Wyoming has no word for what is about to happen: only who waits for nothing is told."""
        if self._utterance is None or self._utterance.is_over:
            await self._line.send_error(from_speech_error(Stopping()), None)
        else:
            await self._utterance.wait()
        async with self._obeying:
            self._line.close()

    async def cut_off(self) -> None:
        """See `Guest`."""
        if self._utterance is not None:
            await self._utterance.cut_off()

    async def _next(self) -> Event | None:
        async with asyncio.timeout(IDLE_S):
            return await self._line.receive()

    async def _obey(self, event: Event) -> None:
        from wyoming.info import Describe
        from wyoming.ping import Ping, Pong
        from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

        if Describe.is_type(event.type):
            await self._line.say(describe(self._desk.catalogue))
        elif Ping.is_type(event.type):
            await self._line.say(Pong(_text_in(event)))
        elif SynthesizeStart.is_type(event.type):
            await self._wait()
            self._voice, self._line.is_streaming = _voice_in(event), True
        elif SynthesizeChunk.is_type(event.type):
            if self._line.is_streaming:
                self._say(_text_in(event) or "")
        elif SynthesizeStop.is_type(event.type):
            if self._utterance is not None and self._utterance.is_open:
                self._utterance.end()
            elif self._line.is_streaming and (self._utterance is None or self._utterance.is_over):
                await self._line.send({"type": "done"})  # there was no text
        elif Synthesize.is_type(event.type) and not self._line.is_streaming:
            # In between start and stop it repeats the whole text, for servers that know no chunks.
            await self._wait()
            self._voice = _voice_in(event)
            text = _text_in(event) or ""
            if not text:
                raise ApiError(HTTPStatus.BAD_REQUEST, "text: is empty: there is nothing to speak", code="invalid_text")
            if is_ssml(text):
                self._say_document(text)
                return
            self._say(text)
            if self._utterance is not None and self._utterance.is_open:
                self._utterance.end()

    async def _wait(self) -> None:
        if self._utterance is not None:
            await self._utterance.wait()
            self._utterance = None

    def _say(self, text: str) -> None:
        if not text:
            return
        check_characters("text", text)
        if self._utterance is None:
            self._utterance = self._open_utterance()
        if self._utterance.is_open:
            self._utterance.say(text)

    def _say_document(self, text: str) -> None:
        if len(text) > WAITING_CHARS:
            raise from_speech_error(TooMuchText(WAITING_CHARS))
        self._utterance = self._open_utterance(text)
        self._utterance.speak_whole()

    def _open_utterance(self, ssml: str = "") -> Utterance:
        if self._desk.is_draining:
            raise from_speech_error(Stopping())
        self._desk.admit()
        name = _name_of(self._voice, self._desk.catalogue)
        request = read_fields({"voice": name, "response_format": "pcm"}, "", self._desk.models)
        if ssml:
            request = with_document(request, ssml, self._desk.catalogue)
        exchange = replace(
            open_exchange(()),
            session_id=self._session_id,
            received_mono_ns=mono_ns(),
            received_wall_ns=wall_ns(),
            transport="wyoming-live" if self._line.is_streaming else "wyoming",
        )
        return Utterance(self._desk, exchange, request, self._line, WAITING_CHARS)


def describe(catalogue: Catalogue) -> Info:
    """What Home Assistant shows: one program with the engine's voices."""
    from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

    whose: dict[str, Any] = {"attribution": Attribution("Voxtrace", ""), "installed": True, "version": __version__}
    voices = [
        TtsVoice(name=voice.id, description=voice.name, languages=[voice.language], **whose)
        for voice in catalogue.voices
    ]
    program = TtsProgram(
        name="voxtrace", description=catalogue.engine, voices=voices, supports_synthesize_streaming=True, **whose
    )
    return Info(tts=[program])


def _name_of(voice: SynthesizeVoice | None, catalogue: Catalogue) -> str:
    """The voice that is asked for, by its name or by a language; where it has no such region, by the language alone."""
    if voice is None:
        return DEFAULT_VOICE
    if voice.name:
        return voice.name
    wanted = (voice.language or "").replace("_", "-").lower()
    tag = wanted
    while tag:
        if catalogue.has(tag):  # of the several voices of "en" the engine knows which comes first
            return tag
        for each in catalogue.voices:
            if tag in (each.language.lower(), each.id.lower(), *(name.lower() for name in each.also)):
                return each.id
        tag = tag.rpartition("-")[0]
    return wanted or DEFAULT_VOICE


def _voice_in(event: Event) -> SynthesizeVoice | None:
    from wyoming.tts import SynthesizeVoice

    voice = event.data.get("voice")
    return SynthesizeVoice.from_dict(voice) if isinstance(voice, dict) else None


def _text_in(event: Event) -> str | None:
    text = event.data.get("text")
    return text if isinstance(text, str) else None
