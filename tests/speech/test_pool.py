"""A pool of real engine processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voxtrace.errors import InvalidOption
from voxtrace.speech.engine_process import EngineChoice
from voxtrace.speech.errors import EngineDidNotStart, NoCapacity, QueueFull, SpeechError, Stopping, TooLate
from voxtrace.speech.job import WHENEVER_NS, Job, Spoken
from voxtrace.speech.pool import Pool, PoolOptions
from voxtrace.speech.ports import Utterance
from voxtrace.testing.faulty_engine import FAULTY_ENGINE


class Ear:
    """Hears what becomes of a job, and writes the order of starts into a list that several ears share."""

    def __init__(self, name: str = "", starts: list[str] | None = None) -> None:
        self.name, self.starts = name, [] if starts is None else starts
        self.pcm = self.words = b""
        self.worker = 0
        self.end: asyncio.Future[Spoken | SpeechError] = asyncio.get_running_loop().create_future()

    def on_start(self, worker: int, *, warm: bool) -> None:
        self.worker = worker
        self.starts.append(self.name)

    def on_phonemes(self, at_ns: int) -> None:
        pass

    def on_words(self, words: bytes) -> None:
        self.words += words

    def on_audio(self, pcm: bytes) -> None:
        self.pcm += pcm

    @property
    def audio(self) -> int:
        return len(self.pcm)

    def on_done(self, spoken: Spoken) -> None:
        self.end.set_result(spoken)

    def on_error(self, error: SpeechError) -> None:
        self.end.set_result(error)


def job(ear: Ear, text: str = "abc", *, is_first: bool = True, voice: str = "hum", due_ns: int = 0) -> Job:
    return Job(Utterance(text, voice, is_first=is_first), ear, due_ns=due_ns)


def run(play: Callable[[Pool], Awaitable[None]], *, faults: dict[str, object] | None = None, **options) -> None:
    async def main() -> None:
        pool = Pool(PoolOptions(engine=EngineChoice(FAULTY_ENGINE, faults or {}), **options))
        try:
            await pool.start()
            await play(pool)
        finally:
            await pool.stop()

    asyncio.run(main())


@pytest.mark.slow
def test_a_continuation_goes_before_a_first_piece_only_when_its_listener_is_about_to_run_dry():
    async def play(pool):
        starts: list[str] = []
        due = {"running": 0, "can wait": WHENEVER_NS, "first piece": 0, "runs dry": 0}
        ears = {name: Ear(name, starts) for name in due}
        for name, ear in ears.items():
            pool.submit(job(ear, is_first=name in ("running", "first piece"), due_ns=due[name]))
        await asyncio.gather(*(ear.end for ear in ears.values()))

        assert starts == ["running", "runs dry", "first piece", "can wait"]

    run(play, workers=1)


@pytest.mark.slow
def test_first_in_first_out_can_be_chosen_to_compare_with():
    async def play(pool):
        starts: list[str] = []
        ears = {name: Ear(name, starts) for name in ("running", "short", "long")}
        for name, ear in ears.items():
            piece = job(ear, is_first=name != "long")
            piece.admitted_ns = {"running": 0, "long": 1, "short": 2}[name]
            pool.submit(piece)
        await asyncio.gather(*(ear.end for ear in ears.values()))

        assert starts == ["running", "long", "short"]

    run(play, workers=1, schedule="fifo")


class Speaker:
    """A stream with text left."""

    chars_left = 100


@pytest.mark.slow
def test_a_stream_too_many_is_refused_until_another_is_done():
    async def play(pool):
        pool.workload.pace.learn(
            10, busy_ns=600, audio_ns=1000, first_block_ns=1
        )  # two engines feed three such streams
        streams = [Speaker() for _ in range(3)]
        for stream in streams:
            pool.workload.streams.add(stream)
        with pytest.raises(NoCapacity):
            pool.submit(job(Ear()))
        pool.workload.streams.discard(streams[0])
        pool.workload.streams.discard(streams[1])
        pool.submit(job(welcome := Ear()))

        assert await welcome.end
        assert pool.refused == 1

    run(play, workers=2)


@pytest.mark.slow
def test_whoever_would_wait_too_long_for_the_first_sound_is_refused():
    async def play(pool):
        pool.workload.pace.learn(1, busy_ns=10**9, audio_ns=10**12, first_block_ns=1)  # a second for each character
        running = Ear()
        pool.submit(job(running, "abc"))
        with pytest.raises(TooLate) as refusal:
            pool.submit(job(Ear(), due_ns=WHENEVER_NS))

        assert 2000 < refusal.value.predicted_ms <= 3300
        assert await running.end

    run(play, workers=1, max_ttfa_ms=1000)


@pytest.mark.slow
def test_an_engine_that_has_the_voice_loaded_is_taken_before_another():
    async def play(pool):
        workers = []
        for voice in ("hum", "en-us", "hum", "en-us", "en-us", "hum"):
            ear = Ear()
            pool.submit(job(ear, voice=voice))
            await ear.end
            workers.append(ear.worker)

        assert workers[0] == workers[2] == workers[5] != workers[1] == workers[3] == workers[4]

    run(play, workers=2)


@pytest.mark.slow
def test_only_so_many_first_pieces_wait_but_a_request_that_has_begun_goes_on():
    async def play(pool):
        running, waiting, later = Ear(), Ear(), Ear()
        pool.submit(job(running))
        pool.submit(job(waiting))
        with pytest.raises(QueueFull):
            pool.submit(job(Ear()))
        pool.submit(job(later, is_first=False))

        assert await later.end
        assert pool.waiting == 0

    run(play, workers=1, max_waiting=1)


@pytest.mark.slow
def test_a_job_that_is_taken_back_before_its_turn_is_never_spoken():
    async def play(pool):
        starts: list[str] = []
        running, dropped, last = (Ear(name, starts) for name in ("running", "dropped", "last"))
        pool.submit(job(running))
        taken_back = job(dropped)
        pool.submit(taken_back)
        is_spoken = pool.cancel(taken_back)
        pool.submit(job(last))
        await last.end

        assert (is_spoken, starts) == (False, ["running", "last"])

    run(play, workers=1)


@pytest.mark.slow
def test_a_stop_tells_everybody_who_waits():
    async def play(pool):
        running, waiting = Ear(), Ear()
        pool.submit(job(running, "x"))
        pool.submit(job(waiting))
        await pool.stop()

        assert isinstance(await waiting.end, Stopping)
        assert isinstance(await running.end, Stopping)
        with pytest.raises(Stopping):
            pool.submit(job(Ear()))

    run(play, workers=1, faults={"stall_after_ms": 0})


@pytest.mark.slow
def test_an_engine_that_can_not_start_is_said_once():
    async def play(pool):
        raise AssertionError("it must not start")

    with pytest.raises(EngineDidNotStart, match="colour"):
        run(play, faults={"colour": "blue"})


@pytest.mark.slow
def test_an_engine_that_takes_too_long_to_load_is_not_waited_for():
    async def play(pool):
        raise AssertionError("it must not start")

    with pytest.raises(EngineDidNotStart, match=r"not ready after 0\.2 s"):
        run(play, faults={"load_ms": 60_000}, start_limit_s=0.2)


@pytest.mark.parametrize("options", [{"workers": 0}, {"max_waiting": -1}, {"schedule": "random"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidOption):
        PoolOptions(**options)
