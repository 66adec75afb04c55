"""One request's pieces as one stream, spoken by a pool that does only what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voxtrace.speech.errors import ClientGone, EngineFailed, NoSound, QueueFull
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.stream import BUFFER_BYTES, LOW_BYTES, RESUME_BYTES, Order, SpeechStream
from voxtrace.tracker import Tracker, TrackerOptions

TWO_PIECES = "This is the first piece, and this is the second one."
BLOCK = bytes(2880)


class ScriptedPool:
    """Keeps each job; the test plays the engine."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.cancelled: list[Job] = []
        self.is_paused = False
        self.refusal: Exception | None = None

    def submit(self, job: Job) -> None:
        if self.refusal:
            raise self.refusal
        self.jobs.append(job)
        job.holder = self
        job.listener.on_start(4711, warm=True)

    def cancel(self, job: Job | None = None) -> bool:
        assert job is not None
        job.cancelled = True
        self.cancelled.append(job)
        return True

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    # What the engine does with the last job.

    def make(self, *blocks: bytes) -> None:
        for block in blocks:
            self.jobs[-1].listener.on_audio(block)

    def finish(self, samples: int = 0) -> None:
        self.jobs[-1].holder = None
        self.jobs[-1].listener.on_done(Spoken(samples, busy_ns=1))


def run(play: Callable[[ScriptedPool, SpeechStream], Awaitable[None]], text: str = TWO_PIECES) -> None:
    async def main() -> None:
        pool = ScriptedPool()
        tracker = Tracker("server", options=TrackerOptions(level="off"))
        await play(pool, SpeechStream(pool, Order("r1", text, "en-us"), tracker))  # type: ignore[arg-type]

    asyncio.run(main())


def test_pieces_follow_each_other_and_only_the_first_is_first():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK)
        pool.finish()
        pool.make(BLOCK)
        pool.finish()
        read = [await stream.read(), await stream.read()]

        assert "".join(job.utterance.text for job in pool.jobs) == TWO_PIECES
        assert [job.is_first for job in pool.jobs] == [True, False]
        assert [job.utterance.pause_after for job in pool.jobs] == [True, False]
        assert (b"".join(each or b"" for each in read), await stream.read()) == (BLOCK * 2, None)

    run(play)


def test_a_reader_that_waits_gets_a_block_when_it_is_made():
    async def play(pool, stream):
        stream.start()
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        pool.make(BLOCK)

        assert await reading == BLOCK

    run(play)


def test_the_next_piece_waits_until_most_of_the_last_is_read():
    async def play(pool, stream):
        stream.start()
        pool.make(*[BLOCK] * (LOW_BYTES // len(BLOCK) + 30))
        pool.finish()
        asked_before = len(pool.jobs)
        await stream.read()
        await stream.read()

        assert (asked_before, len(pool.jobs)) == (1, 2)

    run(play)


def test_an_engine_that_is_too_far_ahead_is_made_to_wait_and_goes_on_when_there_is_room():
    async def play(pool, stream):
        stream.start()
        pool.make(*[BLOCK] * (BUFFER_BYTES // len(BLOCK) + 1))
        was_paused = pool.is_paused
        read = 0
        while pool.is_paused:
            read += len(await stream.read())

        assert was_paused
        assert BUFFER_BYTES - RESUME_BYTES <= read + len(BLOCK) * 2 < BUFFER_BYTES

    run(play)


def test_what_was_made_is_read_before_an_error_is_raised():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK)
        pool.jobs[-1].listener.on_error(EngineFailed("broken"))
        read = await stream.read()
        with pytest.raises(EngineFailed):
            await stream.read()

        assert read == BLOCK

    run(play)


def test_no_further_piece_is_asked_for_after_an_error():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK)
        pool.jobs[-1].listener.on_error(EngineFailed("broken"))
        await stream.read()

        assert len(pool.jobs) == 1

    run(play)


def test_what_nobody_read_and_what_nobody_took_is_waste():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK, BLOCK)
        closing = asyncio.create_task(stream.close())
        await asyncio.sleep(0)
        was_done = closing.done()
        pool.finish(samples=5 * len(BLOCK) // 2)  # three blocks more than were taken
        await closing

        assert (was_done, pool.cancelled) == (False, pool.jobs)
        assert stream.progress.bytes_wasted == 5 * len(BLOCK)

    run(play)


def test_a_reader_whose_client_is_gone_is_told():
    async def play(pool, stream):
        stream.start()
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        stream.abandon()
        with pytest.raises(ClientGone):
            await reading

        assert pool.cancelled == []  # that is what `close` is for

    run(play)


def test_a_text_without_any_sound_is_an_error():
    async def play(pool, stream):
        stream.start()
        pool.finish()
        pool.finish()
        with pytest.raises(NoSound):
            await stream.read()

        assert len(pool.jobs) == 2

    run(play)


def test_a_full_queue_is_said_at_once():
    async def play(pool, stream):
        pool.refusal = QueueFull(64, 1)
        with pytest.raises(QueueFull):
            stream.start()
        await stream.close()

        assert pool.jobs == []

    run(play)
