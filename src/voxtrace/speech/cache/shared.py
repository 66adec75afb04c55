"""Pieces of speech in a Redis or Valkey that several servers share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from voxtrace.clock import Clock, SystemClock
from voxtrace.errors import InvalidOption, MissingExtra
from voxtrace.speech.cache.kept import Kept, kept_from_bytes
from voxtrace.speech.cache.memory import CacheLimits, LevelStats
from voxtrace.units import NANOS_PER_SECOND

if TYPE_CHECKING:
    from redis.asyncio import Redis

PREFIX = "voxtrace:piece:"
# Somebody waits for every look-up: an answer that takes longer is no help even to a slow engine.
PATIENCE_S = 0.05
# After a failure it is left alone for so long, so that an outage costs one look-up in a second and not each.
REST_S = 1.0
# Pieces on their way there at the same time; further ones are not sent.
MAX_WRITES = 32


class SharedCache:
    """Looks up and keeps pieces elsewhere. Whatever fails there costs a hit and nothing else."""

    def __init__(self, url: str, limits: CacheLimits, clock: Clock | None = None) -> None:
        """
        Args:
            url: such as `redis://127.0.0.1:6379/0`.
            limits: only their age counts here; the size is the server's own `maxmemory`.
            clock: tells when a rest is over.

        Raises:
            MissingExtra: the package redis is not installed.
            InvalidOption: the URL is none.
        """
        try:
            from redis.asyncio import Redis
        except ImportError as missing:
            raise MissingExtra("redis", needs="redis") from missing
        try:
            self._redis: Redis = Redis.from_url(url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S)
        except ValueError as why:
            raise InvalidOption("cache_redis", url, str(why)) from why
        self._ttl_ms = int(limits.ttl_s * 1000)
        self._clock = clock or SystemClock()
        self._rest_until_ns = 0
        self._writes: set[asyncio.Task[None]] = set()
        self.stats = LevelStats()
        self.broken = ""

    @property
    def is_up(self) -> bool:
        """Whether asking it is worth while."""
        return self._clock.mono_ns() >= self._rest_until_ns

    async def get(self, key: str) -> Kept | None:
        """The piece of `key`, or None: not there, too slow, or no answer at all."""
        found = await self._try(self._redis.get(PREFIX + key))
        kept = kept_from_bytes(found) if isinstance(found, bytes) else None
        if kept is not None:
            self.stats.hits += 1
            return kept
        self.stats.misses += 1
        return None

    def put(self, key: str, kept: Kept) -> None:
        """Send a piece there, some time soon."""
        if not self.is_up or len(self._writes) >= MAX_WRITES:
            self.stats.refused += 1
            return
        write = asyncio.get_running_loop().create_task(self._write(key, kept.to_bytes()))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def clear(self) -> None:
        """Forget all pieces of all servers."""
        try:
            async for name in self._redis.scan_iter(match=f"{PREFIX}*", count=500):
                await self._redis.unlink(name)
        except (OSError, _redis_error()) as why:
            self._rest(why)

    async def close(self) -> None:
        """Let go of the connections."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._redis.aclose()

    async def _write(self, key: str, piece: bytes) -> None:
        if await self._try(self._redis.set(PREFIX + key, piece, px=self._ttl_ms)):
            self.stats.stored += 1

    async def _try(self, call: Awaitable[object]) -> object:
        try:
            answer = await asyncio.wait_for(call, PATIENCE_S)
        except (OSError, TimeoutError, _redis_error()) as why:
            self._rest(why)
            return None
        self.broken = ""
        return answer

    def _rest(self, why: BaseException) -> None:
        self._rest_until_ns = self._clock.mono_ns() + int(REST_S * NANOS_PER_SECOND)
        self.broken = str(why) or type(why).__name__


def _redis_error() -> type[Exception]:
    from redis.exceptions import RedisError

    return RedisError
