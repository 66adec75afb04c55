"""The player daemon as an ASGI application: WebSockets for sound, GET /health for everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from voxtrace.client.playback import answers
from voxtrace.client.playback.answers import Answer
from voxtrace.client.playback.connection import Connection
from voxtrace.client.playback.errors import PlaybackError
from voxtrace.client.playback.stage import Stage
from voxtrace.client.playback.utterance import Report, Utterance

Note = Callable[[Utterance, Report, int], None]
"""Keeps a report, with the wall clock's time of its moment."""

MAX_CLIENTS = 8
WAITING_ANSWERS = 256  # for one client; one that reads none of them is sent away
PUMP_S = 0.02  # between looks at what the device did; what it reports is stamped with its own moment
TICK_EVERY = 10  # of them: status and heartbeat

TRY_LATER, POLICY = 1013, 1008  # close codes of RFC 6455


class PlayerApp:
    """Carries frames between sockets and `Connection`s, and reports from the device to whom they concern."""

    def __init__(self, stage: Stage, note: Note, lost_frames: Callable[[], int] = lambda: 0) -> None:
        self._stage, self._note, self._lost_frames = stage, note, lost_frames
        self._clients: dict[int, _Client] = {}
        self._last_number = 0

    def asgi(self, guard: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> ASGIApp:
        """The application behind its door."""

        @asynccontextmanager
        async def pumping(_: Starlette) -> AsyncIterator[None]:
            pump = asyncio.create_task(self._pump())
            yield
            pump.cancel()
            self._stage.player.stop_all(self._stage.clock.mono_ns())
            self._deliver()

        routes: Sequence[Route | WebSocketRoute] = (
            Route("/health", self._health),
            WebSocketRoute("/{path:path}", self._serve),
        )
        return guard(Starlette(routes=routes, lifespan=pumping))

    async def _health(self, _: Request) -> Response:
        facts = answers.health(self._stage, len(self._clients), self._lost_frames())
        return JSONResponse(facts, headers={"Cache-Control": "no-store"})

    async def _serve(self, socket: WebSocket) -> None:
        await socket.accept()
        if len(self._clients) >= MAX_CLIENTS:
            await socket.close(TRY_LATER, f"{MAX_CLIENTS} clients are connected already")
            return
        self._last_number += 1
        number = self._last_number
        try:
            connection = Connection(self._stage, number, socket.query_params)
        except PlaybackError as why:
            await socket.send_text(answers.error(why, None).text(self._stage.clock.wall_ns()))
            await socket.close(POLICY, why.code)
            return
        client = self._clients[number] = _Client(socket, connection, self._stage)
        writer = asyncio.create_task(client.write())
        try:
            await client.read()
        finally:
            connection.lost()
            del self._clients[number]
            writer.cancel()

    async def _pump(self) -> None:
        beat = 0
        while True:
            await asyncio.sleep(PUMP_S)
            self._deliver()
            beat = (beat + 1) % TICK_EVERY
            if not beat:
                self._stage.player.give_way(self._stage.clock.mono_ns())
                for client in self._clients.values():
                    client.answer(client.connection.tick())

    def _deliver(self) -> None:
        wall_minus_mono = self._stage.clock.wall_ns() - self._stage.clock.mono_ns()
        for utterance, report in self._stage.player.take_reports():
            self._note(utterance, report, report.at_ns + wall_minus_mono)
            client = self._clients.get(utterance.owner)
            if client is not None:
                client.answer(client.connection.told(utterance, report))


class _Client:
    """One open socket."""

    def __init__(self, socket: WebSocket, connection: Connection, stage: Stage) -> None:
        self.connection = connection
        self._socket, self._stage = socket, stage
        self._answers: asyncio.Queue[Answer] = asyncio.Queue(WAITING_ANSWERS)

    def answer(self, more: Sequence[Answer]) -> None:
        """Send when the socket takes it; never waits."""
        for answer in more:
            try:
                self._answers.put_nowait(answer)
            except asyncio.QueueFull:
                # It reads nothing. Its sound is played; it is not told of it.
                return

    async def read(self) -> None:
        """Until the client leaves."""
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if (text := message.get("text")) is not None:
                    self.answer(self.connection.receive_text(text))
                else:
                    self.answer(self.connection.receive_bytes(message.get("bytes") or b""))
                # A flood would otherwise be read without a pause, and the reports would wait.
                await asyncio.sleep(0)
        except WebSocketDisconnect:
            return

    async def write(self) -> None:
        """Answers, in order."""
        while True:
            answer = await self._answers.get()
            try:
                await self._socket.send_text(answer.text(self._stage.clock.wall_ns()))
            except (WebSocketDisconnect, RuntimeError):  # Starlette's word for a socket that was closed meanwhile
                return
