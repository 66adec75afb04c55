import math

import numpy as np
import pytest

from voxtrace.audio.levels import peak_dbfs, rms_dbfs, silence_share

RATE = 24_000


def test_a_full_scale_square_wave_is_at_zero_decibels():
    square = np.full(100, -32768, np.int16)

    assert (rms_dbfs(square), peak_dbfs(square)) == (0.0, 0.0)


def test_a_sine_has_an_rms_three_decibels_below_its_peak():
    sine = (16384 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.int16)

    assert peak_dbfs(sine) == pytest.approx(-6.02, abs=0.01)
    assert rms_dbfs(sine) == pytest.approx(-9.03, abs=0.01)


@pytest.mark.parametrize("samples", [np.zeros(0, np.int16), np.zeros(480, np.int16)])
def test_silence_has_no_level(samples):
    assert (rms_dbfs(samples), peak_dbfs(samples)) == (-math.inf, -math.inf)


def test_the_share_of_silence_counts_windows():
    assert silence_share(np.repeat(np.array([0, 9000], np.int16), [RATE // 4, RATE // 4 * 3]), RATE) == 0.25


def test_less_than_one_window_has_no_share_of_silence():
    assert silence_share(np.zeros(10, np.int16), RATE) is None
