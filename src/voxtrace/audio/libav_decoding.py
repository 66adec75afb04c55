"""Opus, AAC and FLAC to samples, where the optional `av` is installed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def decode_begin(stream: bytes, container: str) -> Iterator[tuple[npt.NDArray[np.int16], int]]:
    """The sound at the begin of a stream, a frame at a time: samples with channels interleaved, and how many of them
    make a second. What the codec puts in front is in it, as a player would play it.

    Nothing where it can't be decoded here: `av` is not installed, or this is damaged from its begin on.
    """
    try:
        import av
    except ImportError:
        return
    try:
        with av.open(io.BytesIO(stream), "r", format=container) as opened:
            resampler = None
            for frame in opened.decode(audio=0):
                if resampler is None:
                    resampler = av.AudioResampler(format="s16", layout=frame.layout, rate=frame.sample_rate)
                for part in resampler.resample(frame):
                    samples = np.frombuffer(part.to_ndarray().tobytes(), np.int16)
                    yield samples, part.sample_rate * part.layout.nb_channels
    except av.FFmpegError:
        return  # most likely in its last frame: what was held of the stream ends anywhere


def load_decoder() -> None:
    """Load now what the first answer would otherwise wait for: some 70 ms."""
    next(decode_begin(b"", "flac"), None)
