"""From the engine's rate to 24 kHz."""

from __future__ import annotations

import numpy as np
import pytest

from voxtrace.speech.resample import Resampler


def sine(rate_hz: int, seconds: float, tone_hz: float = 440) -> np.ndarray:
    return (np.sin(np.arange(round(rate_hz * seconds)) * 2 * np.pi * tone_hz / rate_hz) * 20_000).astype(np.int16)


def converted(samples: np.ndarray, block: int, from_hz: int = 22_050) -> np.ndarray:
    resampler = Resampler(from_hz, 24_000)
    blocks = [resampler.convert(samples[begin : begin + block]) for begin in range(0, samples.size, block)]
    return np.concatenate([*blocks, resampler.finish()])


def test_no_sample_is_lost_or_made_up():
    assert converted(sine(22_050, 2.0), 1324).size == 48_000


def test_block_joins_can_not_be_heard():
    """The same sound in blocks and in one go: not one sample differs, so there is no click."""
    samples = sine(22_050, 1.0)

    assert np.array_equal(converted(samples, 1324), converted(samples, samples.size))


def test_a_tone_stays_the_same_tone():
    expected = sine(24_000, 1.0)[2000:-2000].astype(int)
    difference = converted(sine(22_050, 1.0), 1324)[2000:-2000].astype(int) - expected

    assert np.abs(difference).max() < 40  # of 20,000: below -50 dB


def test_the_first_block_gives_more_than_half_of_its_sound_at_once():
    first = Resampler(22_050, 24_000).convert(sine(22_050, 0.06))

    assert first.size / 24_000 > 0.03


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_rate_that_fits_is_left_alone(size):
    samples = sine(24_000, 1.0)[:size]

    assert np.array_equal(converted(samples, 997, from_hz=24_000), samples)
