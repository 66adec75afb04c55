"""When an answer became audible, as far as its server can know."""

from __future__ import annotations

import numpy as np

from voxtrace.audio.onset import Onset
from voxtrace.clock import mono_ns
from voxtrace.speech.ports import OUTPUT_RATE_HZ
from voxtrace.units import NANOS_PER_SECOND

# Judged at a time: mostly the first portion is enough, and the event loop is not held up by any.
PORTION_BYTES = OUTPUT_RATE_HZ * 2 // 20  # 50 ms


class Audible:
    """Told of all samples, in order, and of all bytes that left. Judges after them, so it delays none."""

    def __init__(self, received_ns: int) -> None:
        self._received_ns = received_ns
        self._onset = Onset(OUTPUT_RATE_HZ)
        self._first_ns: int | None = None
        self.ttfa_ns: int | None = None  # None: nothing audible was sent

    @property
    def response_ns(self) -> int | None:
        """Until the first bytes of audio; None: there were none."""
        return None if self._first_ns is None else self._first_ns - self._received_ns

    def sent(self, pcm: bytes, *, has_left: bool) -> None:
        """These samples were encoded; `has_left` when that gave bytes, which were sent just now."""
        if self.ttfa_ns is not None:
            return
        now = mono_ns()
        if has_left and self._first_ns is None:
            self._first_ns = now
        for begin in range(0, len(pcm), PORTION_BYTES):
            if self._onset.feed(np.frombuffer(pcm[begin : begin + PORTION_BYTES], np.int16)) is not None:
                break
        silence = self._onset.leading_silence
        if has_left and silence is not None and self._first_ns is not None:
            # A player that began with the first sample plays the silence in front of the first sound too.
            heard_ns = max(now, self._first_ns + silence * NANOS_PER_SECOND // OUTPUT_RATE_HZ)
            self.ttfa_ns = heard_ns - self._received_ns
