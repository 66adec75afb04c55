"""Formats: samples in, bytes of an answer out, as early as the format allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from voxtrace.errors import MissingExtra
from voxtrace.speech.encoders.lame import Mp3Encoder, first_mp3_frame
from voxtrace.speech.encoders.libav import AAC, FLAC, NO_PYAV, OPUS, LibavEncoder
from voxtrace.speech.encoders.plain import PcmEncoder, WavEncoder
from voxtrace.speech.ports import OUTPUT_RATE_HZ
from voxtrace.speech.resample import Resampler

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000


class Encoder(Protocol):
    """One answer in one format."""

    # Milliseconds of work per second of audio: what costs next to nothing is done on the event loop.
    is_costly: bool

    def encode(self, pcm: bytes) -> bytes:
        """What can be sent once these samples (signed 16 bit, mono) are known; may be empty."""
        ...

    def finish(self) -> bytes:
        """The end of the answer. Empty where nothing was ever put in."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A way to send sound."""

    name: str  # what `response_format` says
    media_type: str
    make: Callable[[int], Encoder]  # of a sample rate in Hz
    rates_hz: tuple[int, ...] = ()  # that the codec knows; empty: every one
    in_front: int = 0  # samples of its own that a player plays before the first of ours
    first_frame: Callable[[bytes], int] = len  # bytes that a player needs to begin, out of the first that are sent
    missing: MissingExtra | None = None  # what must be said where its library is not installed

    @property
    def is_available(self) -> bool:
        """Whether it can be made here."""
        return self.missing is None or find_spec("av") is not None

    def takes(self, rate_hz: int) -> bool:
        """Whether it can carry this sample rate."""
        return rate_hz in self.rates_hz if self.rates_hz else LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ


# Of a stream they can't be told to a player: Ogg has a field for it, ADTS and bare MPEG frames have none.
MP3_IN_FRONT = 576 + 529  # LAME's delay, and that of every decoder
AAC_IN_FRONT = 1024  # one frame
_MPEG_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)

FORMATS = {
    each.name: each
    for each in (
        Format("mp3", "audio/mpeg", Mp3Encoder, _MPEG_RATES_HZ, MP3_IN_FRONT, first_mp3_frame),
        Format("wav", "audio/wav", WavEncoder),
        Format("pcm", "audio/pcm", PcmEncoder),
        Format("opus", "audio/ogg", partial(LibavEncoder, OPUS), _OPUS_RATES_HZ, missing=NO_PYAV),
        Format("aac", "audio/aac", partial(LibavEncoder, AAC), _MPEG_RATES_HZ, AAC_IN_FRONT, missing=NO_PYAV),
        Format("flac", "audio/flac", partial(LibavEncoder, FLAC), missing=NO_PYAV),
    )
}


def open_encoder(name: str, rate_hz: int = OUTPUT_RATE_HZ) -> Encoder:
    """An encoder for one answer: takes samples at OUTPUT_RATE_HZ, gives the format `name` at `rate_hz`.

    Raises:
        MissingExtra: the format needs a package that is not installed.
    """
    encoder = FORMATS[name].make(rate_hz)
    return encoder if rate_hz == OUTPUT_RATE_HZ else _Resampled(encoder, rate_hz)


def load_codecs() -> None:
    """Load what the first answer in each format would otherwise wait for: some 70 ms."""
    for each in FORMATS.values():
        if each.is_available:
            each.make(OUTPUT_RATE_HZ)


class _Resampled:
    """An encoder at another rate. The filter holds back 20 to 30 ms of sound."""

    def __init__(self, encoder: Encoder, rate_hz: int) -> None:
        self._encoder = encoder
        self._resampler = Resampler(OUTPUT_RATE_HZ, rate_hz)
        self.is_costly = encoder.is_costly

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(self._resampler.convert(np.frombuffer(pcm, np.int16)).tobytes())

    def finish(self) -> bytes:
        return self._encoder.encode(self._resampler.finish().tobytes()) + self._encoder.finish()
