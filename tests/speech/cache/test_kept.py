"""A piece as bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.cache.kept import Kept, kept_from_bytes

PIECES = st.builds(
    Kept,
    st.binary(min_size=2, max_size=300).filter(lambda pcm: len(pcm) % 2 == 0),
    st.binary(max_size=64),
    st.booleans(),
)


@given(PIECES)
def test_a_piece_comes_back_as_it_was(piece):
    assert kept_from_bytes(piece.to_bytes()) == piece


@given(PIECES, st.integers(0, 400))
def test_a_piece_that_was_cut_is_none(piece, length):
    whole = piece.to_bytes()

    assert kept_from_bytes(whole[: min(length, len(whole) - 1)]) is None


@given(st.binary(max_size=100))
def test_anything_else_is_none(data):
    assert kept_from_bytes(data) is None


def test_nothing_is_none():
    assert kept_from_bytes(None) is None
