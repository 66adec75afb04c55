import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.audio.onset import Onset, leading_silence

RATE = 24_000
MS = RATE // 1000  # samples


def steady(milliseconds, amplitude):
    """A square wave: its RMS is its amplitude."""
    return np.tile(np.array([amplitude, -amplitude], np.int16), milliseconds * MS // 2)


def test_silence_before_speech_is_counted_in_samples():
    assert leading_silence(np.concatenate((steady(150, 3), steady(40, 5000))), RATE) == 150 * MS


def test_speech_from_the_first_sample_has_no_leading_silence():
    assert leading_silence(steady(20, 5000), RATE) == 0


def test_a_click_is_not_speech():
    click_then_speech = np.concatenate((steady(50, 0), steady(5, 20_000), steady(60, 0), steady(40, 5000)))

    assert leading_silence(click_then_speech, RATE) == 115 * MS


@pytest.mark.parametrize(("milliseconds", "found"), [(15, None), (19, None), (20, 0)])
def test_only_twenty_milliseconds_are_audible(milliseconds, found):
    assert leading_silence(steady(milliseconds, 5000), RATE) == found


@pytest.mark.parametrize(("amplitude", "found"), [(327, None), (328, 0)])
def test_the_threshold_is_forty_decibels_below_full_scale(amplitude, found):
    assert leading_silence(steady(100, amplitude), RATE) == found


@pytest.mark.parametrize("samples", [np.zeros(0, np.int16), steady(500, 0)])
def test_a_stream_without_sound_has_no_onset(samples):
    assert leading_silence(samples, RATE) is None


def test_the_loudest_possible_sample_does_not_overflow():
    assert leading_silence(np.full(RATE, -32768, np.int16), RATE) == 0


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_windows_do_not_drift_at_rates_that_five_milliseconds_do_not_divide(rate):
    silence = rate * 3  # three seconds: 600 windows
    samples = np.concatenate((np.zeros(silence, np.int16), np.full(rate, 9000, np.int16)))

    assert leading_silence(samples, rate) == silence


def test_a_stream_is_forgotten_as_it_is_read():
    onset = Onset(RATE)
    for _ in range(100):
        onset.feed(np.zeros(1234, np.int16))

    assert onset._rest.size < 5 * MS


def test_an_empty_block_right_behind_a_window_is_no_accident():
    onset = Onset(22_050)
    onset.feed(np.zeros(110, np.int16))

    assert onset.feed(np.zeros(0, np.int16)) is None


@given(
    st.integers(0, 3000),
    st.lists(st.integers(0, 500), max_size=60),
    st.sampled_from([8_000, 22_050, 24_000]),
)
def test_the_answer_does_not_depend_on_how_the_stream_is_cut(silence, cuts, rate):
    samples = np.concatenate((np.zeros(silence, np.int16), np.full(2000, 4000, np.int16)))
    onset, at = Onset(rate), 0
    for length in cuts:
        onset.feed(samples[at : at + length])
        at += length
    onset.feed(samples[at:])

    assert onset.leading_silence == leading_silence(samples, rate)
