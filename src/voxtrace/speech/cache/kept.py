"""A piece of speech as it is kept: its samples, and when each of its words is heard."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

# Behind the samples: bytes of words, whether it is a first piece, and a sign that this is all of it.
_END = Struct("<I?3s")
_SIGN = b"vtp"


class Kept(NamedTuple):
    """One piece."""

    pcm: bytes
    words: bytes = b""  # see `pack_words`
    is_first: bool = False  # of an answer: the pieces for which somebody waits

    @property
    def size(self) -> int:
        """Bytes of it."""
        return len(self.pcm) + len(self.words)

    def to_bytes(self) -> bytes:
        """For a file, or another server."""
        return self.pcm + self.words + _END.pack(len(self.words), self.is_first, _SIGN)


def kept_from_bytes(data: bytes | None) -> Kept | None:
    """The reverse; None where it is not all there, for half a piece must not be spoken."""
    if data is None or len(data) < _END.size:
        return None
    words, is_first, sign = _END.unpack_from(data, len(data) - _END.size)
    pcm_bytes = len(data) - _END.size - words
    if sign != _SIGN or pcm_bytes <= 0 or pcm_bytes % 2:
        return None
    return Kept(data[:pcm_bytes], data[pcm_bytes : pcm_bytes + words], is_first)
