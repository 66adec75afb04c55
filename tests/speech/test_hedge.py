"""A first piece with two engines, both played by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.cache.test_source import Ear, Engine
from voxtrace.speech.cache.keys import Maker
from voxtrace.speech.cache.memory import CacheLimits, PieceCache
from voxtrace.speech.cache.source import CachedSource, Levels
from voxtrace.speech.errors import EngineCrashed, EngineFailed, QueueFull, ReaderTooSlow, Stopping
from voxtrace.speech.hedge import FastEngine, HedgedSource, voices_by_language
from voxtrace.speech.job import Hedging, Job, Listener, Spoken
from voxtrace.speech.ports import Abilities, Catalogue, Utterance, Voice

VOICES = {"af_heart": "en-us"}


@dataclass
class Stage:
    """Both engines, and one request."""

    asked: Engine = field(default_factory=Engine)
    fast: Engine = field(default_factory=Engine)
    is_free: bool = True

    def __post_init__(self) -> None:
        self.source = HedgedSource(self.asked, FastEngine("espeak-ng", self.fast, lambda: self.is_free), VOICES)
        self.ear = Ear()
        self.job = self.new_job()

    def new_job(self, voice: str = "af_heart", **changes: object) -> Job:
        said = Utterance("hello", voice, is_first=True, variant="int8")
        return Job(said, self.ear, hedging=Hedging(), **changes)

    @property
    def counts(self) -> dict[str, object]:
        return {name: count for name, count in self.source.counts.report().items() if count}

    async def begin(self) -> None:
        """Ask, and let the deadline pass, which is over already."""
        self.source.submit(self.job)
        await asyncio.sleep(0.001)


def run(play: Callable[[Stage], Awaitable[None]]) -> None:
    async def main() -> None:
        await play(Stage())

    asyncio.run(main())


def test_an_engine_that_sounds_in_time_is_alone():
    async def play(stage):
        stage.job.due_ns = 1 << 62
        stage.source.submit(stage.job)
        stage.asked.speak(b"ab", b"cd")
        await asyncio.sleep(0.001)

        assert (stage.ear.heard, stage.ear.ends, stage.fast.jobs) == (b"abcd", ["done"], [])
        assert (stage.job.hedging.engine, stage.counts) == ("", {})

    run(play)


def test_a_piece_began_when_its_engine_got_it_and_not_when_that_was_told():
    async def play(stage):
        await stage.begin()
        stage.asked.jobs[0].started_ns = 42
        stage.asked.speak(b"ab")

        assert stage.job.started_ns == 42

    run(play)


def test_the_fast_engine_is_heard_when_it_sounds_first_and_the_other_one_is_stopped():
    async def play(stage):
        await stage.begin()
        stage.fast.speak(b"ab", b"cd")
        stage.asked.jobs[0].listener.on_done(Spoken(2400, 1))

        assert (stage.ear.heard, stage.ear.ends, stage.ear.starts) == (b"abcd", ["done"], 1)
        assert stage.asked.cancelled == stage.asked.jobs
        assert (stage.job.hedging.engine, stage.job.hedging.has_won) == ("espeak-ng", True)
        assert stage.counts == {"started": 1, "won": 1, "wasted_audio_s": 0.1}

    run(play)


def test_the_stand_in_gets_the_same_text_with_a_voice_of_the_same_language():
    async def play(stage):
        await stage.begin()
        said = stage.fast.jobs[0].utterance

        assert said == Utterance("hello", "en-us", is_first=True)
        assert stage.asked.jobs[0].utterance == stage.job.utterance

    run(play)


def test_the_engine_that_was_asked_is_heard_when_it_is_quicker_after_all():
    async def play(stage):
        await stage.begin()
        stage.asked.speak(b"neural")
        stage.fast.jobs[0].listener.on_audio(b"late")
        stage.fast.jobs[0].listener.on_done(Spoken(1200, 1))

        assert (stage.ear.heard, stage.ear.ends) == (b"neural", ["done"])
        assert stage.fast.cancelled == stage.fast.jobs
        assert not stage.job.hedging.has_won
        assert stage.counts == {"started": 1, "lost": 1, "wasted_audio_s": 0.05}

    run(play)


def test_voices_are_never_mixed_within_a_piece():
    async def play(stage):
        await stage.begin()
        stage.fast.speak(b"fast", finish=False)
        stage.asked.speak(b"neural")
        stage.fast.jobs[0].listener.on_audio(b" goes on")

        assert (stage.ear.heard, stage.ear.ends) == (b"fast goes on", [])

    run(play)


@pytest.mark.parametrize("changes", [{"voice": "jf_alpha"}, {"voice": "no mix:at all"}])
def test_a_voice_whose_language_the_fast_engine_lacks_is_waited_for(changes):
    async def play(stage):
        stage.job = stage.new_job(**changes)
        await stage.begin()

        assert (stage.asked.jobs, stage.fast.jobs) == ([stage.job], [])

    run(play)


def test_a_mix_is_stood_in_for_in_the_language_of_its_first_voice():
    async def play(stage):
        stage.job = stage.new_job(voice="af_heart:0.7+af_bella:0.3")
        await stage.begin()

        assert stage.fast.jobs[0].utterance.voice == "en-us"

    run(play)


def test_a_later_piece_and_a_request_without_the_wish_are_not_hedged():
    async def play(stage):
        later = Job(Utterance("more", "af_heart"), stage.ear, hedging=Hedging())
        without = Job(Utterance("hello", "af_heart", is_first=True), stage.ear)
        for job in (later, without):
            stage.source.submit(job)
        await asyncio.sleep(0.001)

        assert (stage.asked.jobs, stage.fast.jobs) == ([later, without], [])
        assert stage.source.cancel(later)
        assert stage.asked.cancelled == [later]

    run(play)


def test_what_the_asked_engine_refuses_is_refused():
    async def play(stage):
        stage.asked.refusal = QueueFull(64, 1)
        with pytest.raises(QueueFull):
            stage.source.submit(stage.job)
        await asyncio.sleep(0.001)

        assert (stage.job.holder, stage.fast.jobs) == (None, [])

    run(play)


def test_a_fast_engine_that_is_busy_is_waited_for_outside_of_its_queue():
    async def play(stage):
        stage.is_free = False
        await stage.begin()
        assert stage.fast.jobs == []
        stage.is_free = True
        await asyncio.sleep(0.05)

        assert len(stage.fast.jobs) == 1

    run(play)


# Leaving


def test_a_client_that_leaves_before_anything_sounds_stops_both():
    async def play(stage):
        await stage.begin()
        is_awaited = stage.source.cancel(stage.job)
        stage.fast.jobs[0].listener.on_done(Spoken(100, 1))
        ends_of_one = list(stage.ear.ends)
        stage.asked.jobs[0].listener.on_done(Spoken(50, 1))

        assert (is_awaited, ends_of_one, stage.ear.ends) == (True, [], ["done"])
        assert (len(stage.asked.cancelled), len(stage.fast.cancelled)) == (1, 1)
        assert stage.counts == {"started": 1, "given_up": 1}  # its waste is the request's own

    run(play)


def test_a_client_that_leaves_before_the_deadline_never_starts_the_other_engine():
    async def play(stage):
        stage.source.submit(stage.job)
        stage.source.cancel(stage.job)
        await asyncio.sleep(0.001)
        stage.asked.jobs[0].listener.on_done(Spoken(0, 1))

        assert (stage.fast.jobs, stage.ear.ends, stage.job.cancelled) == ([], ["done"], True)

    run(play)


@pytest.mark.parametrize("winner", ["asked", "fast"])
def test_a_client_that_leaves_later_stops_the_one_that_speaks(winner):
    async def play(stage):
        await stage.begin()
        engine = getattr(stage, winner)
        engine.speak(b"ab", finish=False)
        is_awaited = stage.source.cancel(stage.job)
        engine.jobs[0].listener.on_done(Spoken(500, 1))

        assert (is_awaited, stage.ear.ends, stage.job.cancelled) == (True, ["done"], True)
        assert (len(stage.asked.cancelled), len(stage.fast.cancelled)) == (1, 1)

    run(play)


class Brake:
    """A holder that writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def cancel(self) -> None:
        self.told.append("cancel")

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


@pytest.mark.parametrize("winner", ["asked", "fast"])
def test_a_slow_reader_holds_back_the_engine_that_is_heard(winner):
    async def play(stage):
        await stage.begin()
        engine = getattr(stage, winner)
        brake = engine.jobs[0].holder = Brake()
        stage.job.holder.pause()
        engine.speak(b"ab", finish=False)
        stage.job.holder.pause()
        stage.job.holder.resume()

        assert brake.told == ["pause", "resume"]

    run(play)


def test_a_reader_that_is_given_up_is_told_so():
    async def play(stage):
        await stage.begin()
        stage.fast.speak(b"ab", finish=False)
        stage.fast.jobs[0].cancelled = True
        stage.fast.jobs[0].listener.on_error(ReaderTooSlow(10))

        assert (stage.ear.ends, stage.job.cancelled) == (["reader_too_slow"], True)

    run(play)


# Failing


def test_an_engine_that_fails_before_anything_sounds_is_stood_in_for_at_once():
    async def play(stage):
        stage.job.due_ns = 1 << 62
        stage.source.submit(stage.job)
        stage.asked.jobs[0].listener.on_error(EngineCrashed(1))
        stage.fast.speak(b"saved")

        assert (stage.ear.heard, stage.ear.ends) == (b"saved", ["done"])
        assert stage.job.hedging.failure == "engine_crashed"
        assert stage.counts == {"started": 1, "won": 1, "rescued": 1}

    run(play)


def test_the_fast_engine_saves_a_request_whose_engine_fails_while_both_run():
    async def play(stage):
        await stage.begin()
        stage.asked.jobs[0].listener.on_error(EngineFailed("no"))
        stage.fast.speak(b"saved")

        assert (stage.ear.heard, stage.ear.ends) == (b"saved", ["done"])

    run(play)


@pytest.mark.parametrize("order", [("asked", "fast"), ("fast", "asked")])
def test_when_both_fail_the_error_is_that_of_the_engine_that_was_asked(order):
    async def play(stage):
        await stage.begin()
        for name in order:
            error = EngineCrashed(1) if name == "asked" else EngineFailed("no")
            getattr(stage, name).jobs[0].listener.on_error(error)

        assert (stage.ear.heard, stage.ear.ends) == (b"", ["engine_crashed"])
        assert stage.counts == {"started": 1, "failed": 1}

    run(play)


def test_a_fast_engine_that_fails_or_makes_no_sound_disturbs_nobody():
    async def play(stage):
        await stage.begin()
        stage.fast.jobs[0].listener.on_done(Spoken(0, 1))
        stage.asked.speak(b"neural")

        assert (stage.ear.heard, stage.ear.ends) == (b"neural", ["done"])
        assert stage.counts == {"started": 1, "failed": 1}

    run(play)


def test_a_fast_engine_that_refuses_disturbs_nobody():
    async def play(stage):
        stage.fast.refusal = Stopping()
        await stage.begin()
        stage.asked.speak(b"neural")

        assert (stage.ear.heard, stage.counts) == (b"neural", {"started": 1, "failed": 1})

    run(play)


def test_an_engine_that_fails_after_it_sounded_is_not_stood_in_for():
    async def play(stage):
        await stage.begin()
        stage.asked.speak(b"neu", finish=False)
        stage.asked.jobs[0].listener.on_error(EngineCrashed(1))

        assert (stage.ear.heard, stage.ear.ends) == (b"neu", ["engine_crashed"])

    run(play)


def test_a_server_that_stops_starts_no_other_engine():
    async def play(stage):
        stage.job.due_ns = 1 << 62
        stage.source.submit(stage.job)
        stage.asked.jobs[0].listener.on_error(Stopping())
        await asyncio.sleep(0.001)

        assert (stage.ear.ends, stage.fast.jobs) == (["stopping"], [])

    run(play)


def test_a_failed_request_does_not_wait_for_ever_for_a_fast_engine(monkeypatch):
    monkeypatch.setattr("voxtrace.speech.hedge.TRY_AGAIN_S", 0.0)

    async def play(stage):
        stage.is_free = False
        await stage.begin()
        stage.asked.jobs[0].listener.on_error(EngineCrashed(1))
        await asyncio.sleep(0.05)

        assert (stage.ear.ends, stage.fast.jobs) == (["engine_crashed"], [])

    run(play)


def test_a_text_without_any_sound_is_not_made_up():
    async def play(stage):
        await stage.begin()
        stage.asked.jobs[0].listener.on_done(Spoken(0, 1))

        assert (stage.ear.heard, stage.ear.ends) == (b"", ["done"])
        assert stage.fast.cancelled == stage.fast.jobs

    run(play)


# Caches


def cached(engine: Engine, name: str) -> CachedSource:
    return CachedSource(engine, Maker(name, "1"), Levels(PieceCache(CacheLimits())))


def test_what_stood_in_is_kept_under_its_own_name_only():
    async def play(stage):
        asked, fast = cached(stage.asked, "kokoro"), cached(stage.fast, "espeak")
        stage.source.asked = asked
        stage.source.fast = FastEngine("espeak-ng", fast, lambda: True)
        await stage.begin()
        stage.fast.speak(b"espeak")
        stage.asked.jobs[0].listener.on_done(Spoken(0, 1))
        again, direct = stage.new_job(), Ear()
        stage.source.submit(again)
        fast.submit(Job(Utterance("hello", "en-us", is_first=True), direct))

        assert len(stage.asked.jobs) == 2  # it was not kept as Kokoro's
        assert (direct.heard, direct.ends) == (b"espeak", ["memory"])
        assert asked.report()["levels"]["memory"]["hits"] == 0

    run(play)


def test_a_piece_of_the_asked_engine_that_is_kept_needs_nobody_to_stand_in():
    async def play(stage):
        stage.source.asked = cached(stage.asked, "kokoro")
        stage.job.due_ns = 1 << 62
        stage.source.submit(stage.job)
        stage.asked.speak(b"neural")
        again = stage.new_job()
        stage.source.submit(again)
        await asyncio.sleep(0.001)

        assert (stage.ear.heard, stage.ear.ends) == (b"neuralneural", ["done", "memory"])
        assert (stage.fast.jobs, again.hedging.engine) == ([], "")

    run(play)


def test_a_request_that_joined_the_work_for_another_leaves_it_to_that_one():
    async def play(stage):
        stage.source.asked = cached(stage.asked, "kokoro")
        patient = Ear()
        stage.source.submit(Job(stage.job.utterance, patient))
        await stage.begin()
        stage.fast.speak(b"espeak")
        stage.asked.speak(b"neural")

        assert (stage.ear.heard, patient.heard) == (b"espeak", b"neural")
        assert stage.asked.cancelled == []

    run(play)


def test_voices_are_matched_by_language_then_by_its_first_part():
    def catalogue(*voices: Voice) -> Catalogue:
        return Catalogue("e", "cpu", voices, abilities=Abilities())

    fast = catalogue(Voice("en-gb", "", "en-gb", ("en",)), Voice("en-us", "", "en-us", ("en",)), Voice("fr", "", "fr"))
    asked = catalogue(
        Voice("bella", "", "en-us", ("b",)), Voice("marie", "", "fr-ca"), Voice("x", "", "xx"), Voice("y", "", "en-au")
    )

    assert voices_by_language(asked, fast) == {"bella": "en-us", "b": "en-us", "marie": "fr", "y": "en-gb"}


MOVES = st.sampled_from(
    ["asked sounds", "asked ends", "asked fails", "fast sounds", "fast ends", "fast fails", "leaves"]
)


@given(st.lists(MOVES, max_size=12))
def test_whatever_happens_there_is_one_voice_and_one_end_and_the_counts_add_up(moves):
    async def play(stage):
        await stage.begin()
        over = set()
        for move in moves:
            who, _, what = move.partition(" ")
            if move == "leaves" and not stage.ear.ends:
                stage.source.cancel(stage.job)
            if what and who not in over:
                make_move(getattr(stage, who).jobs[0].listener, who, what)
                over |= {who} if what in ("ends", "fails") else set()
        # An engine always comes to an end; the other one is not told of it.
        for who in {"asked", "fast"} - over:
            make_move(getattr(stage, who).jobs[0].listener, who, "ends")

        counts = stage.source.counts

        assert len(stage.ear.ends) == 1
        assert stage.ear.heard.strip(b"a") == b"" or stage.ear.heard.strip(b"f") == b""
        assert counts.started == counts.won + counts.lost + counts.failed + counts.given_up == 1
        assert (stage.ear.heard[:1] == b"f") == stage.job.hedging.has_won

    run(play)


def make_move(listener: Listener, who: str, what: str) -> None:
    if what == "sounds":
        listener.on_audio(who[:1].encode())
    elif what == "ends":
        listener.on_done(Spoken(10, 1))
    else:
        listener.on_error(EngineFailed("no"))
