"""WAV headers and PCM samples. A header comes from outside: no length in it is believed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxtrace.errors import VoxtraceError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# What stands in a length that its writer did not know: 0, 0xFFFFFFFF, or (sox, ffmpeg) just below 2 or 4 GiB.
_UNKNOWN_FROM = 0x7FFF_0000
UNKNOWN_LENGTH = 0xFFFF_FFFF
MAX_HEADER_BYTES = 256 * 1024  # a cover picture may stand before the data; more is no speech
MAX_RATE_HZ = 768_000
MAX_CHANNELS = 64

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


class NotWav(VoxtraceError):
    """The bytes are not a WAV file that can be read."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this is no WAV that can be read: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How samples lie in bytes: little-endian, channels interleaved."""

    rate_hz: int
    channels: int = 1
    bits: int = 16
    is_float: bool = False

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What stands before the samples."""

    samples: SampleFormat
    data_offset: int  # where the samples begin, in bytes
    data_bytes: int | None  # None: its writer did not know, as when it streams


def parse_header(start: bytes) -> WavHeader | None:
    """Read the header out of the first bytes of a stream; None: it needs more bytes.

    Raises:
        NotWav: the bytes can't become a WAV that can be read, however many more come.
    """
    if not start[:4] or start[:4] not in (b"RIFF"[: len(start)], b"RF64"[: len(start)]):
        if not start:
            return None
        raise NotWav(f"it begins with {start[:4]!r} and not with RIFF")
    if len(start) < 12:
        return None
    if start[8:12] != b"WAVE":
        raise NotWav(f"its RIFF type is {start[8:12]!r} and not WAVE")
    at, samples = 12, None
    while len(start) >= at + 8:
        name, size = start[at : at + 4], int.from_bytes(start[at + 4 : at + 8], "little")
        at += 8
        if name == b"data":
            if samples is None:
                raise NotWav("its data stands before its format")
            return WavHeader(samples, at, None if size == 0 or size >= _UNKNOWN_FROM else size)
        if at + size > MAX_HEADER_BYTES:
            raise NotWav(f"its chunk {name!r} claims {size} bytes before any data")
        if name == b"fmt ":
            if len(start) < at + size:
                return None
            samples = _parse_format(start[at : at + size])
        at += size + size % 2  # chunks begin at even places
    return None


def _parse_format(fmt: bytes) -> SampleFormat:
    if len(fmt) < 16:
        raise NotWav(f"its format has {len(fmt)} bytes and not 16")
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", fmt[:16])
    if tag == _EXTENSIBLE and len(fmt) >= 26:
        tag = int.from_bytes(fmt[24:26], "little")
    if not 0 < rate_hz <= MAX_RATE_HZ or not 0 < channels <= MAX_CHANNELS:
        raise NotWav(f"it claims {rate_hz} Hz and {channels} channels")
    if (tag, bits) not in {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}:
        raise NotWav(f"its samples are of format {tag} with {bits} bits, not PCM or float")
    return SampleFormat(rate_hz, channels, bits, tag == _FLOAT)


def write_header(samples: SampleFormat, data_bytes: int | None = None) -> bytes:
    """The 44 bytes before the samples; `data_bytes` None where the length is not known yet."""
    known = data_bytes is not None and data_bytes < _UNKNOWN_FROM
    data = data_bytes if known and data_bytes is not None else UNKNOWN_LENGTH
    riff = min(data + 36, UNKNOWN_LENGTH)
    tag = _FLOAT if samples.is_float else _PCM
    per_second = samples.rate_hz * samples.frame_bytes
    fmt = struct.pack("<HHIIHH", tag, samples.channels, samples.rate_hz, per_second, samples.frame_bytes, samples.bits)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", data)


def to_int16(data: bytes, samples: SampleFormat) -> npt.NDArray[np.int16]:
    """Samples as signed 16-bit integers, channels still interleaved; an incomplete last sample is left out."""
    import numpy as np

    width = samples.bits // 8
    data = data[: len(data) // width * width]
    if samples.is_float:
        # Brought to full scale first: any bytes may come as floats, and the largest ones overflow when scaled.
        limited: npt.NDArray[np.float64] = np.clip(np.nan_to_num(np.frombuffer(data, f"<f{width}")), -1.0, 1.0)
        return np.clip(limited * 32768.0, -32768, 32767).astype(np.int16)
    if samples.bits == 8:
        return ((np.frombuffer(data, np.uint8).astype(np.int16) - 128) * 256).astype(np.int16)
    # The two highest of a sample's little-endian bytes are its 16-bit value.
    raw = np.frombuffer(data, np.uint8).reshape(-1, width)
    return np.ascontiguousarray(raw[:, width - 2 :]).view("<i2").reshape(-1)
