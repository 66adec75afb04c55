"""From a client's samples to the device's."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.audio.wav import SampleFormat
from voxtrace.client.playback.conversion import Converter, sample_format
from voxtrace.client.playback.errors import UnplayableFormat

S16 = SampleFormat(24_000)
STEREO = SampleFormat(24_000, 2)
F32 = SampleFormat(24_000, 1, 32, is_float=True)


def convert(data, source, rate_hz=24_000, channels=1, cuts=()):
    converter = Converter(source, rate_hz, channels)
    edges = [0, *sorted(cuts), len(data)]
    parts = [converter.convert(data[begin:end]) for begin, end in pairwise(edges)]
    last, torn = converter.finish()
    return np.concatenate([*parts, last]), torn


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8), st.sampled_from([S16, STEREO, F32]))
def test_it_does_not_matter_where_the_bytes_are_cut(data, cuts, source):
    whole, torn = convert(data, source)
    cut, torn_too = convert(data, source, cuts=[each for each in cuts if each <= len(data)])

    np.testing.assert_array_equal(whole, cut)
    assert (torn is None) == (torn_too is None) == (len(data) % source.frame_bytes == 0)


def test_samples_of_the_devices_own_format_pass_unchanged():
    samples = np.arange(-500, 500, dtype=np.int16)

    np.testing.assert_array_equal(convert(samples.tobytes(), S16)[0], samples)


def test_bytes_that_end_within_a_sample_are_told_with_what_to_check():
    samples, torn = convert(b"\1\0\2\0\3", S16)

    assert samples.tolist() == [1, 2]
    assert str(torn).startswith("the sound ended in the middle of a sample: 1 byte left over")


def test_mono_is_heard_on_both_sides_and_stereo_is_mixed_for_one():
    left_right = np.array([30_000, 30_000, 100, -100], np.int16)

    assert convert(np.array([7, 8], np.int16).tobytes(), S16, channels=2)[0].tolist() == [7, 7, 8, 8]
    assert convert(left_right.tobytes(), STEREO)[0].tolist() == [30_000, 0]


def test_floats_beyond_full_scale_are_clipped_and_no_number_is_silence():
    floats = np.array([0.5, 2.0, -2.0, np.nan], np.float32)

    assert convert(floats.tobytes(), F32)[0].tolist() == [16_384, 32_767, -32_768, 0]


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_keeps_the_length_and_the_loudness_of_the_sound(rate_hz):
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)).astype(np.int16)
    converted, _ = convert(tone.tobytes(), S16, rate_hz, cuts=range(0, 48_000, 1_001))

    assert abs(converted.size - rate_hz) <= 1
    middle = converted[rate_hz // 4 : -rate_hz // 4].astype(np.float64)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(10_000 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, S16),
        ({"sample_rate": 48_000, "channels": 2}, SampleFormat(48_000, 2)),
        ({"sampleRate": 16_000.0, "bitDepth": 32}, SampleFormat(16_000, 1, 32, is_float=True)),
        ({"sample_rate": "22050", "width": "2"}, SampleFormat(22_050)),
        ({"width": 4}, F32),
        ({"channels": None, "unknown": "x"}, S16),
    ],
)
def test_a_client_describes_its_samples_under_any_of_the_known_names(facts, expected):
    assert sample_format(facts, S16) == expected


@pytest.mark.parametrize(
    "facts",
    [
        {"sample_rate": 0},
        {"sample_rate": 1e9},
        {"sample_rate": "fast"},
        {"sample_rate": float("inf")},
        {"channels": 3},
        {"channels": 1.5},
        {"channels": True},
        {"width": 3},
        {"bitDepth": 24},
        {"sample_rate": []},
    ],
)
def test_what_can_t_be_played_is_refused_by_its_name(facts):
    with pytest.raises(UnplayableFormat, match="must be"):
        sample_format(facts, S16)
