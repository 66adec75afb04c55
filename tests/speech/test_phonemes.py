"""Phonemes for neural voices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.engines.espeak_phonemes import Phonemizer, holds_sound
from voxtrace.speech.engines.kokoro_phonemes import MAX_TOKENS, VOCABULARY, spell, split, tokens_of


def said(text: str, language: str = "en-us") -> str:
    return spell(Phonemizer().clauses(text, language, tied=True), language)


def marks(text: str, language: str = "en-us") -> list[str]:
    return [clause.mark for clause in Phonemizer().clauses(text, language)]


def test_punctuation_that_ends_a_clause_is_kept():
    assert marks("Well, is it? Yes! One; two: three… Four.") == [",", "?", "!", ";", ":", "…", "."]


def test_a_mark_behind_which_a_quotation_or_bracket_closes_is_kept():
    assert marks('He said "go." Then (why?) he went.')[0] == "."


def test_a_decimal_point_is_no_end_of_a_clause():
    assert marks("It is 3.5") == [""]


def test_the_full_stop_of_an_abbreviation_is_no_pause():
    assert "." not in said("Mr. Smith is here")


def test_american_english_is_written_as_kokoro_was_taught():
    assert said("Hello world, join a boy now.") == "həlˈO wˈɜɹld, ʤˈYn ə bˈY nˈW."


def test_british_english_has_its_own_vowels():
    assert "Q" in said("go home", "en-gb")


def test_words_of_another_language_bring_no_flags_with_them():
    assert "(" not in said("Das ist the computer.", "de")


def test_everything_that_is_said_in_english_is_in_the_vocabulary():
    text = "The quick brown fox jumps over the lazy dog; measure, choir, button, little, rhythm, nature, judge, church."

    assert [each for each in said(text) if each not in VOCABULARY] == []


def test_a_language_that_espeak_lacks_is_an_error():
    with pytest.raises(LookupError, match="tlh"):
        said("nuqneH", "tlh")


def test_a_nul_does_not_end_the_text():
    assert said("one\0two") == said("one two")


def test_there_are_as_many_symbols_as_in_kokoros_own_vocabulary():
    assert (len(VOCABULARY), min(VOCABULARY.values()), max(VOCABULARY.values())) == (114, 1, 177)


def test_a_run_ends_after_a_sentence_rather_than_within_one():
    runs = split("aaaa. bbb bbb bbb", VOCABULARY, limit=10)

    assert runs == [tokens_of("aaaa.", VOCABULARY), tokens_of("bbb bbb", VOCABULARY), tokens_of("bbb", VOCABULARY)]


@given(st.text("ab ,.?ˈ", max_size=200).filter(holds_sound), st.integers(1, 20))
def test_no_run_is_longer_than_the_limit_and_nothing_but_spaces_is_lost(phonemes, limit):
    runs = split(phonemes, VOCABULARY, limit)
    space = VOCABULARY[" "]

    assert all(0 < len(run) <= limit for run in runs)
    assert [each for run in runs for each in run if each != space] == [
        each for each in tokens_of(phonemes, VOCABULARY) if each != space
    ]


def test_the_limit_is_that_of_the_model():
    assert max(map(len, split("a" * 1200, VOCABULARY))) == MAX_TOKENS == 510
