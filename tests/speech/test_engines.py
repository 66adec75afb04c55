"""What every engine must do. The same suite runs on each of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.speech.small_models import kokoro_folder, piper_folder
from voxtrace.speech.engines.espeak import EspeakEngine
from voxtrace.speech.engines.kokoro import KokoroEngine
from voxtrace.speech.engines.piper import PiperEngine
from voxtrace.speech.errors import EngineFailed
from voxtrace.speech.ports import Engine, Utterance
from voxtrace.testing.faulty_engine import Faults, FaultyEngine

TEXT = "Seven swans swim in the sea, and the sun shines."


@cache
def espeak() -> EspeakEngine:
    """One for all tests: espeak-ng keeps its state in globals of the process."""
    return EspeakEngine()


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """Small models of Kokoro and of Piper."""
    folder = tmp_path_factory.mktemp("voices")
    kokoro_folder(folder / "kokoro")
    piper_folder(folder / "piper")
    return folder


@pytest.fixture(params=["espeak", "faulty", "kokoro", "piper"])
def engine(request, folders) -> Engine:
    if request.param == "kokoro":
        return KokoroEngine(str(folders / "kokoro"))
    if request.param == "piper":
        return PiperEngine(str(folders / "piper"))
    return espeak() if request.param == "espeak" else FaultyEngine(Faults())


def voice_of(engine: Engine) -> str:
    catalogue = engine.catalogue()
    return "en-us" if catalogue.has("en-us") else catalogue.voices[0].id


def spoken(engine: Engine, text: str = TEXT, voice: str = "", **options) -> list[np.ndarray]:
    blocks: list[np.ndarray] = []
    voice = voice or voice_of(engine)

    def on_block(block):
        blocks.append(block)
        return True

    engine.speak(Utterance(text, voice, **options), on_block)
    return blocks


def seconds(engine: Engine, blocks: list[np.ndarray]) -> float:
    return sum(block.size for block in blocks) / engine.sample_rate_hz


def test_it_has_voices_and_each_has_a_name_of_its_own(engine):
    names = [voice.id for voice in engine.catalogue().voices]

    assert names
    assert len(set(names)) == len(names)


def test_it_declares_what_it_can(engine):
    abilities = engine.catalogue().abilities
    slowest, fastest = abilities.speeds

    assert abilities.sample_rate_hz == engine.sample_rate_hz
    assert 0 < slowest <= 1 <= fastest
    assert engine.catalogue().provider in abilities.providers
    assert abilities.precision in (*abilities.precisions, "")


def test_what_it_declares_to_be_the_same_is_the_same(engine):
    if not engine.catalogue().abilities.deterministic:
        pytest.skip("it promises nothing")
    # Elsewhere an engine has a process of its own. Here espeak-ng may still be coloured by what another one had it
    # speak, in the first text that comes after.
    spoken(engine)
    once, again = (np.concatenate(spoken(engine)) for _ in range(2))

    assert np.array_equal(once, again)


def test_it_speaks_in_blocks_of_mono_16_bit(engine):
    blocks = spoken(engine)

    assert len(blocks) > 3
    assert {(block.dtype, block.ndim) for block in blocks} == {(np.dtype(np.int16), 1)}


def test_something_can_be_heard(engine):
    assert np.abs(np.concatenate(spoken(engine)).astype(int)).max() > 3000


def test_a_block_is_short_enough_to_be_sent_at_once(engine):
    assert max(block.size for block in spoken(engine)) / engine.sample_rate_hz <= 0.1


def test_it_stops_within_a_block_when_nobody_wants_more(engine):
    heard = []

    def on_block(block):
        heard.append(block)
        return len(heard) < 2

    engine.speak(Utterance(TEXT, voice_of(engine)), on_block)

    assert len(heard) == 2


def test_it_speaks_again_after_it_was_stopped(engine):
    engine.speak(Utterance(TEXT, voice_of(engine)), lambda _: False)

    assert seconds(engine, spoken(engine)) > 1.5


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_speed_changes_the_length_by_its_factor(engine, speed):
    ratio = seconds(engine, spoken(engine)) / seconds(engine, spoken(engine, speed=speed))

    assert ratio == pytest.approx(speed, rel=0.12)


def test_a_voice_that_it_does_not_have_is_an_error_and_no_other_voice(engine):
    with pytest.raises(EngineFailed, match="no-such-voice"):
        spoken(engine, voice="no-such-voice")


def test_an_error_of_the_listener_comes_back_to_the_caller(engine):
    def on_block(_):
        raise LookupError("the listener fell over")

    with pytest.raises(LookupError, match="fell over"):
        engine.speak(Utterance(TEXT, voice_of(engine)), on_block)


def test_it_speaks_on_after_an_error_of_the_listener(engine):
    with pytest.raises(ZeroDivisionError):
        engine.speak(Utterance(TEXT, voice_of(engine)), lambda _: 1 // 0)

    assert seconds(engine, spoken(engine)) > 1.5


# What only espeak-ng does.


def test_espeak_pauses_after_a_piece_only_when_more_follows():
    alone, followed = (seconds(espeak(), spoken(espeak(), "It ends here.", pause_after=more)) for more in (False, True))

    assert 0.2 < followed - alone < 0.4


def test_espeak_does_not_take_text_for_markup():
    assert seconds(espeak(), spoken(espeak(), "<speak>one</speak>")) > seconds(espeak(), spoken(espeak(), "one"))


def test_two_pieces_of_espeak_are_as_long_as_their_text_in_one():
    whole = seconds(espeak(), spoken(espeak(), "Hello world, this is it."))
    pieces = seconds(espeak(), spoken(espeak(), "Hello world, ", pause_after=True)) + seconds(
        espeak(), spoken(espeak(), "this is it.")
    )

    assert pieces == pytest.approx(whole, abs=0.02)


def test_every_voice_that_espeak_lists_can_be_loaded_by_each_of_its_names():
    names = [name for voice in espeak().catalogue().voices for name in (voice.id, *voice.also)]

    for name in names:
        espeak().speak(Utterance("1", name), lambda _: False)


def test_another_voice_in_between_does_not_change_how_fast_espeak_speaks():
    before = seconds(espeak(), spoken(espeak()))
    spoken(espeak(), voice="fr", speed=3.0)
    spoken(espeak(), voice="de", speed=3.0)

    assert seconds(espeak(), spoken(espeak())) == pytest.approx(before, rel=0.02)


def test_espeak_has_the_variants_that_the_aliases_use():
    assert {"f1", "f5", "m1", "m8"} <= set(espeak().catalogue().variants)


# What only the faulty one does.


def test_the_faulty_engine_is_silent_for_as_long_as_it_is_told():
    samples = np.concatenate(spoken(FaultyEngine(Faults(leading_silence_ms=250))))

    assert np.flatnonzero(samples)[0] / 24_000 == pytest.approx(0.25, abs=0.001)


def test_the_faulty_engine_fails_where_it_is_told():
    heard = []

    with pytest.raises(EngineFailed, match="told to fail"):
        FaultyEngine(Faults(fail_after_ms=120)).speak(
            Utterance(TEXT, "en-us"), lambda block: heard.append(block) or True
        )

    assert sum(block.size for block in heard) == 120 * 24


def test_the_faulty_engine_spares_texts_that_it_is_not_told_to_spoil():
    engine = FaultyEngine(Faults(only="spoil", silent=True))

    assert (spoken(engine, "spoil me"), len(spoken(engine, "spare me")) > 0) == ([], True)
