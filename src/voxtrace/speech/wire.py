"""How the server and an engine's process talk: frames of a kind, a job number and some bytes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

HEADER = Struct("<BII")  # kind, job, length of what follows
# The longest frame is the list of voices, some 20 kB; anything near this limit is a broken stream.
MAX_FRAME_BYTES = 16 * 1024 * 1024

# When (monotonic ns, a clock that all processes share), whence, entries and bytes of their cache.
PHONEMES_MADE = Struct("<QBII")
CACHE_RESULTS = ("miss", "hit", "bypass")


class Kind(IntEnum):
    """What a frame says."""

    SPEAK = 1  # to the worker: an utterance as JSON
    CANCEL = 2  # to the worker: stop this job
    READY = 16  # from the worker, once: its catalogue as JSON
    AUDIO = 17  # from the worker: samples, signed 16 bit at OUTPUT_RATE_HZ
    DONE = 18  # from the worker: how the job went, as JSON
    FAILED = 19  # from the worker: why the engine refused, as text
    NOT_STARTED = 21  # from the worker, before it ends: why its engine could not be loaded, as text
    WORDS = 22  # from the worker: words whose sound ends with the audio behind this frame, see `pack_words`
    PHONEMES = 23  # from the worker: an utterance's phonemes are there, see `PHONEMES_MADE`
    NO_MEMORY = 20  # from the worker, before it ends: there was too little for this job


class Frame(NamedTuple):
    """One message."""

    kind: int
    job: int
    payload: bytes


class BrokenStream(ValueError):
    """The bytes are no frames; the process on the other side can't be trusted any more."""


def pack(kind: Kind, job: int, payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    return HEADER.pack(kind, job, len(payload)) + payload


class FrameReader:
    """Finds frames in bytes that arrive in any cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes; the rest is kept for the next call.

        Raises:
            BrokenStream: a header announces more than any frame holds.
        """
        buffer = self._rest + data if self._rest else data
        position, end = 0, len(buffer)
        self._rest = b""
        while end - position >= HEADER.size:
            kind, job, length = HEADER.unpack_from(buffer, position)
            if length > MAX_FRAME_BYTES:
                raise BrokenStream(f"a frame of {length} bytes was announced")
            begin = position + HEADER.size
            if begin + length > end:
                break
            position = begin + length
            yield Frame(kind, job, buffer[begin:position])
        self._rest = buffer[position:]
