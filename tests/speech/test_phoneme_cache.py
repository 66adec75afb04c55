"""Phonemes are made once for the same text in the same language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.engines.espeak_phonemes import Clause
from voxtrace.speech.engines.phoneme_cache import PhonemeCache
from voxtrace.speech.ports import Utterance


class Phonemiser:
    """Says what it was asked, and how often."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, text: str, language: str) -> list[Clause]:
        if language == "tlh":
            raise LookupError("no such language")
        self.asked.append((text, language))
        return [Clause(text.upper(), language)]


def test_the_same_text_is_phonemised_once_whatever_the_voice_and_speed():
    phonemiser = Phonemiser()
    cache = PhonemeCache(phonemiser)
    found = [cache.find(Utterance("hello", voice, speed), "en") for voice, speed in (("a", 1.0), ("b", 2.0))]

    assert [made.cache for _, made in found] == ["miss", "hit"]
    assert found[0][0] == found[1][0] == (Clause("HELLO", "en"),)
    assert phonemiser.asked == [("hello", "en")]


def test_another_language_is_another_entry():
    cache = PhonemeCache(Phonemiser())
    results = [cache.find(Utterance("chat", "v"), language) for language in ("en", "fr", "en")]

    assert [(clauses[0].mark, made.cache) for clauses, made in results] == [
        ("en", "miss"),
        ("fr", "miss"),
        ("en", "hit"),
    ]


def test_who_wants_nothing_kept_is_neither_answered_from_it_nor_fills_it():
    phonemiser = Phonemiser()
    cache = PhonemeCache(phonemiser)
    results = [cache.find(Utterance("hello", "v", fresh=fresh), "en")[1] for fresh in (True, True, False, True)]

    assert [made.cache for made in results] == ["bypass", "bypass", "miss", "bypass"]
    assert [made.entries for made in results] == [0, 0, 1, 1]
    assert len(phonemiser.asked) == 4


def test_a_language_that_there_is_not_leaves_nothing_behind():
    cache = PhonemeCache(Phonemiser())

    with pytest.raises(LookupError):
        cache.find(Utterance("nuqneH", "v"), "tlh")
    assert cache.find(Utterance("hello", "v"), "en")[1].entries == 1


def test_what_was_not_asked_for_longest_goes():
    cache = PhonemeCache(Phonemiser(), max_bytes=1000)
    for text in ("one", "two", "one", "three"):
        cache.find(Utterance(text, "v"), "en")

    assert [cache.find(Utterance(text, "v"), "en")[1].cache for text in ("one", "two")] == ["hit", "miss"]


@given(st.lists(st.text(max_size=300), max_size=40), st.integers(0, 3000))
def test_its_bytes_are_bounded_whatever_is_asked(texts, max_bytes):
    cache = PhonemeCache(Phonemiser(), max_bytes)
    for text in texts:
        made = cache.find(Utterance(text, "v"), "en")[1]

        assert 0 <= made.bytes <= max_bytes
