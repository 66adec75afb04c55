"""MP3 by LAME, frame by frame: libav's own wrapper of it would hold back twice as much."""

from __future__ import annotations

from voxtrace.audio.mpeg import parse_frame_header

KBIT_PER_S = 96  # mono speech at 24 kHz is transparent from about 64
LOW_KBIT_PER_S = 64  # the most that MPEG 2.5 has: 12 kHz and less
LOW_RATE_HZ = 12_000
# LAME's own scale from 0 (slow) to 9. 10 s of speech take 9 ms at 5 and 20 ms at 2; the difference is not
# heard at this bit rate.
EFFORT = 5


def first_mp3_frame(begin: bytes) -> int:
    """The length of the frame that begins here."""
    header = parse_frame_header(begin)
    return header.length if header else len(begin)


class Mp3Encoder:
    """The first bytes leave after 34 ms of audio at 24 kHz, and the rest of their frame after 58 ms: its last bytes
    belong to the sound of the frame behind it already."""

    is_costly = True

    def __init__(self, rate_hz: int) -> None:
        from lameenc import Encoder as Lame

        self._lame = Lame()
        self._lame.silence()  # no messages on stderr
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(rate_hz)
        self._lame.set_out_sample_rate(rate_hz)
        self._lame.set_bit_rate(LOW_KBIT_PER_S if rate_hz <= LOW_RATE_HZ else KBIT_PER_S)
        self._lame.set_quality(EFFORT)
        self._is_fed = False

    def encode(self, pcm: bytes) -> bytes:
        if not pcm:
            return b""
        self._is_fed = True
        return bytes(self._lame.encode(pcm))

    def finish(self) -> bytes:
        return bytes(self._lame.flush()) if self._is_fed else b""
