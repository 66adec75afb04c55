"""MP3 frames to samples, where the optional `av` is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxtrace.audio.wav import SampleFormat, to_int16

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def decode_mp3(frames: bytes, rate_hz: int, channels: int) -> npt.NDArray[np.int16] | None:
    """Whole frames as signed 16-bit samples, channels interleaved, the encoder's delay included.

    None where they can't be decoded here: `av` is not installed, or the frames are damaged.
    """
    try:
        import av
    except ImportError:
        return None
    codec = av.CodecContext.create("mp3", "r")
    resampler = av.AudioResampler(format="flt", layout="mono" if channels == 1 else "stereo", rate=rate_hz)
    try:
        decoded = [frame for packet in codec.parse(frames) + codec.parse() for frame in codec.decode(packet)]
        packed = [part for frame in [*decoded, None] for part in resampler.resample(frame)]
    except av.FFmpegError:
        return None
    raw = b"".join(part.to_ndarray().tobytes() for part in packed)
    return to_int16(raw, SampleFormat(rate_hz, channels, 32, is_float=True))
