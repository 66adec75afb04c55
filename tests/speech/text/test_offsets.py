"""The way back from a made text to its source."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.text.offsets import Normalised, joined, replaced


def made(text, *runs):
    return replaced(text, runs)


def test_outside_replaced_runs_characters_stand_for_themselves():
    spoken = made("in 5 km or so", (3, 7, "5 kilometers"))

    assert spoken.text == "in 5 kilometers or so"
    assert spoken.source_span(0, 2) == (0, 2)
    assert spoken.source_span(16, 18) == (8, 10)


def test_inside_a_replaced_run_every_character_stands_for_the_whole_of_it():
    spoken = made("in 5 km or so", (3, 7, "5 kilometers"))

    assert spoken.source_span(5, 8) == (3, 7)
    assert spoken.source_span(0, 5) == (0, 7)


def test_what_was_left_out_counts_to_neither_neighbour():
    spoken = made("**so** it is", (0, 2, ""), (4, 6, ""))

    assert spoken.text == "so it is"
    assert spoken.source_span(0, 2) == (2, 4)
    assert spoken.source_span(3, 5) == (7, 9)


def test_a_span_outside_the_text_is_cut_to_it():
    assert made("ab", (0, 1, "xyz")).source_span(-5, 99) == (0, 2)


def test_two_steps_lead_back_to_the_first_source():
    plain = made("<b>5 km</b>", (0, 3, ""), (7, 11, ""))
    spoken = made(plain.text, (0, 4, "5 kilometers")).after(plain)

    assert spoken.text == "5 kilometers"
    assert spoken.source_span(2, 12)[0] >= 0
    assert spoken.source_span(2, 12)[1] <= 11


def test_joined_texts_keep_their_places():
    first, second = made("5 km", (0, 4, "5 kilometers")), made(" and 3 m", (5, 8, "3 meters"))
    whole = joined([(first, 4), (second, 8)])

    assert whole.text == "5 kilometers and 3 meters"
    assert whole.source_span(0, 1) == (0, 4)
    assert whole.source_span(17, 25) == (9, 12)


@st.composite
def edited(draw, text=None):
    text = draw(st.text("abc", max_size=12)) if text is None else text
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    runs = [(a, b, draw(st.text("XY", max_size=3))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    apart = [run for index, run in enumerate(runs) if not index or run[0] > runs[index - 1][1]]
    return text, replaced(text, apart)


@st.composite
def twice_edited(draw):
    source, between = draw(edited())
    _, last = draw(edited(text=between.text))
    return source, between, last, last.after(between)


@given(twice_edited())
def test_two_steps_at_once_reach_what_one_after_the_other_reaches(case):
    source, between, last, both = case

    assert both.text == last.text
    for begin in range(len(both.text) + 1):
        for end in range(begin + 1, len(both.text) + 1):
            fine = between.source_span(*last.source_span(begin, end))
            coarse = both.source_span(begin, end)
            assert 0 <= coarse[0] <= fine[0]
            assert fine[1] <= coarse[1] <= len(source)


@given(twice_edited())
def test_later_characters_never_stand_for_earlier_ones(case):
    source, _, _, both = case
    spans = [both.source_span(place, place + 1) for place in range(len(both.text))]

    assert spans == sorted(spans)
    assert all(0 <= begin <= end <= len(source) for begin, end in spans)


@given(twice_edited())
def test_a_character_that_no_step_touched_leads_back_to_itself(case):
    source, _, _, both = case

    for place, character in enumerate(both.text):
        begin, end = both.source_span(place, place + 1)
        if character in "abc" and end - begin == 1:
            assert source[begin] == character


def test_nothing_replaced_is_no_edit():
    assert replaced("abc", []) == Normalised("abc")
