"""Formats: samples in, bytes of an answer out, as early as the format allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from voxtrace.audio.wav import SampleFormat, write_header
from voxtrace.speech.ports import OUTPUT_RATE_HZ

MP3_KBIT_PER_S = 96  # mono speech at 24 kHz is transparent from about 64
# LAME's own scale from 0 (slow) to 9. 10 s of speech take 9 ms at 5 and 20 ms at 2; the difference is not
# heard at this bit rate.
MP3_EFFORT = 5


class Encoder(Protocol):
    """One answer in one format."""

    media_type: str
    # Milliseconds of work per second of audio: what costs next to nothing is done on the event loop.
    is_costly: bool

    def encode(self, pcm: bytes) -> bytes:
        """What can be sent once these samples (signed 16 bit, mono, OUTPUT_RATE_HZ) are known; may be empty."""
        ...

    def finish(self) -> bytes:
        """The end of the answer."""
        ...


class PcmEncoder:
    """Samples as they are."""

    media_type = "audio/pcm"
    is_costly = False

    def encode(self, pcm: bytes) -> bytes:
        return pcm

    def finish(self) -> bytes:
        return b""


class WavEncoder:
    """One header, whose sizes say that the length is not known yet, then samples as they are."""

    media_type = "audio/wav"
    is_costly = False

    def __init__(self) -> None:
        self._head = write_header(SampleFormat(OUTPUT_RATE_HZ))

    def encode(self, pcm: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + pcm

    def finish(self) -> bytes:
        return b""


class Mp3Encoder:
    """LAME, frame by frame: the first bytes leave after 40 ms of audio."""

    media_type = "audio/mpeg"
    is_costly = True

    def __init__(self) -> None:
        from lameenc import Encoder as Lame

        self._lame = Lame()
        self._lame.silence()  # no messages on stderr
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(OUTPUT_RATE_HZ)
        self._lame.set_out_sample_rate(OUTPUT_RATE_HZ)
        self._lame.set_bit_rate(MP3_KBIT_PER_S)
        self._lame.set_quality(MP3_EFFORT)

    def encode(self, pcm: bytes) -> bytes:
        return bytes(self._lame.encode(pcm))

    def finish(self) -> bytes:
        return bytes(self._lame.flush())


FORMATS: dict[str, Callable[[], Encoder]] = {"mp3": Mp3Encoder, "wav": WavEncoder, "pcm": PcmEncoder}
