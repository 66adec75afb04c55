"""Silence before the first sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.edges import KEPT_MS, LONGEST_CUT_MS, SILENT, LeadingSilence

RATE_HZ = 1000  # a sample is a millisecond


def cut(samples: list[int], block: int = 60) -> list[int]:
    silence = LeadingSilence(RATE_HZ)
    sound = np.array(samples, dtype=np.int16)
    return [int(each) for begin in range(0, sound.size, block) for each in silence.cut(sound[begin : begin + block])]


@pytest.mark.parametrize("silent_ms", [0, 1, 12, 59, 60, 61, 250])
def test_all_but_a_millisecond_of_it_is_cut(silent_ms):
    kept = min(KEPT_MS, silent_ms % 60)  # what ended with an earlier block is gone already

    assert cut([0] * silent_ms + [9000] * 100) == [0] * kept + [9000] * 100


def test_silence_that_is_meant_is_kept_from_where_it_gets_too_long():
    left = cut([0] * 1000 + [9000] * 100)

    assert len(left) == 1100 - LONGEST_CUT_MS


def test_silence_within_the_sound_is_left_alone():
    sound = [9000] * 10 + [0] * 500 + [9000] * 10

    assert cut(sound) == sound


def test_nothing_but_a_little_silence_is_nothing():
    assert cut([0] * 200) == []


@given(st.lists(st.integers(-32768, 32767), max_size=400), st.integers(1, 100))
def test_only_silence_is_ever_cut_and_only_in_front(samples, block):
    left = cut(samples, block)
    gone = samples[: len(samples) - len(left)]

    assert samples[len(gone) :] == left
    assert all(abs(sample) <= SILENT for sample in gone)
