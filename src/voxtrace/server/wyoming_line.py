"""The server's end of one Wyoming connection: events in, bounded; sound out."""

from __future__ import annotations

import asyncio
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.tts import SynthesizeStopped

from voxtrace.server.api_error import ApiError
from voxtrace.speech.errors import ClientGone
from voxtrace.speech.ports import OUTPUT_RATE_HZ

SHAPE = {"rate": OUTPUT_RATE_HZ, "width": 2, "channels": 1}
MAX_EVENT_BYTES = 64 * 1024


class WyomingLine:
    """What an utterance needs to be heard; see `Ear`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = _Bounded(reader)
        self._writer = writer
        self._has_sound = False
        self.is_streaming = False  # the client sends its text in chunks, and waits for `synthesize-stopped`

    async def receive(self) -> Event | None:
        """The next event; None when the client is gone or does not speak Wyoming."""
        try:
            return await async_read_event(self._reader)  # type: ignore[arg-type]  # calls these two methods only
        except (OSError, EOFError, KeyError, AttributeError, TypeError, RecursionError):
            return None  # the last four: JSON that is no event

    def close(self) -> None:
        """Hang up, when all that was said is on its way."""
        self._writer.close()

    async def say(self, event: Eventable) -> None:
        """Send an event; a client that is gone misses it."""
        try:
            await async_write_event(event.event(), self._writer)
        except OSError:
            pass

    async def send(self, record: dict[str, object]) -> None:
        """See `Ear`: of all that is told, Wyoming knows the end only."""
        if record["type"] == "done":
            await self._end_sound()

    async def send_error(self, error: ApiError, request_id: str | None) -> None:
        """See `Ear`."""
        await self.say(Error(str(error), error.code))
        await self._end_sound()

    async def send_audio(self, audio: bytes, timing: dict[str, object] | None) -> None:
        """See `Ear`."""
        try:
            if not self._has_sound:
                self._has_sound = True
                await async_write_event(AudioStart(**SHAPE).event(), self._writer)
            await async_write_event(AudioChunk(audio=audio, **SHAPE).event(), self._writer)
        except OSError as why:
            raise ClientGone from why

    async def _end_sound(self) -> None:
        if self._has_sound:
            self._has_sound = False
            await self.say(AudioStop())
        if self.is_streaming:
            self.is_streaming = False
            await self.say(SynthesizeStopped())


class _Bounded:
    """A reader that believes no announced length beyond what an event may have."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        return await self._reader.readline()  # asyncio's own limit is 64 KiB

    async def readexactly(self, length: Any) -> bytes:
        if not isinstance(length, int) or length > MAX_EVENT_BYTES:
            raise ValueError(f"an event of {length} bytes was announced")
        return await self._reader.readexactly(length)
