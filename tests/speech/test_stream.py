"""One request's pieces as one stream, spoken by a pool that does only what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voxtrace.speech.errors import ClientGone, EngineFailed, NoSound, QueueFull, SpeechError, Stopping
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.order import Order
from voxtrace.speech.part import BUFFER_BYTES, RESUME_BYTES
from voxtrace.speech.stream import LOW_BYTES, SpeechStream
from voxtrace.speech.workload import Workload
from voxtrace.tracker import Tracker, TrackerOptions

TWO_PIECES = "This is the first piece, and this is the second one."
BLOCK = bytes(2880)


class ScriptedPool:
    """Keeps each job; the test plays the engine."""

    def __init__(self) -> None:
        self.workload = Workload(workers=2, target_ns=200_000_000)
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

    # What an engine does with a job, the last one where no other is named.

    def make(self, *blocks: bytes, job: int = -1) -> None:
        for block in blocks:
            self.jobs[job].listener.on_audio(block)

    def finish(self, samples: int = 0, job: int = -1, busy_ns: int = 1) -> None:
        self.jobs[job].holder = None
        self.jobs[job].listener.on_done(Spoken(samples, busy_ns))

    def fail(self, error: SpeechError, job: int = -1) -> None:
        self.jobs[job].holder = None
        self.jobs[job].listener.on_error(error)


def run(
    play: Callable[[ScriptedPool, SpeechStream], Awaitable[None]], text: str = TWO_PIECES, rtf: float | None = None
) -> None:
    async def main() -> None:
        pool = ScriptedPool()
        if rtf is not None:
            pool.workload.pace.learn(100, round(6e9 * rtf), 6_000_000_000, 1)
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
        pool.fail(EngineFailed("broken"))
        read = await stream.read()
        with pytest.raises(EngineFailed):
            await stream.read()

        assert read == BLOCK

    run(play)


def test_no_further_piece_is_asked_for_after_an_error():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK)
        pool.fail(EngineFailed("broken"))
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


LONG = "A sentence that says little. " * 40


def second_of_audio() -> list[bytes]:
    return [bytes(48_000)]


def test_a_slow_engine_gets_help_from_another_once_something_is_audible():
    async def play(pool, stream):
        stream.start()
        asked_in_silence = len(pool.jobs)
        pool.make(BLOCK)

        assert (asked_in_silence, len(pool.jobs)) == (1, 2)

    run(play, LONG, rtf=0.5)


def test_a_fast_engine_speaks_one_piece_after_the_other():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK)

        assert len(pool.jobs) == 1

    run(play, LONG, rtf=0.01)


def test_pieces_that_are_made_at_the_same_time_are_read_in_their_order():
    async def play(pool, stream):
        stream.start()
        pool.make(b"1a", job=0)
        pool.make(b"2a", job=1)
        pool.finish(job=1)
        pool.make(b"1b", job=0)
        pool.finish(job=0)
        read = [await stream.read(), await stream.read()]

        assert read == [b"1a1b", b"2a"]

    run(play, LONG, rtf=0.5)


def test_an_error_is_raised_where_the_text_breaks_off_and_nothing_behind_it_is_heard():
    async def play(pool, stream):
        stream.start()
        pool.make(b"1a", job=0)
        pool.make(b"2a", job=1)
        pool.fail(EngineFailed("broken"), job=1)
        pool.make(b"1b", job=0)
        pool.finish(job=0)
        read = [await stream.read(), await stream.read()]
        with pytest.raises(EngineFailed):
            await stream.read()

        assert read == [b"1a1b", b"2a"]
        assert len(pool.jobs) == 2

    run(play, LONG, rtf=0.5)


def test_a_piece_behind_one_that_failed_is_taken_back():
    async def play(pool, stream):
        stream.start()
        pool.make(b"1a", job=0)
        pool.make(b"2a", job=1)
        pool.fail(EngineFailed("broken"), job=0)
        read = await stream.read()
        with pytest.raises(EngineFailed):
            await stream.read()

        assert read == b"1a"
        assert pool.cancelled == [pool.jobs[1]]

    run(play, LONG, rtf=0.5)


def test_a_stop_between_two_pieces_is_an_error_and_not_the_end():
    async def play(pool, stream):
        stream.start()
        pool.make(BLOCK)
        pool.refusal = Stopping()
        pool.finish()
        read = await stream.read()
        with pytest.raises(Stopping):
            await stream.read()

        assert read == BLOCK

    run(play)


def test_a_stream_counts_as_active_until_its_last_piece_is_made():
    async def play(pool, stream):
        stream.start()
        counted = [len(pool.workload.streams)]
        for _ in range(2):
            pool.make(BLOCK)
            pool.finish()
            counted.append(len(pool.workload.streams))

        assert counted == [1, 1, 0]

    run(play)


def test_a_continuation_is_due_when_its_listener_runs_dry():
    async def play(pool, stream):
        stream.start()
        pool.make(*second_of_audio() * 2)
        pool.finish()
        first, second = pool.jobs

        assert second.admitted_ns == first.admitted_ns
        assert second.due_ns == stream.progress.lead.dry_ns
        assert first.due_ns - first.admitted_ns == pool.workload.target_ns

    run(play)


def test_the_more_continuations_wait_the_earlier_they_are_begun():
    workload = Workload(workers=2)
    workload.pace.learn(100, 10**8, 10**10, 10**6)  # 100 ms for a piece
    alone = workload.margin_ns()
    workload.waiting[False] = 8

    assert alone == 151_000_000  # the first block, the piece itself, and time to spare
    assert workload.margin_ns() - alone == 400_000_000  # eight pieces on two engines
