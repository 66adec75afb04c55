"""Frames between the server and its workers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.wire import HEADER, MAX_FRAME_BYTES, BrokenStream, Frame, FrameReader, Kind, pack

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=200)), max_size=12)


@given(FRAMES, st.lists(st.integers(0, 2000), max_size=20))
def test_frames_come_out_as_they_went_in_whatever_the_packets(frames, cuts):
    data = b"".join(pack(*frame) for frame in frames)
    places = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    reader = FrameReader()

    found = [frame for begin, end in itertools.pairwise(places) for frame in reader.feed(data[begin:end])]

    assert found == [Frame(*frame) for frame in frames]


def test_a_frame_that_announces_more_than_any_frame_holds_is_refused():
    with pytest.raises(BrokenStream):
        list(FrameReader().feed(HEADER.pack(Kind.AUDIO, 1, MAX_FRAME_BYTES + 1)))
