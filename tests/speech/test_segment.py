"""Where text is cut into pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.text import segment as segmentation
from voxtrace.speech.text.segment import FIRST, HARD_CHARS, LATER, TOKEN_CHARS, Segmenter, _Scan, segment

# Drawn from what decides: marks, spaces, brackets, digits, wide characters, emoji and a few words.
FRAGMENTS = st.sampled_from(
    [
        *".,;:!?…—-–\"'()[]«»¿¡ \n\t\u00a0",
        *"。、！？「」（）あ漢ーっ",
        *(
            "word ",
            "Word ",
            "Dr. ",
            "e.g. ",
            "3.14",
            "1,234",
            "1 234",
            " 5. Mai ",
            "https://a.b/c,d?e=f. ",
            "👩‍👩‍👧 ",
            "etc. ",
            ". ",
        ),
    ]
)
TEXTS = st.lists(FRAGMENTS, max_size=120).map("".join)


def texts_of(text: str) -> list[str]:
    return [piece.text for piece in segment(text)]


@given(TEXTS | st.text(max_size=400))
def test_the_pieces_join_back_to_the_text(text):
    assert "".join(texts_of(text)) == text


@given(TEXTS | st.text(max_size=400), st.lists(st.integers(0, 600), max_size=12))
def test_any_cut_of_the_input_into_packets_gives_the_same_pieces(text, cuts):
    places = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    segmenter = Segmenter()

    pieces = [piece for begin, end in itertools.pairwise(places) for piece in segmenter.feed(text[begin:end])]

    assert pieces + segmenter.finish() == segment(text)


@given(TEXTS)
def test_letter_by_letter_gives_the_same_pieces(text):
    segmenter = Segmenter()

    pieces = [piece for letter in text for piece in segmenter.feed(letter)]

    assert pieces + segmenter.finish() == segment(text)


@given(TEXTS)
def test_a_piece_that_is_given_early_is_never_the_last(text):
    segmenter = Segmenter()

    segmenter.feed(text)

    assert segmenter.finish() or not text


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Hello there, my friend. How are you?", "Hello there, "),
        ("Hi. How are you today? I am fine.", "Hi. How are you today? "),
        ("Hola, ¿cómo estás? Yo muy bien, gracias.", "Hola, ¿cómo estás? "),
        ("Bonjour à tous ! Comment allez-vous ?", "Bonjour à tous ! "),
        ("Guten Morgen, liebe Leute. Es ist Mai.", "Guten Morgen, "),
        ("今日はとてもいい天気ですね。散歩に行きましょう。", "今日はとてもいい天気ですね。"),
        ("She said “that is all.” Then she left.", "She said “that is all.” "),
        ("First line of it\nsecond line of it", "First line of it\n"),
        (
            "one two three four five six seven eight nine ten eleven twelve",
            "one two three four five six seven eight nine ten ",
        ),
    ],
)
def test_the_first_piece_is_the_first_clause(text, first):
    assert texts_of(text)[0] == first


@pytest.mark.parametrize(
    "kept",
    [
        "1,234,567.89",
        "3.14159",
        "1 234 567",
        "10:30",
        "Dr. Smith",
        "e.g. this",
        "J. R. Tolkien",
        "5. Mai",
        "https://example.org/a,b;c?d=e.f",
        "(quickly, and, without, a word. Or two!)",
        "👩‍👩‍👧‍👦",
        "🇩🇪",
        "👍🏽",
        "« Oui »",
        "“Oh. Well, I never!”",
        "„Ach so. Na gut!“",
        "user.name@example.org",
    ],
)
def test_what_belongs_together_is_not_cut(kept):
    text = f"Here it comes at last: {kept} and that was it, as everybody could see. " * 4

    pieces = texts_of(text)

    assert sum(kept in piece for piece in pieces) >= 1
    assert sum(piece.count(kept) for piece in pieces) == 4


def test_later_pieces_are_longer_than_the_first():
    lengths = [len(piece) for piece in texts_of("This is a clause, this is another one. " * 60)]

    assert lengths[0] <= FIRST.most < max(lengths) <= LATER.most + 1


WORDS = st.lists(st.text("abcXYZ'", min_size=1, max_size=9), min_size=1, max_size=30)


@given(WORDS, st.sampled_from(["", ".", "!", "?", " ", ". Yes.", ", yes."]), st.sampled_from([" ", "  ", ", ", "\n"]))
def test_plain_words_are_told_at_once_and_cut_as_any_other_text(words, end, gap):
    text = " ".join(words).replace(" ", gap, 1) + end
    looked_at = _Scan(0, FIRST)
    looked_at._is_one_piece = lambda text: False

    assert _Scan(0, FIRST).find(text) == looked_at.find(text)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two three four five six seven eight nine ten", 1),
        ("one two three four five six seven eight nine ten eleven", 2),
        ("a" * FIRST.most, 1),
        (f"{'a' * (FIRST.most - 2)} b c d e", 2),
    ],
)
def test_plain_words_are_one_piece_up_to_the_limits(text, pieces):
    assert len(segment(text)) == pieces


def test_text_without_spaces_is_cut_before_it_grows_too_long():
    assert max(len(piece) for piece in texts_of("漢" * 500)) <= LATER.most // 2 + 1


def test_a_number_of_any_reasonable_length_is_left_whole():
    assert texts_of("7" * 600) == ["7" * 600]


def test_a_bracket_that_is_never_closed_does_not_swallow_the_text():
    assert len(texts_of("Sad :( but it goes on. " + "And on it goes, for a while. " * 30)) > 3


def test_only_a_cut_between_two_words_has_no_pause():
    pieces = segment("one two three four five six seven eight nine ten eleven twelve, and thirteen")

    assert [piece.has_pause for piece in pieces] == [False, True]


def test_four_thousand_characters_of_marks_are_cut_in_no_time():
    assert "".join(texts_of(".,;:!?(" * 585)) == ".,;:!?(" * 585


@pytest.mark.parametrize(
    "unit", ["(", "((((", "1,", "a.", ".,;:!?(", "👩‍👩‍👧‍", "«“„", "-—", "漢", "7 ", "...", "_*~", "\n", "x"]
)
def test_ten_kibibytes_of_anything_are_cut_into_pieces_of_bounded_length(unit):
    text = unit * (10_240 // len(unit))

    pieces = texts_of(text)

    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= HARD_CHARS + TOKEN_CHARS


@pytest.mark.parametrize("unit", ["(", "1,", "a.", "👩‍👩‍👧‍", "7 ", "word "])
def test_floods_give_the_same_pieces_token_by_token(unit):
    text = unit * (4000 // len(unit))
    segmenter = Segmenter()

    pieces = [piece for begin in range(0, len(text), 3) for piece in segmenter.feed(text[begin : begin + 3])]

    assert pieces + segmenter.finish() == segment(text)


@pytest.mark.parametrize("unit", ["((((", "1,1,", "a.a.", "word ", ". , "])
def test_each_place_is_looked_at_once_however_small_the_packets(unit, monkeypatch):
    looked_at = []
    strength = segmentation._strength
    monkeypatch.setattr(segmentation, "_strength", lambda *place: looked_at.append(1) or strength(*place))
    text = unit * 500
    segmenter = Segmenter()

    for letter in text:
        segmenter.feed(letter)

    assert len(looked_at) <= len(text)


def test_a_number_and_its_unit_are_not_parted_while_there_is_another_place():
    text = "They walked on and on that day, and it was after some 12 km that they saw it, at 10:30 am or so"

    assert all("12 km" in text or "12" not in text for text in texts_of(text))
