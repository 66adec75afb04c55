import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.client.request import MAX_INPUT_CHARS, SpeechRequest, endpoint
from voxtrace.client.texts import cut
from voxtrace.errors import InvalidOption

SENTENCE = "This is a sentence of some words. "


def test_a_text_that_fits_is_not_cut():
    assert cut("x" * MAX_INPUT_CHARS) == ["x" * MAX_INPUT_CHARS]


def test_a_long_text_is_cut_at_the_ends_of_sentences():
    pieces = cut(SENTENCE * 400)

    assert all(piece.endswith("words.") for piece in pieces)
    assert [len(piece) > MAX_INPUT_CHARS * 0.9 for piece in pieces[:-1]] == [True] * (len(pieces) - 1)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One two three. Four five.\n\nSix seven eight", "One two three. Four five."),
        ('He said "Stop." Then he left, as one does', 'He said "Stop."'),
        ("一二三四五六七八九十一二三。一二三四五六七八九十一二三四", "一二三四五六七八九十一二三。"),
        ("one two three four, five six seven", "one two three four,"),
        ("one two three four five six seven eight", "one two three four five"),
        ("x" * 50, "x" * 26),
    ],
    ids=["paragraph", "quoted sentence", "Chinese", "clause", "word", "nothing to cut at"],
)
def test_a_better_place_wins_over_a_later_one(text, first):
    assert cut(text, 26)[0] == first


@given(st.text(st.sampled_from("ab .,\n。é😀"), max_size=300), st.integers(1, 40))
def test_pieces_fit_are_not_blank_and_say_everything(text, limit):
    pieces = cut(text, limit)

    assert all(piece.strip() and len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8880", "http://127.0.0.1:8880/v1/audio/speech"),
        ("localhost:8880/", "http://localhost:8880/v1/audio/speech"),
        ("https://api.example.com/v1", "https://api.example.com/v1/audio/speech"),
        ("http://host/proxy/v1/audio/speech?x=1", "http://host/proxy/v1/audio/speech?x=1"),
        ("http://[::1]:8880", "http://[::1]:8880/v1/audio/speech"),
        ("HTTP://Host:80/v1/", "http://host/v1/audio/speech"),
    ],
)
def test_a_server_can_be_named_in_several_ways(given, url):
    assert endpoint(given).url == url


@pytest.mark.parametrize("url", ["", "ftp://host", "http://", "http://host:port", "http://a b", "http://me:pw@host"])
def test_what_is_no_address_of_a_server_is_refused(url):
    with pytest.raises(InvalidOption):
        endpoint(url)


@pytest.mark.parametrize(
    "wrong", [{"text": " \n"}, {"text": "half \ud83d"}, {"speed": 0.2}, {"speed": float("nan")}, {"format": "midi"}]
)
def test_what_no_server_can_take_is_refused(wrong):
    with pytest.raises(InvalidOption):
        SpeechRequest(**{"text": "Hello"} | wrong)


@pytest.mark.parametrize("head", ["", "\n ", '<?xml version="1.0"?>\n'])
def test_ssml_is_never_cut(head):
    marked = f"{head}<speak>{SENTENCE * 400}</speak>"

    assert cut(marked) == [marked]
