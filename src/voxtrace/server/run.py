"""Runs the speech server: engines first, then the port, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from voxtrace.clock import wall_ns
from voxtrace.config import LOOPBACK, SERVE_PORT
from voxtrace.errors import InvalidOption, PortInUse
from voxtrace.server.app import build_app
from voxtrace.server.desk import open_desk
from voxtrace.server.live import LiveLimits
from voxtrace.server.performance import Numbers
from voxtrace.server.silence import ImpatientProtocol, raise_file_limit
from voxtrace.server.uvicorn_server import UvicornServer
from voxtrace.server.wyoming_server import WyomingServer
from voxtrace.speech.admission import refuse
from voxtrace.speech.backends import Backends, start_backends
from voxtrace.speech.cache.disk import DiskCache
from voxtrace.speech.cache.keys import Maker
from voxtrace.speech.cache.memory import CacheLimits, PieceCache
from voxtrace.speech.cache.predict import FillOptions
from voxtrace.speech.cache.shared import SharedCache
from voxtrace.speech.cache.source import CachedSource, Levels
from voxtrace.speech.encode import load_codecs
from voxtrace.speech.errors import SpeechError
from voxtrace.speech.hedge import FastEngine, HedgedSource, voices_by_language
from voxtrace.speech.pool import Pool, PoolOptions
from voxtrace.speech.ports import Marks
from voxtrace.speech.quality import AUTO
from voxtrace.speech.text.normalise import NORMALISER_VERSION, load_languages

LOG = logging.getLogger("voxtrace.server")
BACKLOG = 1024
# The kernel ends a connection whose client took no byte for so long; otherwise a client that never reads
# would keep its stream, some MiB, for ever. Linux only; elsewhere such a stream lives as long as its client.
DEAD_CLIENT_MS = 30_000
# It counts from when the last bytes went to the kernel, and a listener may still play for half a minute then: with
# uvicorn's 5 s his next request met a connection that was just being closed.
KEEP_ALIVE_S = 75
WS_MAX_BYTES = 64 * 1024  # of one message of a live client

Guard = Callable[[ASGIApp], ASGIApp]
"""Wraps an application with checks of who may come in."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where to listen, and with which engines."""

    host: str = LOOPBACK
    port: int = SERVE_PORT  # 0: any free one
    pool: PoolOptions = field(default_factory=PoolOptions)
    drain_s: int = 5  # for answers under way when it is told to stop
    live: LiveLimits = field(default_factory=LiveLimits)
    models: Mapping[str, PoolOptions] = field(default_factory=dict)  # engines to be asked for by name
    quality: str = AUTO  # the mode in which models speak
    hedge: bool = False  # the first engine stands in for models whose first piece is late
    hedge_after_ms: float = 0.0  # how late; 0: when it is due
    left_out: Mapping[str, str] = field(default_factory=dict)  # models that are there and not loaded, and why
    wyoming_port: int | None = None  # None: it is not spoken; 0: any free one
    cache: CacheLimits = field(default_factory=CacheLimits)
    cache_folder: Path | None = None  # None: what is kept is gone with the process
    cache_redis: str = ""  # URL of a Redis that several servers share; "": none
    fill: FillOptions = field(default_factory=FillOptions)
    normalise: bool = True  # texts, unless a request says otherwise
    numbers: Numbers | None = None  # what was measured, for `/performance/…`


@dataclass(frozen=True, slots=True)
class Running:
    """What is known when the server is ready."""

    host: str
    port: int
    engine: str
    workers: int
    voices: int
    models: tuple[str, ...] = ()  # loaded beside that engine
    wyoming_port: int | None = None


def serve(options: ServeOptions, marks: Marks, guard: Guard, on_ready: Callable[[Running], None]) -> None:
    """Serve until SIGINT or SIGTERM; answers under way get `drain_s` seconds.

    Raises:
        PortInUse: something listens there already.
        InvalidOption: the address is none of this machine.
        EngineDidNotStart: there is nothing that could speak.
    """
    raise_file_limit()
    listener = listen(options.host, options.port)
    # uvicorn raises a signal again after its graceful stop; by then there is nothing left to interrupt.
    before = {sign: signal.signal(sign, _ignore) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(options, listener, marks, guard, on_ready))
    finally:
        listener.close()
        for sign, handler in before.items():
            signal.signal(sign, handler)


async def _serve(
    options: ServeOptions, listener: socket.socket, marks: Marks, guard: Guard, on_ready: Callable[[Running], None]
) -> None:
    # While the engines load theirs.
    loop = asyncio.get_running_loop()
    loading = [loop.run_in_executor(None, load) for load in (load_languages, load_codecs)]
    backends = await start_backends(options.pool, options.models, options.quality)
    backends.unloaded |= options.left_out
    filling: list[asyncio.Future[None]] = []
    try:
        await asyncio.gather(*loading)
        filling += _open_caches(options, backends)
        _open_hedges(options, backends)
        desk = open_desk(backends, marks, hedges=options.hedge, normalises=options.normalise)
        config = uvicorn.Config(
            build_app(backends, desk, guard, options.live, options.numbers),
            http=ImpatientProtocol,
            ws="websockets-sansio",
            ws_max_size=WS_MAX_BYTES,
            timeout_keep_alive=KEEP_ALIVE_S,
            lifespan="off",
            access_log=False,
            log_level="warning",
            proxy_headers=False,  # nobody's word about who he is decides anything here
            server_header=False,
        )
        server = UvicornServer(config, desk.farewell, options.drain_s)
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        host, port = listener.getsockname()[:2]
        running = _what_runs(host, port, backends)
        server.when_started = lambda: on_ready(running)
        wyoming = WyomingServer(desk)
        server.when_stopping = wyoming.close_port
        desk.lag.start()
        if options.wyoming_port is not None:
            running = replace(running, wyoming_port=await wyoming.start(options.host, options.wyoming_port))
        # What was built so far lives as long as the server: no collection has to walk over it again.
        gc.collect()
        gc.freeze()
        try:
            await server.serve(sockets=[listener])
        finally:
            await wyoming.stop()
    finally:
        for task in filling:
            task.cancel()
        await backends.stop()


def _what_runs(host: str, port: int, backends: Backends) -> Running:
    first = backends.first
    return Running(
        host,
        port,
        first.catalogue.engine,
        first.pool.workers,
        len(first.catalogue.voices),
        tuple(backends.others),
    )


def _open_caches(options: ServeOptions, backends: Backends) -> list[asyncio.Future[None]]:
    """Put the caches in front of all engines: one store for all, for a piece's key says who made it."""
    if not options.cache.max_bytes:
        return []
    disk = DiskCache(options.cache_folder, options.cache) if options.cache_folder else None
    if disk is not None:
        disk.open(wall_ns())
        if disk.broken:
            LOG.warning("nothing that is spoken is kept on the disk: %s: %s", options.cache_folder, disk.broken)
    elsewhere = SharedCache(options.cache_redis, options.cache) if options.cache_redis else None
    levels = Levels(PieceCache(options.cache), disk, elsewhere)
    filling: list[asyncio.Future[None]] = []
    for backend in backends.all:
        catalogue = backend.catalogue
        maker = Maker(catalogue.engine, catalogue.build, catalogue.provider, NORMALISER_VERSION)
        backend.cache = CachedSource(backend.pool, maker, levels, options.fill)
        filling.append(asyncio.ensure_future(_fill_when_idle(backend.cache, backend.pool, options.fill)))
    return filling


def _open_hedges(options: ServeOptions, backends: Backends) -> None:
    """Let the first engine stand by for all others whose languages it speaks; a request can ask for it at any time."""
    first = backends.first

    def can_speak_now() -> bool:
        now = first.pool.situation()
        return now.idle > 0 and refuse(now, options.pool.admission()) is None

    fast = FastEngine(first.catalogue.engine, first.source, can_speak_now)
    for backend in backends.others.values():
        if voices := voices_by_language(backend.catalogue, first.catalogue):
            backend.hedge = HedgedSource(backend.source, fast, voices, options.hedge_after_ms)


async def _fill_when_idle(cache: CachedSource, pool: Pool, options: FillOptions) -> None:
    """Make again what is asked for often and was forgotten, one piece at a time, while nobody waits for anything."""
    while True:
        await asyncio.sleep(options.every_s)
        for key, utterance in cache.missing():
            if pool.busy or pool.waiting:
                break
            ended = asyncio.Event()
            try:
                cache.fill(key, utterance, ended.set)
            except SpeechError:
                break
            await ended.wait()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host:port`.

    Raises:
        PortInUse: something listens there already.
        InvalidOption: the address is none of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
    except OSError as why:
        raise InvalidOption("host", host, why.strerror or str(why)) from why
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_CLIENT_MS)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as why:
        listener.close()
        if why.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from why
        raise InvalidOption("host", f"{host}:{port}", why.strerror or str(why)) from why
    return listener


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _is_news(record: logging.LogRecord) -> bool:
    # This is how a stream that failed after its first byte ends; it is in the trace, with its reason.
    return record.getMessage() != "ASGI callable returned without completing response."


def _ignore(_sign: int, _frame: FrameType | None) -> Any:
    return None
