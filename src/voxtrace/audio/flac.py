"""Counts the samples of a FLAC stream by its frame headers, without decoding and without I/O (RFC 9639)."""

from __future__ import annotations

from typing import NamedTuple

_MAX_HEADER_BYTES = 16
_STREAM_INFO_BYTES = 34
_BLOCK_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{c: 256 << c - 8 for c in range(8, 16)}}


class _Header(NamedTuple):
    samples: int
    length: int  # of the header itself


class FlacStream:
    """Finds the frames of a stream that comes in pieces.

    A frame does not say how long it is. It is over where the next one begins, or where what is there ends and its
    checksum is right: a stream that is alive ends with a whole frame most of the time.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_head_over = False
        self._checked, self._checksum = 0, 0  # bytes of the frame that `_rest` begins with, and the checksum of them
        self._looked_until = 0  # no frame begins before it, but for the one that `_rest` begins with
        self.samples = 0  # per channel
        self.rate_hz: int | None = None
        self.is_other = False  # it does not begin as a FLAC stream does

    def feed(self, data: bytes) -> int:
        """Take the next bytes; answers with the bytes of the frames that they complete."""
        self._rest += data
        if not self._is_head_over and not self._read_head():
            return 0
        complete = 0
        while header := self._frame_at(0):
            end = self._end_of(header)
            if end is None:
                break
            self.samples += header.samples
            complete += end
            self._drop(end)
        return complete

    def _read_head(self) -> bool:
        """Step over the stream's head; False: it is not whole yet, or there is none."""
        rest, at = self._rest, 4
        self.is_other = rest[:at] != b"fLaC"[: len(rest)]
        if len(rest) < at or self.is_other:
            return False
        while len(rest) >= at + 4:
            kind, length = rest[at], int.from_bytes(rest[at + 1 : at + 4], "big")
            if len(rest) < at + 4 + length:
                return False
            if kind & 0x7F == 0 and length >= _STREAM_INFO_BYTES:
                self.rate_hz = int.from_bytes(rest[at + 14 : at + 17], "big") >> 4 or None
            at += 4 + length
            if kind & 0x80:
                self._is_head_over = True
                self._drop(at)
                return True
        return False

    def _drop(self, length: int) -> None:
        del self._rest[:length]
        self._checked = self._checksum = self._looked_until = 0

    def _end_of(self, header: _Header) -> int | None:
        place = max(self._looked_until, header.length)
        while (place := self._rest.find(b"\xff", place)) >= 0:
            if self._frame_at(place):
                return place
            if len(self._rest) < place + _MAX_HEADER_BYTES:
                break  # it may become one
            place += 1
        self._looked_until = place if place >= 0 else len(self._rest)
        for byte in memoryview(self._rest)[self._checked :]:
            self._checksum = (self._checksum << 8 & 0xFF00) ^ _CRC16[self._checksum >> 8 ^ byte]
        self._checked = len(self._rest)
        # The checksum stands behind what it is of, so that over both together it is 0.
        return self._checked if self._checksum == 0 else None

    def _frame_at(self, place: int) -> _Header | None:
        raw = bytes(self._rest[place : place + _MAX_HEADER_BYTES])
        return _parse_header(raw)


def _parse_header(raw: bytes) -> _Header | None:
    """A frame's header; None: it is none, or not whole."""
    if len(raw) < 6 or raw[0] != 0xFF or raw[1] & 0xFE != 0xF8 or raw[2] >> 4 == 0 or raw[3] & 1:
        return None
    # The number of the frame is written as UTF-8 writes a character: its first byte says how many there are.
    ones = 8 - (raw[4] ^ 0xFF).bit_length()
    at = 4 + max(ones, 1)
    size_code, rate_code = raw[2] >> 4, raw[2] & 15
    samples = _BLOCK_SIZES.get(size_code, 0)
    for code, length in ((6, 1), (7, 2)):
        if size_code == code:
            samples = int.from_bytes(raw[at : at + length], "big") + 1
            at += length
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if rate_code == 15 or ones in (1, 8) or len(raw) <= at or _crc8(raw[:at]) != raw[at]:
        return None
    return _Header(samples, at + 1)


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    top, all_ones = 1 << bits - 1, (1 << bits) - 1
    table = []
    for value in range(256):
        value <<= bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & all_ones
        table.append(value)
    return tuple(table)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(raw: bytes) -> int:
    checksum = 0
    for byte in raw:
        checksum = _CRC8[checksum ^ byte]
    return checksum
