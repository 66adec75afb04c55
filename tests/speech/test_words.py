"""When each word is heard, by what engines say of it and by what can be heard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.test_engines import espeak
from tests.speech.test_joins import said_by
from voxtrace.speech.edges import SILENT
from voxtrace.speech.ports import OUTPUT_RATE_HZ, NoNotes, Utterance, Word
from voxtrace.speech.words import Tokens, pack_words, unpack_words
from voxtrace.testing.faulty_engine import Faults, FaultyEngine


class Listening(NoNotes):
    """Keeps the words."""

    def __init__(self) -> None:
        self.words: list[Word] = []

    def word(self, word: Word) -> None:
        self.words.append(word)


def espeak_words(text: str, voice: str = "en-us", speed: float = 1.0) -> list[Word]:
    notes = Listening()
    espeak().speak(Utterance(text, voice, speed), lambda _: True, notes)
    return notes.words


def texts(text: str, words: list[Word]) -> list[str]:
    return [text[each.begin : each.end] for each in words]


@pytest.mark.parametrize(
    ("text", "voice", "words"),
    [
        ("Hello world, this is it.", "en-us", "Hello|world|this|is|it"),
        ("Über ärger: 1234 cats & don't re-enter.", "en-us", "Über|ärger|1234|cats|&|don't|re-enter"),
        ("It's $5.50 at 3 o'clock!", "en-us", "It's|$5.50|at|3|o'clock"),
        ("1,234,567 apples and 😀 www.example.com/foo", "en-us", "1,234,567|apples|and|😀|www.example.com/foo"),
        ('the U.S.A. (well) "quoted," ok', "en-us", "the|U.S.A|well|quoted|ok"),
        ("one—two and three…then", "en-us", "one|two|and|three|then"),
        ("  leading\n\nhere", "en-us", "leading|here"),
        ("Die Brücke hat 21 Meter.", "de", "Die|Brücke|hat|21|Meter"),
        ("Привет, мир", "ru", "Привет|мир"),
        ("Привет, мир", "en-us", "Привет|мир"),
        ("今天很好，我们去", "cmn", "今|天|很好|我|们|去"),
        ("日本語 です", "ja", "日本語|です"),
        ("There are two of the - cats", "en-us", "There are|two|of the|cats"),
    ],
)
def test_the_words_of_espeak_are_those_of_the_text(text, voice, words):
    assert texts(text, espeak_words(text, voice)) == words.split("|")


@pytest.mark.parametrize("speed", [0.25, 0.4, 1.0, 2.5, 4.0])
def test_words_follow_each_other_and_end_with_the_sound(speed):
    text = "one two three four five six seven eight nine ten, eleven twelve."
    words = espeak_words(text, speed=speed)
    blocks: list[np.ndarray] = []
    espeak().speak(Utterance(text, "en-us", speed), lambda block: blocks.append(block) or True)
    length = sum(block.size for block in blocks)

    assert len(words) == 12
    assert all(one.at < one.until <= two.at + 1 for one, two in pairwise(words))
    assert words[-1].until == pytest.approx(length, abs=0.03 * length)


@pytest.mark.parametrize("speed", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_word_of_espeak_begins_where_its_sound_begins(speed, is_first):
    """Sentences have silence between them, so it can be seen in the samples where each begins."""
    text = "Yellow. Many. Lose. Worn. Noisy. Moon."
    said = said_by(espeak(), Utterance(text, "en-us", speed, is_first))[0]
    silence = 0.025 * OUTPUT_RATE_HZ
    loud = np.flatnonzero(np.abs(said.sound.astype(int)) > SILENT)
    onsets = [int(loud[0])] + [int(b) for a, b in pairwise(loud) if b - a > silence]

    assert len(onsets) == len(said.words) == 6
    assert [each.at for each in said.words] == pytest.approx(onsets, abs=0.02 * OUTPUT_RATE_HZ)


@pytest.mark.parametrize("rate_hz", [24_000, 22_050, 16_000])
@pytest.mark.parametrize("block_ms", [7, 60, 500])
def test_words_of_an_engine_that_knows_them_exactly_are_exact_in_what_is_sent(rate_hz, block_ms):
    engine = FaultyEngine(Faults(words=True, sample_rate_hz=rate_hz, block_ms=block_ms))
    said = said_by(engine, Utterance("one, two (three)", "hum"))[0]

    # 60 ms a character; 0.1 ms for the zero crossing at either end, which is silent, and for the rate.
    assert [each.at / 24 for each in said.words] == pytest.approx([0, 5 * 60, 10 * 60], abs=0.3)
    assert [each.until / 24 for each in said.words] == pytest.approx([3 * 60, 8 * 60, 15 * 60], abs=0.3)


def test_the_silence_that_is_cut_in_front_is_taken_off_every_word():
    engine = FaultyEngine(Faults(words=True, leading_silence_ms=90))
    cut, whole = (said_by(engine, Utterance("aaaa bb", "hum", 1.0, each))[0] for each in (True, False))

    assert whole.words[0].at - cut.words[0].at == pytest.approx(89 * 24, abs=24)
    assert whole.words[1].until - cut.words[1].until == pytest.approx(89 * 24, abs=24)
    assert cut.words[1].until <= cut.sound.size


def test_words_are_told_before_the_sound_that_they_end_with():
    engine = FaultyEngine(Faults(words=True, block_delay_ms=3))
    said = said_by(engine, Utterance("one two three four", "hum"))[0]

    assert all(sent <= word.until for word, sent in zip(said.words, said.sent_before, strict=True))


@given(st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 4), max_size=20))
def test_words_travel_as_they_are(records):
    words = [Word(*record) for record in records]

    assert list(unpack_words(pack_words(words))) == words


@given(st.text(max_size=80), st.integers(0, 100))
def test_every_character_belongs_to_one_word_at_most(text, position):
    tokens = Tokens(text)
    found = tokens.at(min(position, max(0, len(text) - 1)))

    assert found is None or 0 <= found[0] < found[1] <= len(text)
    assert all(
        begin <= tokens.trimmed(begin, end).begin < tokens.trimmed(begin, end).end <= end for begin, end in tokens.spans
    )
