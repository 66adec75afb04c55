"""Real processes that run a small Kokoro: what breaks in one ends one request, and a new one takes its place."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.speech.small_models import kokoro_folder
from tests.speech.test_pool import Ear, job
from voxtrace.speech.engine_process import EngineChoice
from voxtrace.speech.errors import EngineCrashed, EngineDidNotStart, EngineHung, EngineOutOfMemory
from voxtrace.speech.job import Spoken
from voxtrace.speech.pool import Pool, PoolOptions

pytestmark = pytest.mark.slow

VOICE = "af_heart"
HANGS, SWELLS = "Well… well", "Well — well"


def run(folder: Path, play: Callable[[Pool], Awaitable[None]], memory_mib: int | None = None, **options) -> None:
    async def main() -> None:
        engine = EngineChoice("kokoro", {"folder": str(folder)}, memory_mib)
        pool = Pool(PoolOptions(engine=engine, workers=1, **options))
        try:
            await pool.start()
            await play(pool)
        finally:
            await pool.stop()

    asyncio.run(main())


async def speak(pool: Pool, text: str = "Seven swans.") -> tuple[Ear, object]:
    ear = Ear()
    pool.submit(job(ear, text, voice=VOICE))
    return ear, await ear.end


def test_a_model_speaks_through_a_process_of_its_own(tmp_path):
    async def play(pool):
        ear, end = await speak(pool)

        assert isinstance(end, Spoken)
        assert ear.audio == end.samples * 2 > 24_000
        assert pool.catalogue.abilities.warmed == (16, 64, 256)

    run(kokoro_folder(tmp_path), play)


def test_too_little_memory_ends_one_request_and_the_next_is_spoken_by_a_new_process(tmp_path):
    async def play(pool):
        before = pool.pids
        _, end = await speak(pool, SWELLS)
        _, next_end = await speak(pool)

        assert isinstance(end, EngineOutOfMemory)
        assert isinstance(next_end, Spoken)
        assert pool.pids != before

    run(kokoro_folder(tmp_path), play, memory_mib=4096)


def test_a_model_that_never_ends_is_ended(tmp_path):
    async def play(pool):
        _, end = await speak(pool, HANGS)
        _, next_end = await speak(pool)

        assert isinstance(end, EngineHung)
        assert isinstance(next_end, Spoken)
        assert pool.restarts == 1

    run(kokoro_folder(tmp_path), play, hang_limit_s=0.5)


def test_a_process_that_is_killed_in_the_middle_of_inference_is_replaced(tmp_path):
    async def play(pool):
        ear = Ear()
        pool.submit(job(ear, HANGS, voice=VOICE))
        os.kill(pool.pids[0], signal.SIGSEGV)

        assert isinstance(await ear.end, EngineCrashed)
        assert isinstance((await speak(pool))[1], Spoken)

    run(kokoro_folder(tmp_path), play)


def test_a_model_that_can_not_be_loaded_is_said_in_its_own_words(tmp_path):
    folder = kokoro_folder(tmp_path)
    (folder / "kokoro-v1.0.onnx").write_bytes(b"<html>" + b" " * 100)

    async def play(pool):
        raise AssertionError("it must not start")

    with pytest.raises(EngineDidNotStart, match="it is a web page"):
        run(folder, play)
