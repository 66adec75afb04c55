"""From texts to lines: what is spoken, how, and which characters of the source it stands for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.text.document import Run
from voxtrace.speech.text.script import AS_WRITTEN, Line, Reading, lines_of
from voxtrace.speech.text.segment import RAMP, Segmenter, segment
from voxtrace.speech.text.ssml import InvalidSsml, read_ssml

ENGLISH = Reading("en-us")
PROSE = "This is the first clause, and then the text goes on. A second sentence is here, and a third one follows it."


def of_text(text: str, reading: Reading = ENGLISH) -> list[Line]:
    return list(lines_of(text, None, RAMP, reading))


def of_ssml(inside: str, reading: Reading = AS_WRITTEN) -> tuple[str, list[Line]]:
    source = f"<speak>{inside}</speak>"
    return source, list(lines_of(source, read_ssml(source), RAMP, reading))


def words_of(source: str, lines: list[Line]) -> list[tuple[str, str]]:
    """Each spoken word, and what it stands for."""
    return [
        (word[0], source[slice(*line.source_span(*word.span()))])
        for line in lines
        for word in re.finditer(r"\S+", line.text)
    ]


def test_plain_text_as_it_is_written_is_cut_and_nothing_else():
    lines = of_text(PROSE, AS_WRITTEN)

    assert [(line.text, line.has_pause) for line in lines] == segment(PROSE)
    assert [PROSE[line.begin : line.end] for line in lines] == [line.text for line in lines]
    assert sum(line.chars for line in lines) == len(PROSE)


def test_each_spoken_word_of_plain_text_stands_for_itself():
    assert all(spoken == written for spoken, written in words_of(PROSE, of_text(PROSE)))


def test_what_is_nothing_but_space_is_no_speech():
    assert [line.text for line in of_text("  \n ", AS_WRITTEN)] == [""]


def test_marks_within_a_sentence_do_not_chop_it():
    source, lines = of_ssml(
        'The <sub alias="World Wide Web">WWW</sub> has <say-as interpret-as="cardinal">5</say-as> parts.'
    )

    assert len(lines) == 1
    assert (lines[0].begin, lines[0].end) == (source.index("The"), source.index("</speak>"))


def test_what_an_author_calls_one_thing_is_never_spread_over_two_pieces():
    spelt = '<say-as interpret-as="characters">ABCD, EFGH, IJKL</say-as>'
    source, lines = of_ssml(f"Your code is {spelt}, and that was the first clause of it. And here is another one.")

    assert len(lines) > 1
    assert not any(source.index(spelt) < line.begin < source.index(spelt) + len(spelt) for line in lines)


def test_a_long_text_with_marks_is_cut_as_it_would_be_without():
    _, lines = of_ssml(PROSE.replace("sentence", "<sub alias='sentence'>S</sub>"))

    assert [line.text for line in lines] == [piece.text for piece in segment(PROSE)]


def test_the_first_line_is_early_however_long_the_text_and_its_passages_are():
    _, lines = of_ssml(f"<p>{PROSE} {PROSE}</p>" * 5)

    assert lines[0].text == segment(PROSE)[0].text


def test_an_alias_and_its_words_stand_for_the_whole_element():
    source, lines = of_ssml('The <sub alias="World Wide">W&amp;W</sub> is big.')

    assert words_of(source, lines) == [
        ("The", "The"),
        ("World", '<sub alias="World Wide">W&amp;W</sub>'),
        ("Wide", '<sub alias="World Wide">W&amp;W</sub>'),
        ("is", "is"),
        ("big.", "big."),
    ]


def test_a_rest_and_another_rate_end_a_piece():
    _, lines = of_ssml('One <prosody rate="50%">two</prosody> three,<break time="1s"/>four<break time="2s"/>')

    assert [(line.text, line.rate, line.has_pause, line.rest_ms) for line in lines] == [
        ("One ", 1, False, 0),
        ("two", 0.5, False, 0),
        (" three,", 1, True, 1000),
        ("four", 1, False, 2000),
    ]


def test_a_strength_of_none_takes_the_pause_of_a_mark_away():
    _, lines = of_ssml('One.<break strength="none"/>two')

    assert [(line.text, line.has_pause, line.rest_ms) for line in lines] == [("One.", False, 0), ("two", False, 0)]


def test_a_rest_in_front_of_everything_is_a_line_without_words():
    _, lines = of_ssml('<break time="1s"/>One')

    assert [(line.text, line.rest_ms, line.chars) for line in lines] == [("", 1000, 0), ("One", 0, 3)]


@pytest.mark.parametrize("alone", [".", ", ", '!"', "…", "。"])
def test_a_mark_that_a_tag_left_alone_is_not_spoken_and_its_rest_is_kept(alone):
    _, lines = of_ssml(f'One<break/>{alone}<break time="1s"/>two')

    assert [(line.text, line.rest_ms) for line in lines] == [("One", 400), ("", 1000), ("two", 0)]


def test_characters_to_be_read_are_all_accounted_for():
    source = '<speak>a <say-as interpret-as="characters">XML</say-as>, <sub alias="bcd">e</sub><break/>f</speak>'
    document = read_ssml(source)

    assert sum(line.chars for line in lines_of(source, document, RAMP, ENGLISH)) == document.chars


TAGS = """<p> </p> <s> </s> <break/> <break_time="1s"/> <break_strength="none"/> &amp; &#65; <prosody_rate='80%'>
</prosody>
<sub_alias='World_Wide_5'>x</sub> <say-as_interpret-as='characters'>a1_b</say-as>"""
WORDS = [
    "12",
    "3.5 ",
    "Hello, ",
    "é ",
    "😀",
    "\r\n",
    "日本、",
    ". ",
    '" ',
    "$5 ",
    "https://example.org/a?b ",
    "**bold** ",
    "(a ",
]
LONG = ["word " * 40, "x" * 300, "<say-as interpret-as='digits'>" + "12 " * 150 + "</say-as>"]
SCRAPS = st.sampled_from([*(tag.replace("_", " ") for tag in TAGS.split()), *WORDS, *LONG])


@given(st.lists(SCRAPS, max_size=20).map("".join), st.sampled_from(["en-us", "de", "ja", "und"]), st.booleans())
def test_spans_of_any_text_with_marks_lie_in_it_and_go_on(scraps, language, normalises):
    source = f"<speak>{scraps}</speak>"
    try:
        document = read_ssml(source)
    except InvalidSsml:
        return
    end = 0
    lines = list(lines_of(source, document, RAMP, Reading(language, normalises)))
    for line in lines:
        assert end <= line.begin <= line.end <= len(source)
        end = line.end
        last = 0
        for word in re.finditer(r"\S+", line.text):
            begin, stop = line.source_span(*word.span())
            assert last <= begin <= stop <= len(source)
            last = begin
    unspoken = sum(len(item.text) for item in document.items if isinstance(item, Run)) - sum(
        each.chars for each in lines
    )
    assert unspoken >= 0


@given(st.text(max_size=400), st.lists(st.integers(1, 30), max_size=20))
def test_lines_are_the_same_however_the_text_arrives(text, sizes):
    segmenter, pieces, at = Segmenter(), [], 0
    for size in sizes:
        pieces += segmenter.feed(text[at : at + size])
        at += size
    pieces += segmenter.feed(text[at:]) + segmenter.finish()

    assert pieces == segment(text)
    assert [line.text for line in of_text(text)] == [
        line.text for line in of_text("".join(piece.text for piece in pieces))
    ]
