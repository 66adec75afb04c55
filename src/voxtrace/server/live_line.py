"""The server's end of one live socket: whole messages out, and when the last one left."""

from __future__ import annotations

import asyncio
import json

from starlette.websockets import WebSocket, WebSocketDisconnect

from voxtrace.clock import mono_ns
from voxtrace.server.api_error import ApiError
from voxtrace.speech.errors import ClientGone
from voxtrace.units import NANOS_PER_SECOND


class Line:
    """Several tasks speak here; each message, and each pair of sound and its timing, stays in one piece."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._lock = asyncio.Lock()
        self._last_ns = mono_ns()
        self._is_gone = False

    def silent_s(self) -> float:
        """Seconds since something was sent."""
        return (mono_ns() - self._last_ns) / NANOS_PER_SECOND

    async def receive(self) -> str | bytes | None:
        """The next message of the client.

        Raises:
            WebSocketDisconnect: it is gone.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self._is_gone = True
            raise WebSocketDisconnect(message.get("code", 1006))
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes")

    async def send(self, record: dict[str, object]) -> None:
        """Send a JSON message; a client that is gone misses it."""
        try:
            await self._send(record, None)
        except ClientGone:
            pass

    async def send_error(self, error: ApiError, request_id: str | None) -> None:
        """Say what went wrong, with the utterance where it is about one."""
        whose = {"request_id": request_id} if request_id else {}
        await self.send({"type": "error", **whose, **json.loads(error.body)})

    async def send_audio(self, audio: bytes, timing: dict[str, object] | None) -> None:
        """Send sound, and what is known of it right behind.

        Raises:
            ClientGone: nobody is left to hear it.
        """
        await self._send(timing, audio)

    async def close(self, code: int, reason: str) -> None:
        """Hang up."""
        if not self._is_gone:
            self._is_gone = True
            await self._socket.close(code, reason)

    async def _send(self, record: dict[str, object] | None, audio: bytes | None) -> None:
        async with self._lock:
            if self._is_gone:
                raise ClientGone
            try:
                if audio is not None:
                    await self._socket.send_bytes(audio)
                if record is not None:
                    await self._socket.send_text(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
            except (WebSocketDisconnect, RuntimeError) as why:
                # Starlette's RuntimeError: the close was noticed by the other task first.
                self._is_gone = True
                raise ClientGone from why
            self._last_ns = mono_ns()
