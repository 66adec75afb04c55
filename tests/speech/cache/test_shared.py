"""Several servers and one Redis, which is real and may go away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from tests.redis_process import redis_server
from tests.speech.cache.test_source import Ear, Engine
from voxtrace.errors import InvalidOption
from voxtrace.speech.cache.keys import Maker
from voxtrace.speech.cache.memory import CacheLimits, PieceCache
from voxtrace.speech.cache.shared import SharedCache
from voxtrace.speech.cache.source import CachedSource, Levels
from voxtrace.speech.errors import QueueFull
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.ports import Utterance

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class House:
    """One server: an engine, and caches of its own in front of it."""

    def __init__(self, port: int) -> None:
        self.engine = Engine()
        self.shared = SharedCache(f"redis://127.0.0.1:{port}/0", CacheLimits())
        self.source = CachedSource(
            self.engine, Maker("espeak", "1"), Levels(PieceCache(CacheLimits()), None, self.shared)
        )

    def ask(self, text: str = "hello") -> tuple[Ear, Job]:
        ear = Ear()
        job = Job(Utterance(text, "en"), ear)
        self.source.submit(job)
        return ear, job

    async def speaks(self) -> None:
        """Wait until the engine has been asked, and let it speak."""
        await seen(lambda: bool(self.engine.jobs))
        self.engine.speak(b"abcd")


async def seen(what: Callable[[], bool]) -> None:
    while not what():
        await asyncio.sleep(0.01)


def run(play: Callable[[House, House], Awaitable[None]], port: int) -> None:
    async def main() -> None:
        one, two = House(port), House(port)
        try:
            await play(one, two)
        finally:
            await one.source.close()
            await two.source.close()

    asyncio.run(main())


def test_what_one_server_made_another_need_not_make(port):
    async def play(one, two):
        one.ask()
        await one.speaks()
        await seen(lambda: one.shared.stats.stored == 1)
        heard, _ = two.ask()
        await seen(lambda: bool(heard.ends))

        assert (heard.heard, heard.ends, two.engine.jobs) == (b"abcd", ["shared"], [])

    with redis_server(port):
        run(play, port)


def test_redis_goes_away_and_comes_back_and_speech_goes_on(port):
    async def play(one, two):
        with redis_server(port):
            one.ask()
            await one.speaks()
            await seen(lambda: one.shared.stats.stored == 1)
        gone, _ = one.ask("goodbye")
        await seen(lambda: len(one.engine.jobs) == 2)
        one.engine.speak(b"wxyz")
        assert (gone.heard, gone.ends) == (b"wxyz", ["done"])
        assert one.source.report()["broken"]["shared"]
        with redis_server(port):
            await seen(lambda: one.shared.is_up)
            one.ask("again")
            await seen(lambda: len(one.engine.jobs) == 3)
            one.engine.speak(b"1234")
            await seen(lambda: one.shared.stats.stored == 2)

        assert one.source.report()["broken"] == {}

    run(play, port)


def test_who_leaves_while_the_other_machine_is_asked_starts_no_engine(port):
    async def play(one, two):
        ear, job = one.ask()

        assert not one.source.cancel(job)

        await seen(lambda: one.shared.stats.misses == 1)
        await asyncio.sleep(0)

        assert (one.engine.jobs, ear.ends) == ([], [])

    with redis_server(port):
        run(play, port)


def test_a_refusal_after_the_look_elsewhere_reaches_the_listener(port):
    async def play(one, two):
        one.engine.refusal = QueueFull(1, 1)
        ear, _ = one.ask()
        await seen(lambda: bool(ear.ends))

        assert ear.ends == [QueueFull(1, 1).code]

    with redis_server(port):
        run(play, port)


def test_an_odd_piece_from_elsewhere_is_not_spoken(port):
    async def play(one, two):
        one.ask()
        await one.speaks()
        await seen(lambda: one.shared.stats.stored == 1)
        redis = one.shared._redis
        async for name in redis.scan_iter():
            await redis.set(name, b"odd")
        two.ask()
        await seen(lambda: bool(two.engine.jobs))
        two.engine.jobs[0].listener.on_done(Spoken(0, 0))

        assert two.shared.stats.hits == 0

    with redis_server(port):
        run(play, port)


def test_clearing_forgets_for_all_servers(port):
    async def play(one, two):
        one.ask()
        await one.speaks()
        await seen(lambda: one.shared.stats.stored == 1)
        one.source.clear()
        await one.shared.clear()
        two.ask()
        await seen(lambda: bool(two.engine.jobs))
        two.engine.speak(b"new!")

        assert two.shared.stats.hits == 0

    with redis_server(port):
        run(play, port)


def test_a_url_that_is_none_says_so():
    with pytest.raises(InvalidOption, match="cache_redis"):
        SharedCache("http://nowhere", CacheLimits())
