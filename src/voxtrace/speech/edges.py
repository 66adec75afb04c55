"""What an engine puts in front of the first sound of an answer: silence that a listener would wait through."""

from __future__ import annotations

import numpy as np

from voxtrace.speech.ports import Samples

# -60 dBFS. espeak-ng begins with 7 to 49 ms of plain zeros, by the first sound of the text; breath and hiss,
# such as an "h", are 20 dB above this and stay.
SILENT = 33
KEPT_MS = 1  # so that nothing begins with a step
# More silence than this is meant, and then all that is left of it is kept.
LONGEST_CUT_MS = 300

NO_SAMPLES: Samples = np.empty(0, dtype=np.int16)


class LeadingSilence:
    """Cuts the silence before the first sound of one utterance."""

    def __init__(self, rate_hz: int) -> None:
        self._kept = KEPT_MS * rate_hz // 1000
        self._may_cut = LONGEST_CUT_MS * rate_hz // 1000
        self._is_over = False

    def cut(self, block: Samples) -> Samples:
        """The block without its part of the silence; may be empty."""
        if self._is_over:
            return block
        loud = np.flatnonzero((block > SILENT) | (block < -SILENT))
        if loud.size == 0 and block.size <= self._may_cut:
            self._may_cut -= block.size
            return NO_SAMPLES
        self._is_over = True
        begin = int(loud[0]) - self._kept if loud.size else 0
        return block[max(0, min(begin, self._may_cut)) :]
