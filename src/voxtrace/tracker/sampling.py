"""Which requests the level `sampled` records."""

from __future__ import annotations

from zlib import crc32

_SPREAD = 2_654_435_761  # Knuth's multiplicative hash: ids that count up land all over the range


def is_sampled(request_id: str, rate: float) -> bool:
    """Whether a request is recorded at `rate` (0 to 1).

    The id alone decides, so that a request is recorded whole or not at all, in every service that is set to the
    same rate; what a low rate records, a higher one records too.
    """
    return (crc32(request_id.encode("utf-8", "replace")) * _SPREAD & 0xFFFFFFFF) < rate * 2**32
