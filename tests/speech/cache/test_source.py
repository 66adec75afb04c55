"""The caches in front of an engine that does only what the test says."""

from __future__ import annotations

import asyncio

import pytest

from voxtrace.speech.cache.disk import DiskCache
from voxtrace.speech.cache.keys import Maker
from voxtrace.speech.cache.memory import CacheLimits, PieceCache
from voxtrace.speech.cache.source import CachedSource, Levels
from voxtrace.speech.errors import EngineFailed, QueueFull, SpeechError
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.ports import Utterance
from voxtrace.testing import ManualClock


class Engine:
    """Keeps each job; the test plays the engine."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.cancelled: list[Job] = []
        self.refusal: SpeechError | None = None

    def submit(self, job: Job) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.jobs.append(job)

    def cancel(self, job: Job) -> bool:
        job.cancelled = True
        self.cancelled.append(job)
        return True

    def speak(self, *blocks: bytes, job: int = -1, finish: bool = True) -> None:
        listener = self.jobs[job].listener
        listener.on_start(1, warm=True)
        for block in blocks:
            listener.on_audio(block)
        if finish:
            listener.on_done(Spoken(10, 1))


class Ear:
    """One listener and what it heard."""

    def __init__(self) -> None:
        self.heard = self.words = b""
        self.ends: list[str] = []
        self.starts = 0

    def on_start(self, worker: int, *, warm: bool) -> None:
        self.starts += 1

    def on_phonemes(self, at_ns: int) -> None:
        pass

    def on_words(self, words: bytes) -> None:
        self.words += words

    def on_audio(self, pcm: bytes) -> None:
        self.heard += pcm

    def on_done(self, spoken: Spoken) -> None:
        self.ends.append("done")

    def on_error(self, error: SpeechError) -> None:
        self.ends.append(error.code)

    def on_cached(self, pcm: bytes, level: str) -> None:
        self.heard += pcm
        self.ends.append(level)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def source(engine) -> CachedSource:
    return CachedSource(engine, Maker("espeak", "1"), Levels(PieceCache(CacheLimits())), clock=ManualClock())


def ask(source: CachedSource, text: str = "hello") -> tuple[Ear, Job]:
    ear = Ear()
    job = Job(Utterance(text, "en"), ear)
    source.submit(job)
    return ear, job


def test_what_was_spoken_once_is_not_spoken_again(source, engine):
    first, _ = ask(source)
    engine.speak(b"ab", b"cd")
    second, _ = ask(source)

    assert (first.heard, first.ends) == (b"abcd", ["done"])
    assert (second.heard, second.ends, second.starts) == (b"abcd", ["memory"], 0)
    assert len(engine.jobs) == 1


def test_two_who_ask_at_the_same_time_share_one_piece_of_work(source, engine):
    first, _ = ask(source)
    engine.speak(b"ab", finish=False)
    late, _ = ask(source)
    engine.jobs[0].listener.on_audio(b"cd")
    engine.jobs[0].listener.on_done(Spoken(2, 1))

    assert (first.heard, late.heard) == (b"abcd", b"abcd")
    assert (first.ends, late.ends, source.shared) == (["done"], ["done"], 1)
    assert len(engine.jobs) == 1


def test_words_are_kept_with_their_piece_and_reach_who_joins_late(source, engine):
    first, _ = ask(source)
    engine.jobs[0].listener.on_words(b"w" * 16)
    late, _ = ask(source)
    engine.speak(b"abcd")
    kept, _ = ask(source)

    assert first.words == late.words == kept.words == b"w" * 16


def test_what_waits_for_an_engine_is_counted_for_first_and_later_pieces_apart(source, engine):
    for text, is_first in (("hello", True), ("hello", True), ("world", False)):
        source.submit(Job(Utterance(text, "en", is_first=is_first), Ear()))
    engine.speak(b"abcd", job=0)
    engine.speak(b"abcdef", job=1)
    source.submit(Job(Utterance("hello", "en", is_first=True), Ear()))
    first, later = source.levels()["first"], source.levels()["later"]

    assert (first.hits, first.misses, first.entries) == (1, 2, 1)
    assert (later.hits, later.misses, later.entries) == (0, 1, 1)


def test_one_of_two_who_leaves_does_not_stop_the_other(source, engine):
    first, job = ask(source)
    second, _ = ask(source)
    still_to_come = source.cancel(job)
    engine.speak(b"ab")

    assert (still_to_come, first.ends, engine.cancelled) == (False, [], [])
    assert second.heard == b"ab"


def test_the_last_one_who_leaves_gives_the_work_up_and_half_a_piece_is_not_kept(source, engine):
    ear, job = ask(source)
    engine.speak(b"ab", finish=False)

    assert source.cancel(job)

    engine.jobs[0].listener.on_done(Spoken(1, 1))
    again, _ = ask(source)

    assert ear.ends == ["done"]
    assert (again.heard, len(engine.jobs)) == (b"", 2)


def test_a_failure_reaches_everybody_and_is_not_kept(source, engine):
    first, _ = ask(source)
    second, _ = ask(source)
    engine.jobs[0].listener.on_error(EngineFailed("no"))
    ask(source)

    assert first.ends == second.ends == [EngineFailed("no").code]
    assert len(engine.jobs) == 2


def test_a_refusal_of_the_source_is_passed_on_and_leaves_nothing_behind(source, engine):
    engine.refusal = QueueFull(1, 1)
    with pytest.raises(QueueFull):
        ask(source)
    engine.refusal = None
    ask(source)

    assert len(engine.jobs) == 1


def test_who_asks_for_a_fresh_piece_gets_one_and_leaves_nothing_behind(source, engine):
    ask(source)
    engine.speak(b"old")
    ear = Ear()
    source.submit(Job(Utterance("hello", "en"), ear, fresh=True))
    engine.speak(b"new")
    later, _ = ask(source)

    assert (ear.heard, later.heard) == (b"new", b"old")


def test_different_texts_are_different_work(source, engine):
    ask(source, "hello")
    ask(source, "goodbye")

    assert len(engine.jobs) == 2


def test_a_piece_comes_back_from_the_disk_after_a_restart(engine, tmp_path):
    clock = ManualClock()

    def started() -> CachedSource:
        disk = DiskCache(tmp_path, CacheLimits())
        disk.open(clock.wall_ns())
        return CachedSource(engine, Maker("espeak", "1"), Levels(PieceCache(CacheLimits()), disk), clock=clock)

    before = started()
    ask(before)
    engine.speak(b"abcd")
    asyncio.run(before.close())
    heard, _ = ask(started())

    assert (heard.heard, heard.ends) == (b"abcd", ["disk"])


def test_a_piece_that_is_asked_for_often_is_made_again_ahead_of_its_next_use(source, engine):
    for _ in range(3):
        ask(source)
    engine.speak(b"abcd")
    ask(source)
    source.clear()
    ended: list[str] = []
    ((key, utterance),) = source.missing()
    source.fill(key, utterance, lambda: ended.append("filled"))
    engine.speak(b"abcd")
    heard, _ = ask(source)

    assert (utterance.text, ended, heard.ends) == ("hello", ["filled"], ["memory"])
    assert source.missing() == []
    assert (source.memory.waste.filled, source.memory.waste.used) == (1, 1)


def test_what_was_asked_for_once_or_twice_predicts_nothing(source, engine):
    ask(source)
    engine.speak(b"abcd")
    ask(source)
    source.clear()

    assert source.missing() == []


def test_the_report_tells_of_pieces_without_their_words(source, engine):
    for _ in range(3):
        ask(source, "my secret")
    engine.speak(b"abcd")

    assert "my secret" not in str(source.report())
    assert [each["chars"] for each in source.report()["pieces"]] == [9]


def test_whoever_asks_while_work_that_was_given_up_is_ending_has_it_spoken_anew(source, engine):
    _, left = ask(source)
    engine.jobs[0].listener.on_start(1, warm=True)
    source.cancel(left)
    again, _ = ask(source)
    engine.jobs[0].listener.on_done(Spoken(0, 1))
    third, _ = ask(source)
    engine.speak(b"ab")

    assert len(engine.jobs) == 2
    assert (again.heard, again.ends, third.heard) == (b"ab", ["done"], b"ab")
