"""How loud signed 16-bit samples are, and how much of them is silence."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voxtrace.audio.onset import FULL_SCALE, MEAN_SQUARE_THRESHOLD, WINDOW_MS


def rms_dbfs(samples: npt.NDArray[np.int16]) -> float:
    """RMS level in dB relative to full scale; -inf for digital silence and for no samples at all."""
    return _dbfs(math.sqrt(float(np.mean(samples.astype(np.float64) ** 2)))) if samples.size else -math.inf


def peak_dbfs(samples: npt.NDArray[np.int16]) -> float:
    """Level of the largest sample in dB relative to full scale; -inf for silence and for no samples at all."""
    return _dbfs(float(np.max(np.abs(samples.astype(np.int32))))) if samples.size else -math.inf


def silence_share(samples: npt.NDArray[np.int16], rate_hz: int) -> float | None:
    """Share of 5 ms windows whose RMS is not above -40 dBFS; None where not even one window is full."""
    length = rate_hz * WINDOW_MS // 1000
    windows = samples[: samples.size // length * length].astype(np.float64).reshape(-1, length)
    if not windows.size:
        return None
    return float(np.mean(np.mean(windows**2, axis=1) <= MEAN_SQUARE_THRESHOLD))


def _dbfs(amplitude: float) -> float:
    return 20 * math.log10(amplitude / FULL_SCALE) if amplitude > 0 else -math.inf
