"""What holds of every text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxtrace.speech.text.normal.languages import _BY_TAG
from voxtrace.speech.text.normalise import SAY_AS, UnknownSayAs, normalise, say_as
from voxtrace.speech.text.segment import segment

LANGUAGES = ("en-us", "en-gb", "de", "de-ch", "fr-fr", "es", "es-419", "es-mx", "ja", "pl", "")
# What the kinds are made of, so that chance puts them together as nobody would.
_MATERIAL = (
    "1 2 12 005 1984 2026 3.5 1,234.56 1.234,56 1'000 ½ ² st th er º . , : ; - – — / % $ € £ ¥ EUR km kg m h °C pm Uhr "
    "am der May Mai mayo 28 11 ( ) [ ] ]( ![ < > <b> & &amp; * ** _ ` ``` # | \\ ~ = → != http:// www. .com a@b.de @x "
    "II XIV V I Dr. Mr. e.g. z. B. M. Sr. No. Nr. n° 😀 👍🏽 👨‍👩‍👧 🇩🇪 5️⃣ １ ！ A B word Wort :) \ufeff \u00ad"
)
MATERIAL = [*_MATERIAL.split(" "), " ", "  ", "\n", "\n\n", "\u00a0", "\u202f", "\0", "\ud800"]
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(MATERIAL), max_size=14).map("".join))
languages = st.sampled_from(LANGUAGES)


@settings(max_examples=400)
@given(texts, languages)
def test_no_text_is_too_odd(text, language):
    spoken = normalise(text, language)
    spans = [spoken.source_span(place, place + 1) for place in range(len(spoken.text))]

    assert spans == sorted(spans)
    assert all(0 <= begin <= end <= len(text) for begin, end in spans)


@settings(max_examples=200)
@given(texts, languages)
def test_edits_are_in_order_and_say_what_is_left_as_it_was(text, language):
    spoken = normalise(text, language)
    before = (0, 0)
    for edit in spoken.edits:
        assert edit.source_begin - before[0] == edit.begin - before[1] >= 0
        before = edit.source_end, edit.end

    assert len(text) - before[0] == len(spoken.text) - before[1]


WORDS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzäöüéñ"), min_size=4, max_size=9)


@given(st.lists(WORDS, max_size=12), languages)
def test_prose_comes_back_as_it_is(words, language):
    text = ", ".join(words) + "."
    spoken = normalise(text, language)

    assert spoken.text == text
    assert spoken.edits == ()


@settings(max_examples=300)
@given(st.lists(st.one_of(WORDS, st.sampled_from(MATERIAL)), max_size=12), st.sampled_from(("en-us", "de", "fr", "es")))
def test_no_plain_word_is_lost(parts, language):
    text = " ".join(parts)
    kept = set(re.findall(r"[^\W\d_]+", normalise(text, language).text))
    # Of more than three letters, so that it is no unit; and no target of a link, which is not spoken.
    expected = {part for part in parts if len(part) > 3 and part.isalpha() and part.islower()}
    if "](" in text or "<" in text or "`" in text:
        expected = set()

    assert expected <= kept


@given(st.text(max_size=200), languages)
def test_a_piece_is_read_by_itself(text, language):
    for piece in segment(text):
        assert normalise(piece.text, language) == normalise(piece.text, language)


@given(
    st.sampled_from(SAY_AS),
    texts,
    st.sampled_from(("", "mdy", "dmy", "ymd", "my", "hms12", "EUR", "f", "yyy", "x")),
    languages,
)
def test_say_as_takes_any_text(interpret_as, text, form, language):
    spoken = say_as(text, interpret_as, form, language)

    assert all(0 <= begin <= end <= len(text) for begin, end in [spoken.source_span(0, len(spoken.text))])


def test_an_unknown_kind_of_say_as_is_refused_with_the_known_ones():
    with pytest.raises(UnknownSayAs, match='no interpret-as="poem"; there are: cardinal') as refused:
        say_as("a", "poem", "", "en")

    assert refused.value.known == SAY_AS


@pytest.mark.parametrize("language", ["en-us", "de"])
@pytest.mark.parametrize(
    "atom", ["1", "1.", "1x", "½", "1 h ", "<!--", "|", "[a](", "a/", "a.", "*", "A. ", "😀\u200d"]
)
def test_ten_kibibytes_of_one_sign_come_through(atom, language):
    """They take time in proportion: twice the text, twice the time. No stack and no limit is met either."""
    text = (atom * 10_240)[:10_240]
    spoken = normalise(text, language)

    assert spoken.source_span(0, len(spoken.text))[1] <= len(text)


@pytest.mark.parametrize("tag", sorted(_BY_TAG))
def test_every_language_reads_a_text_with_all_kinds(tag):
    text = "".join(f"{part} " for part in MATERIAL)

    assert normalise(text, tag).text
