"""The first audible sample of a stream, found while the stream arrives.

Audible means: a window of 5 ms whose RMS exceeds -40 dBFS and whose successors do so too, for at least
20 ms. A click of one window is not speech yet.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WINDOW_MS = 5
AUDIBLE_WINDOWS = 4  # 20 ms
FULL_SCALE = 32768.0  # of a 16-bit sample
THRESHOLD_DBFS = -40.0
MEAN_SQUARE_THRESHOLD = (FULL_SCALE * 10 ** (THRESHOLD_DBFS / 20)) ** 2

_WINDOWS_PER_SECOND = 1000 // WINDOW_MS


class Onset:
    """Looks for the first audible sample in blocks of signed 16-bit mono samples.

    The answer does not depend on how the stream is cut into blocks. At most one window of samples is
    held back, whatever the length of the stream.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._rest: npt.NDArray[np.int16] = np.zeros(0, np.int16)
        self._window = 0  # the next window to be judged
        self._loud_run = 0  # loud windows in a row up to there
        self.leading_silence: int | None = None  # in samples, as soon as it is known

    @property
    def found(self) -> bool:
        return self.leading_silence is not None

    def feed(self, samples: npt.NDArray[np.int16]) -> int | None:
        """Take the next samples; answers with the samples of leading silence once they are known."""
        if self.found:
            return self.leading_silence
        block = np.concatenate((self._rest, samples)) if self._rest.size else samples
        begin = self._edge(self._window)
        # Cut exactly: at 22,050 Hz a window is 110.25 samples long, so its edges are rounded one by one.
        last = ((begin + block.size + 1) * _WINDOWS_PER_SECOND - 1) // self._rate_hz
        edges = np.arange(self._window, last + 1) * self._rate_hz // _WINDOWS_PER_SECOND - begin
        if edges.size > 1:
            self._judge(block, edges)
        self._rest = block[edges[-1] :].copy()
        return self.leading_silence

    def _judge(self, block: npt.NDArray[np.int16], edges: npt.NDArray[np.int64]) -> None:
        squares = block[: edges[-1]].astype(np.float64) ** 2
        loud = np.add.reduceat(squares, edges[:-1]) / np.diff(edges) > MEAN_SQUARE_THRESHOLD
        for is_loud in loud.tolist():
            self._window += 1
            self._loud_run = self._loud_run + 1 if is_loud else 0
            if self._loud_run == AUDIBLE_WINDOWS:
                self.leading_silence = self._edge(self._window - AUDIBLE_WINDOWS)
                return

    def _edge(self, window: int) -> int:
        """The sample at which a window begins."""
        return window * self._rate_hz // _WINDOWS_PER_SECOND


def leading_silence(samples: npt.NDArray[np.int16], rate_hz: int) -> int | None:
    """Samples before the first audible one, or None where nothing is audible."""
    onset = Onset(rate_hz)
    # Speech begins early: most of a long stream need not be looked at. An eighth of a second at a time.
    size = max(rate_hz // 8, 1)
    for begin in range(0, samples.size, size):
        if onset.feed(samples[begin : begin + size]) is not None:
            break
    return onset.leading_silence
