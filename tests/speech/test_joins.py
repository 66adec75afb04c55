"""Where two pieces meet: what one engine process ended with and another began with must not be heard as a click."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.small_models import kokoro_folder, piper_folder
from tests.speech.test_pool import Ear, job
from voxtrace.speech.edges import (
    CLAUSE_PAUSE_MS,
    FADE_MS,
    SENTENCE_PAUSE_MS,
    SILENT,
    TAIL_MS,
    Edges,
    Shape,
    shape_of,
)
from voxtrace.speech.engine_process import EngineChoice
from voxtrace.speech.engines.kokoro import KokoroEngine
from voxtrace.speech.engines.piper import PiperEngine
from voxtrace.speech.pool import Pool, PoolOptions
from voxtrace.speech.ports import NO_NOTES, Abilities, Catalogue, Engine, Notes, OnBlock, Utterance, Voice, Word
from voxtrace.speech.wire import FrameReader, Kind, pack
from voxtrace.speech.words import unpack_words
from voxtrace.speech.worker import Link, serve
from voxtrace.testing.faulty_engine import Faults, FaultyEngine

RATE_HZ = 24_000
FADE = FADE_MS * RATE_HZ // 1000


def shaped(sound: np.ndarray, shape: Shape, block: int = 1440) -> np.ndarray:
    edges = Edges(RATE_HZ, shape)
    out = [edges.push(sound[begin : begin + block]) for begin in range(0, sound.size, block)]
    return np.concatenate([*out, edges.finish()])


def steps(samples: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(samples.astype(int)))


class Said(NamedTuple):
    """One utterance as the worker sent it."""

    sound: np.ndarray
    words: list[Word]
    sent_before: list[int]  # samples in front of the frame that told each word


def spoken_by(engine: Engine, *utterances: Utterance) -> list[np.ndarray]:
    """The sound of each utterance as the real worker sends it, and with the number of samples that it reports."""
    return [each.sound for each in said_by(engine, *utterances)]


def said_by(engine: Engine, *utterances: Utterance) -> list[Said]:
    """The same, with the words."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(engine, Link(theirs)), daemon=True)
    thread.start()
    reader, said = FrameReader(), list[Said]()
    try:
        for number, each in enumerate(utterances):
            record = {"text": each.text, "voice": each.voice, "speed": each.speed}
            record |= {"is_first": each.is_first, "pause_after": each.pause_after}
            ours.sendall(pack(Kind.SPEAK, number, json.dumps(record).encode()))
            pcm, done = b"", None
            words: list[Word] = []
            sent_before: list[int] = []
            while done is None:
                for frame in reader.feed(ours.recv(65536)):
                    assert frame.kind != Kind.FAILED, frame.payload
                    if frame.kind == Kind.WORDS:
                        words += unpack_words(frame.payload)
                        sent_before += [len(pcm) // 2] * (len(words) - len(sent_before))
                    if frame.kind == Kind.AUDIO:
                        pcm += frame.payload
                    done = frame if frame.kind == Kind.DONE else done
            assert json.loads(done.payload)["samples"] * 2 == len(pcm)
            said.append(Said(np.frombuffer(pcm, np.int16), words, sent_before))
    finally:
        ours.close()
        thread.join(5)
        theirs.close()
    return said


class Drawn:
    """An engine that plays what a test has drawn."""

    def __init__(self, sound: np.ndarray, block: int = 1440, rate_hz: int = RATE_HZ, **abilities: object) -> None:
        self._sound, self._block, self.sample_rate_hz = sound, block, rate_hz
        self._abilities = Abilities(rate_hz, **abilities)

    def catalogue(self) -> Catalogue:
        return Catalogue("drawn", "cpu", (Voice("v", "V", "und"),), abilities=self._abilities)

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        for begin in range(0, self._sound.size, self._block):
            if not on_block(self._sound[begin : begin + self._block]):
                return


def sine(phase: float, hz: float = 200.0, seconds: float = 0.5, rate_hz: int = RATE_HZ) -> np.ndarray:
    at = np.arange(round(seconds * rate_hz))
    return (12_000 * np.sin(at * (2 * np.pi * hz / rate_hz) + phase)).astype(np.int16)


def joined(engine: Engine, texts: Sequence[str], voice: str = "v") -> tuple[np.ndarray, list[int]]:
    last = len(texts) - 1
    said = spoken_by(engine, *(Utterance(text, voice, 1.0, n == 0, n < last) for n, text in enumerate(texts)))
    return np.concatenate(said), list(np.cumsum([each.size for each in said])[:-1])


STEEP = 12_000 * 2 * np.pi * 200 / RATE_HZ  # the steepest step inside of the sine
SLOPE = 12_000 * np.pi / 2 / FADE  # the steepest of a fade

DRAWINGS = {
    "a sine that begins and ends at its crest": sine(np.pi / 2),
    "a constant": np.full(12_000, 9000, np.int16),
    "a sine on top of a constant": sine(1.0) // 2 + np.int16(6000),
    "a piece that is shorter than two fades": np.full(150, -9000, np.int16),
    "a piece that is shorter than one": np.full(30, -9000, np.int16),
    "one sample": np.full(1, 9000, np.int16),
}


@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("block", [1440, 7])
@pytest.mark.parametrize("rate_hz", [24_000, 22_050])
def test_no_step_at_a_join_is_larger_than_within_the_sound(drawing, block, rate_hz):
    sound, joins = joined(Drawn(DRAWINGS[drawing], block, rate_hz), ["one", "two", "three"])
    at_joins = max(steps(sound[max(0, join - 2 * FADE) : join + 2 * FADE]).max(initial=0) for join in joins)

    # A piece of one sample can't be faded, but it need not be loud either.
    assert at_joins <= (STEEP + SLOPE) * 1.1


def test_a_step_would_be_seen_by_this_measure():
    crest = sine(np.pi / 2)

    assert steps(np.concatenate((crest, -crest))).max() > 10 * STEEP


def test_a_piece_that_begins_and_ends_at_zero_crossings_is_left_as_it_is():
    sound = sine(0.0)[: 24_000 // 200 * 10 + 1]

    assert np.array_equal(shaped(sound, Shape()), sound)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=2000), st.integers(1, 700))
def test_the_sound_inside_a_piece_is_untouched_and_none_is_lost(samples, block):
    sound = np.array(samples, np.int16)
    left = shaped(sound, Shape(), block)

    assert np.array_equal(left[FADE : sound.size], sound[FADE:])
    assert left.size - sound.size == (FADE if abs(int(left[sound.size - 1])) > SILENT else 0)
    assert abs(int(left[-1])) <= SILENT


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_blocks_of_any_size_make_the_same_sound(first, second):
    sound = np.concatenate((np.zeros(500, np.int16), sine(1.0), np.zeros(900, np.int16)))
    shape = Shape(pause_ms=20.0)

    assert np.array_equal(shaped(sound, shape, first), shaped(sound, shape, second))


def test_no_sound_is_held_back():
    edges = Edges(RATE_HZ, Shape(cut_ms=300))

    assert [edges.push(sine(0.0)[:1440]).size for _ in range(2)] == [1440, 1440]


@pytest.mark.parametrize(
    ("text", "pause_after", "speed", "pause_ms"),
    [
        ("That is it. ", True, 1.0, SENTENCE_PAUSE_MS),
        ("Is it?” ", True, 1.0, SENTENCE_PAUSE_MS),
        ("これです。", True, 1.0, SENTENCE_PAUSE_MS),
        ("Well, ", True, 1.0, CLAUSE_PAUSE_MS),
        ("A heading\n", True, 1.0, CLAUSE_PAUSE_MS),
        ("That is it. ", True, 2.0, SENTENCE_PAUSE_MS / 2),
        ("in the middle ", False, 1.0, TAIL_MS),
        ("The end.", False, 1.0, TAIL_MS),
    ],
)
@pytest.mark.parametrize("silence_ms", [0, 10, 700])
def test_a_neural_piece_ends_with_the_pause_of_its_punctuation(text, pause_after, speed, pause_ms, silence_ms):
    shape = shape_of(Utterance(text, "v", speed, pause_after=pause_after), makes_pauses=False)
    silence = np.zeros(silence_ms * 24, np.int16)
    left = shaped(np.concatenate((silence, sine(0.0), silence)), shape)
    loud = np.flatnonzero(np.abs(left.astype(int)) > SILENT)
    end_ms = (left.size - loud[-1]) / 24

    assert loud[0] <= 24 + 1
    assert end_ms == pytest.approx(pause_ms if pause_after else min(pause_ms, silence_ms), abs=1)


def test_an_engine_that_makes_its_own_pauses_keeps_them():
    sound = np.concatenate((np.zeros(2400, np.int16), sine(0.0), np.zeros(7200, np.int16)))
    shape = shape_of(Utterance("Well. ", "v", pause_after=True), makes_pauses=True)
    left = shaped(sound, shape)

    assert left.size == sound.size
    assert np.array_equal(left[:-FADE], sound[:-FADE])


def test_silence_in_the_middle_of_a_neural_piece_is_kept():
    sound = np.concatenate((sine(0.0), np.zeros(24_000, np.int16), sine(0.0)))

    assert np.array_equal(shaped(sound, Shape(5000, 20.0))[FADE : sound.size], sound[FADE:])


def test_a_neural_piece_without_any_sound_is_no_sound():
    assert spoken_by(Drawn(np.zeros(24_000, np.int16), makes_pauses=False), Utterance("…", "v"))[0].size == 0


@pytest.mark.parametrize("silence_ms", [100, 400, 2000])
def test_a_first_piece_of_silence_is_no_sound_whoever_made_it(silence_ms):
    silence = np.zeros(silence_ms * 24, np.int16)

    assert spoken_by(Drawn(silence), Utterance("…", "v", is_first=True))[0].size == 0
    assert spoken_by(Drawn(silence), Utterance("…", "v"))[0].size == silence.size


@pytest.mark.parametrize("kind", ["kokoro", "piper"])
def test_pieces_of_a_model_with_an_offset_and_silence_around_it_join_without_a_step_and_with_a_pause(tmp_path, kind):
    ends: dict[str, object] = {"offset": 0.2, "padding": 12_000}
    if kind == "kokoro":
        engine: Engine = KokoroEngine(str(kokoro_folder(tmp_path, **ends)))
    else:
        engine = PiperEngine(str(piper_folder(tmp_path, model=ends)))
    sound, joins = joined(engine, ["One swan, ", "two swans. ", "Three."], engine.catalogue().voices[0].id)
    inside = steps(sound[joins[0] + 4 * FADE : joins[0] + 12_000]).max()
    # The model's own step from silence to its offset is inside of the piece, and belongs to it.
    at_joins = [steps(sound[join - 24 * TAIL_MS : join + 2]).max() for join in joins]
    silent = [np.flatnonzero(np.abs(sound[join - 12_000 : join].astype(int)) > SILENT)[-1] for join in joins]

    assert max(at_joins) <= min(inside, SILENT)
    assert [(12_000 - each) / 24 for each in silent] == pytest.approx([CLAUSE_PAUSE_MS, SENTENCE_PAUSE_MS], abs=3)


def test_the_joined_pieces_of_a_deterministic_engine_are_what_it_says_one_after_the_other():
    texts = ["One, ", "two, ", "three."]
    engine = FaultyEngine(Faults())
    sound, joins = joined(engine, texts, "hum")
    alone = [spoken_by(engine, Utterance(text, "hum", 1.0, n == 0, n < 2))[0] for n, text in enumerate(texts)]

    assert np.array_equal(sound, np.concatenate(alone))
    assert len(joins) == 2


@pytest.mark.slow
def test_pieces_of_espeak_from_several_processes_join_without_a_click():
    """Compared with espeak-ng itself, which speaks the same text in one go."""
    texts = ["Hello there, ", "this is a longer piece of text, ", "zooming along. ", "Mmm, ", "and that is all "]

    async def speak() -> list[bytes]:
        pool = Pool(PoolOptions(workers=2, engine=EngineChoice("espeak")))
        await pool.start()
        try:
            ears = [Ear() for _ in texts]
            for number, (ear, text) in enumerate(zip(ears, texts, strict=True)):
                asked = job(ear, text, voice="en-us")
                asked.utterance = Utterance(text, "en-us", 1.0, number == 0, text.strip()[-1] in ",.")
                pool.submit(asked)
            for ear in ears:
                await ear.end
            return [ear.pcm for ear in ears]
        finally:
            await pool.stop()

    pieces = [np.frombuffer(each, np.int16) for each in asyncio.run(speak())]
    sound = np.concatenate(pieces)
    joins = np.cumsum([each.size for each in pieces])[:-1]
    at_joins = max(steps(sound[join - 24 : join + 24]).max() for join in joins)

    assert at_joins <= 5 * SILENT < steps(sound).max()
