"""Opus, AAC and FLAC by PyAV (extra `codecs`), told not to collect anything before they write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from voxtrace.errors import MissingExtra

NO_PYAV = MissingExtra("codecs", needs="PyAV")
FRAMES_PER_SECOND = 50  # Opus's usual 20 ms; for FLAC too, where it costs 1 % of size and saves 80 ms


@dataclass(frozen=True, slots=True)
class Recipe:
    """A codec and the container around it, in libav's words."""

    codec: str
    container: str
    sample_format: str
    bits_per_second: int | None = None
    codec_options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)


OPUS = Recipe(
    "libopus",
    "ogg",
    "s16",
    bits_per_second=48_000,
    codec_options={"frame_duration": "20"},
    # Otherwise an Ogg page collects a whole second, and libav holds two.
    container_options={"page_duration": "20000"},
)
AAC = Recipe("aac", "adts", "fltp", bits_per_second=64_000)
# libav puts 8 KiB of room for titles behind a FLAC header, more than the first half second of sound.
FLAC = Recipe("flac", "flac", "s16", container_options={"metadata_header_padding": "0"})


class LibavEncoder:
    """One answer in one recipe. A header leaves together with the first sound and not before."""

    is_costly = True

    def __init__(self, recipe: Recipe, rate_hz: int) -> None:
        """
        Raises:
            MissingExtra: PyAV is not installed.
        """
        av = load_av()
        self._written = _Written()
        options = {"flush_packets": "1", **recipe.container_options}
        self._container: Any = av.open(self._written, "w", format=recipe.container, options=options)
        self._stream: Any = self._container.add_stream(recipe.codec, rate=rate_hz)
        codec = self._stream.codec_context
        codec.layout, codec.format = "mono", recipe.sample_format
        codec.time_base = Fraction(1, rate_hz)
        codec.options = dict(recipe.codec_options)
        if recipe.codec == "flac":
            codec.options = {"frame_size": str(rate_hz // FRAMES_PER_SECOND)}
        if recipe.bits_per_second is not None:
            codec.bit_rate = recipe.bits_per_second
        self._frame_of = partial(av.AudioFrame.from_ndarray, format="s16", layout="mono")
        self._rate_hz = rate_hz
        self._fed = 0  # samples
        self._container.start_encoding()
        self._head = self._written.take()

    def encode(self, pcm: bytes) -> bytes:
        if not pcm:
            return b""
        frame = self._frame_of(np.frombuffer(pcm, np.int16).reshape(1, -1))
        frame.sample_rate, frame.time_base, frame.pts = self._rate_hz, Fraction(1, self._rate_hz), self._fed
        self._fed += frame.samples
        self._mux(frame)
        return self._take()

    def finish(self) -> bytes:
        if not self._fed:
            return b""
        self._mux(None)
        self._container.close()
        return self._take()

    def _mux(self, frame: object) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _take(self) -> bytes:
        sound = self._written.take()
        if not sound:
            return b""
        head, self._head = self._head, b""
        return head + sound


class _Written:
    """What libav writes to; without `seek`, so that it never goes back to what was sent already."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


def load_av() -> Any:
    """PyAV; the first call in a process takes some 70 ms.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import av
    except ImportError as missing:
        raise NO_PYAV from missing
    return av
