"""Words of neural models that tell how long each of their tokens lasts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.small_models import (
    KOKORO_TOKENS,
    PIPER_SYMBOLS,
    SAMPLES_PER_TOKEN,
    frames_of,
    kokoro_folder,
    piper_folder,
)
from tests.speech.test_joins import said_by
from voxtrace.speech.engines.alignment import WordPlaces, units_of, usable_lengths
from voxtrace.speech.engines.espeak_phonemes import Phonemizer
from voxtrace.speech.engines.kokoro import KokoroEngine
from voxtrace.speech.engines.kokoro_phonemes import PADDING, VOCABULARY, spell
from voxtrace.speech.engines.piper import PiperEngine
from voxtrace.speech.engines.piper_config import ids_of, load_config
from voxtrace.speech.ports import NoNotes, Utterance, Word

KOKORO_LENGTHS = ["duration", "durations", "pred_dur"]
PIPER = "en_US-small-medium"


class Listening(NoNotes):
    """Keeps the words."""

    def __init__(self) -> None:
        self.words: list[Word] = []

    def word(self, word: Word) -> None:
        self.words.append(word)


def told(engine: object, utterance: Utterance) -> tuple[list[Word], int]:
    notes, blocks = Listening(), list[np.ndarray]()
    engine.speak(utterance, lambda block: blocks.append(block) or True, notes)
    return notes.words, sum(block.size for block in blocks)


def units(text: str, language: str = "en-us") -> list[str]:
    phonemizer = Phonemizer()
    clauses = list(phonemizer.clauses(text, language))
    found = units_of(text, clauses, lambda word: phonemizer.letters_alone(word, language))
    groups = [each for clause in clauses for each in clause.phonemes.split(" ")]

    # Every group belongs to one word, in order.
    assert [place for each in found for place in range(each.first, each.last + 1)] == list(range(len(groups)))
    return [text[each.begin : each.end] for each in found]


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Seven swans swim, and the sun shines.", "en-us", "Seven|swans|swim|and|the|sun|shines"),
        ("I have 1,234 swans, don't I?", "en-us", "I|have|1,234|swans|don't|I"),
        ("One of the swans. There are two of the others!", "en-us", "One|of the|swans|There are|two|of the|others"),
        (
            "It's $5.50 at 3 o'clock; see www.example.com - now.",
            "en-us",
            "It's|$5.50|at|3|o'clock|see|www.example.com|now",
        ),
        ("Die Brücke hat 21 Meter, sagt er.", "de", "Die|Brücke|hat|21|Meter|sagt|er"),
        ("L'homme qu'il a vu.", "fr-fr", "L'homme|qu'il|a|vu"),
        ("«Hola», dijo. ¿Qué tal?", "es", "Hola|dijo|Qué|tal"),
    ],
)
def test_groups_of_phonemes_are_given_to_the_words_that_they_come_from(text, language, words):
    assert units(text, language) == words.split("|")


@given(st.text("ab1 ,.-$%'", max_size=60))
def test_every_group_has_a_word_whatever_the_text(text):
    phonemizer = Phonemizer()
    clauses = list(phonemizer.clauses(text, "en-us"))
    found = units_of(text, clauses, lambda word: phonemizer.letters_alone(word, "en-us"))

    assert all(0 <= each.begin < each.end <= len(text) for each in found)
    assert all(one.last < two.first and one.end <= two.begin for one, two in pairwise(found))


@pytest.mark.parametrize("name", KOKORO_LENGTHS)
@pytest.mark.parametrize("speed", [0.25, 1.0, 1.5, 4.0])
def test_words_of_kokoro_are_where_its_tokens_are(tmp_path, name, speed):
    text = "Seven swans swim, and sing."
    engine = KokoroEngine(str(kokoro_folder(tmp_path, lengths=name)))
    words, samples = told(engine, Utterance(text, "af_heart", speed))
    frames = frames_of(KOKORO_TOKENS)
    spelt = spell(Phonemizer().clauses(text, "en-us", tied=True), "en-us")
    ends = np.cumsum([frames[PADDING], *(frames[VOCABULARY[each]] for each in spelt)]) * SAMPLES_PER_TOKEN
    begins = [int(ends[0])] + [int(ends[at + 1]) for at, each in enumerate(spelt) if each == " "]

    assert engine.catalogue().abilities.word_timings
    assert [text[each.begin : each.end] for each in words] == ["Seven", "swans", "swim", "and", "sing"]
    assert [each.at for each in words] == pytest.approx([each / speed for each in begins], abs=0.01 * samples)
    assert words[-1].until < samples


def test_words_of_a_piper_voice_are_where_its_ids_are(tmp_path):
    text = "The quick fox jumps, over."
    folder = piper_folder(tmp_path, model={"lengths": "/Ceil_output_0"})
    engine = PiperEngine(str(folder))
    words, samples = told(engine, Utterance(text, PIPER))
    config = load_config(folder / f"{PIPER}.onnx")
    ids, owners = ids_of(Phonemizer().clauses(text, "en-us"), config)
    ends = np.cumsum(frames_of(PIPER_SYMBOLS)[ids]) * SAMPLES_PER_TOKEN
    places = [np.flatnonzero(np.array(owners) == group) for group in range(5)]

    assert engine.catalogue().abilities.word_timings
    assert samples == ends[-1]
    assert [text[each.begin : each.end] for each in words] == ["The", "quick", "fox", "jumps", "over"]
    assert [(each.at, each.until) for each in words] == [(ends[own[0] - 1], ends[own[-1]]) for own in places]


def test_models_that_tell_no_lengths_declare_no_words(tmp_path):
    kokoro = KokoroEngine(str(kokoro_folder(tmp_path / "kokoro")))
    piper = PiperEngine(str(piper_folder(tmp_path / "piper")))
    engines = ((kokoro, "af_heart"), (piper, PIPER))

    assert [engine.catalogue().abilities.word_timings for engine, _ in engines] == [False, False]
    assert [told(engine, Utterance("one two", voice))[0] for engine, voice in engines] == [[], []]


def test_words_of_a_text_of_several_runs_follow_each_other(tmp_path):
    text = "Seven swans swim in the sea. " * 40
    words, samples = told(KokoroEngine(str(kokoro_folder(tmp_path, lengths="durations"))), Utterance(text, "af_heart"))

    assert len(words) == pytest.approx(40 * 6, abs=40)  # "in the" is one
    assert all(one.until <= two.at for one, two in pairwise(words))
    assert words[-1].until <= samples


def test_what_the_edges_cut_is_taken_off_the_words_of_a_model_too(tmp_path):
    folder: Path = kokoro_folder(tmp_path, lengths="durations", padding=0)
    engine = KokoroEngine(str(folder))
    said = said_by(engine, Utterance("Seven swans.", "af_heart", 1.0, True))[0]

    assert [each.begin for each in said.words] == [0, 6]
    assert said.words[-1].until <= said.sound.size


@pytest.mark.parametrize(
    "found",
    [
        None,
        np.ones(3),
        np.array([1, -1]),
        np.array([np.nan, 1]),
        np.zeros(2),
        np.array(["a", "b"]),
        np.array([True, True]),
    ],
)
def test_an_output_that_can_be_no_lengths_is_not_taken_for_them(found):
    assert usable_lengths(found, 2) is None


def test_lengths_in_any_unit_are_shares_of_the_wave():
    places = [WordPlaces(units_of("a b", list(Phonemizer().clauses("a b", "en-us")), lambda _: [1]), 1.0) for _ in "12"]
    words = [
        each.next_wave([0, -1, 1], np.array([2.0, 1.0, 1.0]) * unit, 400)
        for each, unit in zip(places, (1, 256), strict=True)
    ]

    assert words[0] == words[1] == [Word(0, 1, 0, 200), Word(2, 3, 300, 400)]
