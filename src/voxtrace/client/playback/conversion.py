"""From a client's samples to the device's: width, channels and rate, block by block and without a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxtrace.audio.wav import SampleFormat, to_int16
from voxtrace.client.playback.errors import TornSample, UnplayableFormat

if TYPE_CHECKING:
    from soxr import ResampleStream

Samples = npt.NDArray[np.int16]
"""Signed 16 bit, channels interleaved."""

MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 192_000
MAX_CHANNELS = 2

# Each fact under the names that clients write it with.
_RATE = ("sample_rate", "sampleRate", "rate")
_CHANNELS = ("channels",)
_WIDTH = ("width",)  # bytes of a sample
_BITS = ("bitDepth", "bit_depth")


def sample_format(facts: Mapping[str, Any], otherwise: SampleFormat) -> SampleFormat:
    """The format that a client describes; what it leaves out is as in `otherwise`.

    Samples of 2 bytes are signed integers and samples of 4 bytes are floats, both little-endian.

    Raises:
        UnplayableFormat: a fact is not one that can be played.
    """
    rate_hz = _number(facts, _RATE, otherwise.rate_hz)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise UnplayableFormat("sample_rate", rate_hz, f"from {MIN_RATE_HZ} to {MAX_RATE_HZ}")
    channels = _number(facts, _CHANNELS, otherwise.channels)
    if not 1 <= channels <= MAX_CHANNELS:
        raise UnplayableFormat("channels", channels, f"from 1 to {MAX_CHANNELS}")
    bits = _number(facts, _BITS, otherwise.bits)
    bits = 8 * _number(facts, _WIDTH, bits // 8)
    if bits not in (16, 32):
        raise UnplayableFormat("width", bits // 8, "2 (signed integers) or 4 (floats)")
    return SampleFormat(rate_hz, channels, bits, is_float=bits == 32)


def _number(facts: Mapping[str, Any], names: tuple[str, ...], otherwise: int) -> int:
    given = next((facts[name] for name in names if facts.get(name) is not None), otherwise)
    try:
        # Queries bring text, and JavaScript brings 24000.0.
        number = float(given)
        whole = int(number)
    except (TypeError, ValueError, OverflowError):
        raise UnplayableFormat(names[0], given, "a whole number") from None
    if isinstance(given, bool) or whole != number:
        raise UnplayableFormat(names[0], given, "a whole number")
    return whole


class Converter:
    """One stream's way into the device. Bytes may be cut anywhere; a torn sample waits for its other half."""

    def __init__(self, source: SampleFormat, rate_hz: int, channels: int) -> None:
        self.source, self._channels = source, channels
        self._rest = b""
        self._resampler: ResampleStream | None = None
        if source.rate_hz != rate_hz:
            from soxr import ResampleStream

            self._resampler = ResampleStream(source.rate_hz, rate_hz, channels, dtype="float32", quality="HQ")

    def convert(self, data: bytes) -> Samples:
        """The device's samples that are complete once `data` is known; may be none."""
        data = self._rest + data
        whole = len(data) // self.source.frame_bytes * self.source.frame_bytes
        self._rest = data[whole:]
        return self._resampled(self._spread(to_int16(data[:whole], self.source)), last=False)

    def finish(self) -> tuple[Samples, TornSample | None]:
        """What the filter still held, and what is wrong where the stream ended within a sample."""
        rest, self._rest = self._rest, b""
        torn = TornSample(len(rest), self.source.frame_bytes) if rest else None
        return self._resampled(np.zeros(0, np.int16), last=True), torn

    def _spread(self, samples: Samples) -> Samples:
        """Mono on every channel of the device, or both channels of a client mixed into one."""
        if self.source.channels == self._channels:
            return samples
        if self.source.channels == 1:
            return np.repeat(samples, self._channels)
        # In 32 bits: the sum of two loud samples does not fit into 16.
        mixed: npt.NDArray[np.int32] = samples.reshape(-1, self.source.channels).sum(axis=1, dtype=np.int32)
        return (mixed // self.source.channels).astype(np.int16)

    def _resampled(self, samples: Samples, *, last: bool) -> Samples:
        if self._resampler is None:
            return samples
        frames = samples.astype(np.float32).reshape(-1, self._channels)
        converted = self._resampler.resample_chunk(frames if self._channels > 1 else frames[:, 0], last=last)
        # Rounded here: soxr's own 16 bit output adds dither, and the same sound must be the same samples.
        rounded: npt.NDArray[np.float32] = np.clip(np.rint(converted), -32768, 32767)
        return rounded.astype(np.int16).reshape(-1)
