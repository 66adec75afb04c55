"""The live socket: every viewer hears within a quarter of a second what changed, and a slow one slows nobody.

hello -> the viewer asks `resume` -> snapshot, or one delta over what it missed -> delta, delta, … and a ping every
five seconds. Each viewer has a queue of one: a newer message replaces one that was not sent yet, the viewer sees the
gap in the numbers and asks to resume.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from voxtrace.clock import Clock
from voxtrace.dashboard.api import error_to_json
from voxtrace.dashboard.changes import Changes
from voxtrace.dashboard.reading import ReadStore
from voxtrace.errors import VoxtraceError
from voxtrace.units import NANOS_PER_SECOND, millis

PROTOCOL = 1
MAX_IDS = 100  # named in one delta; with ids of usual length that is far below 16 KiB
MAX_ID_CHARS = 120  # a longer id is only counted
MAX_ASKED = 1_024  # characters of a viewer's message
MAX_ASKS_PER_TICK = 4
TRY_AGAIN_LATER, POLICY_VIOLATION = 1013, 1008

_log = logging.getLogger(__name__)

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How fast the hub speaks, and to how many."""

    tick_s: float = 0.25
    heartbeat_ticks: int = 3  # a delta at least that often: twice as long a silence means that something is wrong
    ping_ticks: int = 20
    kept_deltas: int = 240  # a minute at the fastest
    send_timeout_s: float = 5.0
    max_viewers: int = 50


@dataclass(slots=True, eq=False)
class Viewer:
    """One open page."""

    socket: WebSocket
    waiting: Message | None = None  # the queue of one
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    asks: int = 0  # since the last tick

    def put(self, message: Message) -> bool:
        """Hand a message to the sender.

        Returns:
            Whether one was lost for it: an older one, or this one because a snapshot goes first.
        """
        lost = self.waiting is not None
        if not (self.waiting and self.waiting["type"] == "snapshot"):
            self.waiting = message
        self.filled.set()
        return lost


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed in one step of the sequence."""

    seq: int
    changed: tuple[str, ...]
    more: int  # changed requests that are not named


class LiveHub:
    """Tells all viewers what changed. It runs only while there are any."""

    def __init__(
        self, store: ReadStore, changes: Changes, clock: Clock, *, assets: str, limits: LiveLimits | None = None
    ) -> None:
        self._store, self._changes, self._clock = store, changes, clock
        # A new one at every start: a page that sees another id knows that its sequence numbers mean nothing any more.
        self._server_id = secrets.token_hex(8)
        self._assets, self._limits = assets, limits or LiveLimits()
        self._viewers: set[Viewer] = set()
        self._history: deque[Delta] = deque(maxlen=self._limits.kept_deltas)
        self._seq = 0
        self.conflated = 0  # messages that a newer one replaced before they were sent
        self._accounts: Message | None = None
        self._beating: asyncio.Task[None] | None = None

    async def serve(self, socket: WebSocket) -> None:
        """One viewer, from hello to goodbye."""
        await socket.accept()
        if len(self._viewers) >= self._limits.max_viewers:
            await socket.close(TRY_AGAIN_LATER, f"{self._limits.max_viewers} pages are open already")
            return
        viewer = Viewer(socket)
        self._viewers.add(viewer)
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat())
        sender = asyncio.create_task(self._send(viewer))
        try:
            await self._listen(viewer)
        finally:
            self._viewers.discard(viewer)
            sender.cancel()

    # --- one viewer

    async def _listen(self, viewer: Viewer) -> None:
        try:
            while True:
                text = await viewer.socket.receive_text()
                viewer.asks += 1
                asked = _read(text)
                if asked is None or viewer.asks > MAX_ASKS_PER_TICK:
                    await viewer.socket.close(POLICY_VIOLATION, "not understood")
                    return
                await self._resume(viewer, asked)
        except (WebSocketDisconnect, RuntimeError, KeyError):
            # Gone, closed by the sender meanwhile, or a binary message, which Starlette reports as a missing key.
            return

    async def _resume(self, viewer: Viewer, asked: Message) -> None:
        since = asked.get("from")
        oldest = self._history[0].seq - 1 if self._history else self._seq
        if asked.get("server_id") == self._server_id and type(since) is int and oldest <= since <= self._seq:
            missed = [delta for delta in self._history if delta.seq > since]
            if missed:
                self._put(viewer, self._delta_message(since, missed))
            return
        if self._accounts is None:
            self._accounts = await run_in_threadpool(self._read_accounts)
        snapshot = {"type": "snapshot", "seq": self._seq, "accounts": self._accounts, "conflated": self.conflated}
        viewer.waiting = None  # whatever waited is older than the snapshot
        self._put(viewer, snapshot)

    async def _send(self, viewer: Viewer) -> None:
        hello = {
            "type": "hello",
            "proto": PROTOCOL,
            "server_id": self._server_id,
            "assets": self._assets,
            "now_mono_ms": millis(self._clock.mono_ns()),
            "now_wall": self._clock.wall_ns() / NANOS_PER_SECOND,
        }
        try:
            await asyncio.wait_for(viewer.socket.send_text(_write(hello)), self._limits.send_timeout_s)
            while True:
                await viewer.filled.wait()
                viewer.filled.clear()
                message, viewer.waiting = viewer.waiting, None
                if message is not None:
                    await asyncio.wait_for(viewer.socket.send_text(_write(message)), self._limits.send_timeout_s)
        except TimeoutError:
            self._viewers.discard(viewer)
            await _close(viewer.socket)
        except (WebSocketDisconnect, RuntimeError):
            self._viewers.discard(viewer)  # gone in the middle of a message

    def _put(self, viewer: Viewer, message: Message) -> None:
        if viewer.put(message):
            self.conflated += 1

    # --- all viewers

    async def _beat(self) -> None:
        tick = 0
        while self._viewers:
            try:
                await self._tick(tick)
            except Exception:  # noqa: BLE001 - the edge of the loop: one bad tick must not silence all pages
                _log.exception("live tick failed")
            tick += 1
            await asyncio.sleep(self._limits.tick_s)

    async def _tick(self, tick: int) -> None:
        changed = self._changes.drain()
        beat = tick % self._limits.heartbeat_ticks == 0
        if changed.request_ids or changed.more or beat:
            before = self._accounts
            self._accounts = await run_in_threadpool(self._read_accounts)
            # Another process, such as an import, writes into the store without telling anybody here.
            unseen = int(before is not None and before.get("stored") != self._accounts.get("stored"))
            named = tuple(each for each in changed.request_ids if len(each) <= MAX_ID_CHARS)[:MAX_IDS]
            more = changed.more + len(changed.request_ids) - len(named)
            self._seq += 1
            self._history.append(Delta(self._seq, named, more or (unseen if not named else 0)))
            self._broadcast(self._delta_message(self._seq - 1, [self._history[-1]]))
        elif tick % self._limits.ping_ticks == self._limits.ping_ticks - 1:
            self._broadcast({"type": "ping", "seq": self._seq})
        for viewer in self._viewers:
            viewer.asks = 0

    def _broadcast(self, message: Message) -> None:
        for viewer in tuple(self._viewers):
            self._put(viewer, message)

    def _delta_message(self, since: int, deltas: list[Delta]) -> Message:
        """One message over several steps: the newest requests are named, the others counted."""
        ids = list(dict.fromkeys(each for delta in reversed(deltas) for each in delta.changed))
        return {
            "type": "delta",
            "from": since,
            "seq": deltas[-1].seq,
            "changed": ids[:MAX_IDS],
            "more": sum(delta.more for delta in deltas) + len(ids[MAX_IDS:]),
            "accounts": self._accounts,
            "conflated": self.conflated,
        }

    def _read_accounts(self) -> Message:
        try:
            return self._store.accounts().to_json()
        except VoxtraceError as error:
            return error_to_json(error)


def _read(text: str) -> Message | None:
    """A viewer's message; None for anything but a small `resume`."""
    if len(text) > MAX_ASKED:
        return None
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return asked if isinstance(asked, dict) and asked.get("type") == "resume" else None


def _write(message: Message) -> str:
    return json.dumps(message, separators=(",", ":"))


async def _close(socket: WebSocket) -> None:
    """Say why, if the other side still listens; it has a second to do so."""
    if socket.application_state is not WebSocketState.DISCONNECTED:
        try:
            await asyncio.wait_for(socket.close(TRY_AGAIN_LATER, "too slow"), 1.0)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return
