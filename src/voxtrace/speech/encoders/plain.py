"""Samples as they are, with or without a header. No library needed, nothing held back."""

from __future__ import annotations

from voxtrace.audio.wav import SampleFormat, write_header


class PcmEncoder:
    """Samples as they are."""

    is_costly = False

    def __init__(self, rate_hz: int) -> None:
        pass  # bare samples say nothing of their rate

    def encode(self, pcm: bytes) -> bytes:
        return pcm

    def finish(self) -> bytes:
        return b""


class WavEncoder:
    """One header, whose sizes say that the length is not known yet, then samples as they are."""

    is_costly = False

    def __init__(self, rate_hz: int) -> None:
        self._head = write_header(SampleFormat(rate_hz))

    def encode(self, pcm: bytes) -> bytes:
        if not pcm:
            return b""
        head, self._head = self._head, b""
        return head + pcm

    def finish(self) -> bytes:
        return b""
