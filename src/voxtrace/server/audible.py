"""When an answer became audible, as far as its server can know."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from voxtrace.audio.onset import AUDIBLE_WINDOWS, WINDOW_MS, Onset
from voxtrace.clock import mono_ns
from voxtrace.speech.encode import Format
from voxtrace.speech.ports import OUTPUT_RATE_HZ
from voxtrace.units import NANOS_PER_SECOND

# Judged at a time: mostly the first portion is enough, and the event loop is not held up by any.
PORTION_BYTES = OUTPUT_RATE_HZ * 2 // 20  # 50 ms


# What was sent longer ago than it takes to prove a sound can't hold its first sample any more.
PROOF_SAMPLES = OUTPUT_RATE_HZ * WINDOW_MS * (AUDIBLE_WINDOWS + 1) // 1000


class Audible:
    """Told of all samples, in order, and of all bytes that left. Judges after them, so it delays none."""

    def __init__(self, form: Format, rate_hz: int, received_ns: int, now: Callable[[], int] = mono_ns) -> None:
        """
        Args:
            form: what the samples are sent as.
            rate_hz: their rate in there.
            received_ns: when the request was here.
            now: the same clock.
        """
        self._form, self._now, self._received_ns = form, now, received_ns
        self._in_front_ns = form.in_front * NANOS_PER_SECOND // rate_hz
        self._onset = Onset(OUTPUT_RATE_HZ)
        self._response_ns: int | None = None
        self._missing = 0  # bytes until a player can begin
        self._first_ns: int | None = None  # when it could
        self._encoded = 0  # samples
        self._left: deque[tuple[int, int]] = deque()  # until which sample what had left at which time
        self.ttfa_ns: int | None = None  # None: nothing audible was sent

    @property
    def response_ns(self) -> int | None:
        """Until the first bytes of audio; None: there were none."""
        return self._response_ns

    def sent(self, pcm: bytes, body: bytes) -> None:
        """These samples were encoded, and gave these bytes, which were sent just now; there may be none of either."""
        if self.ttfa_ns is not None:
            return
        now = self._now()
        self._encoded += len(pcm) // 2
        if body:
            if self._response_ns is None:
                self._response_ns, self._missing = now - self._received_ns, self._form.first_frame(body)
            self._missing -= len(body)
            if self._missing <= 0:
                self._first_ns = self._first_ns or now
                self._left.append((self._encoded, now))
        for begin in range(0, len(pcm), PORTION_BYTES):
            if self._onset.feed(np.frombuffer(pcm[begin : begin + PORTION_BYTES], np.int16)) is not None:
                break
        silence = self._onset.leading_silence
        if silence is not None:
            self._judge(silence)
            return
        while self._left and self._left[0][0] < self._encoded - PROOF_SAMPLES:
            self._left.popleft()

    def _judge(self, silence: int) -> None:
        # The sample that is heard first left before those that prove it is a sound.
        left_ns = next((at for until, at in self._left if until > silence), None)
        if left_ns is None or self._first_ns is None:
            return  # it is still with the encoder
        # A player that began with the first sample plays the silence in front of the first sound too.
        silence_ns = self._in_front_ns + silence * NANOS_PER_SECOND // OUTPUT_RATE_HZ
        self.ttfa_ns = max(left_ns, self._first_ns + silence_ns) - self._received_ns
