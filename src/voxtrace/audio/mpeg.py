"""Counts the samples of an MP3 stream by its frame headers, without decoding and without I/O."""

from __future__ import annotations

from typing import NamedTuple

_BITRATES_KBPS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1, layer III
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5, layer III
}
_RATES_HZ = (44_100, 48_000, 32_000)
_HEADER_BYTES = 4
_MAX_TAG_BYTES = 16 * 1024 * 1024  # an ID3 tag with a picture; its length comes from outside
_ID3V1_BYTES = 128


class FrameHeader(NamedTuple):
    """The four bytes before a frame."""

    length: int  # of the whole frame, in bytes
    samples: int  # per channel
    rate_hz: int
    channels: int
    info_offset: int  # where an encoder's Xing or Info record would stand


class Frame(NamedTuple):
    """One frame that is complete, and so can be decoded."""

    begin: int  # byte of the stream where it begins
    end: int  # byte of the stream behind it
    samples: int  # per channel; 0 for the record of an encoder, which holds no sound
    rate_hz: int


class MpegStream:
    """Finds the frames of a stream that comes in pieces.

    A frame counts when its last byte is there. Behind an ID3 tag or the frame before it, a frame is
    believed at once; after bytes that are no frame only if another one follows, because two bytes of
    noise look like a header every few kilobytes.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._at = 0  # byte of the stream at which the rest begins
        self._skip = 0  # bytes of a tag still to come
        self._in_step = True
        self.samples = 0  # per channel
        self.rate_hz: int | None = None
        self.channels: int | None = None
        # What the encoder says it put in front; a decoder that ignores the record plays it as silence.
        self.encoder_delay: int | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; answers with the frames that they complete."""
        self._rest += data
        found: list[Frame] = []
        while self._skip_tag():
            frame = self._next_frame()
            if frame is None:
                break
            found.append(frame)
        return found

    def _advance(self, length: int) -> None:
        del self._rest[:length]
        self._at += length

    def _skip_tag(self) -> bool:
        """Step over tags; False: all that is there belongs to one, or may."""
        while True:
            step = min(self._skip, len(self._rest))
            self._advance(step)
            self._skip -= step
            if self._skip:
                return False
            if self._rest[:3] == b"ID3":
                if len(self._rest) < 10:
                    return False
                self._skip = 10 + _syncsafe(self._rest[6:10])
            elif self._rest[:3] == b"TAG":
                self._skip = _ID3V1_BYTES
            else:
                return True

    def _next_frame(self) -> Frame | None:
        while True:
            header = parse_frame_header(self._rest)
            if header is None:
                if not self._seek():
                    return None
                continue
            needed = header.length if self._in_step else header.length + _HEADER_BYTES
            if len(self._rest) < needed:
                return None
            if not self._in_step and not _same_kind(header, parse_frame_header(self._rest[header.length :])):
                self._advance(1)
                continue
            return self._take(header)

    def _seek(self) -> bool:
        """Move to the next place that may be a header; False: more bytes are needed."""
        if len(self._rest) < _HEADER_BYTES:
            return False
        self._in_step = False
        place = self._rest.find(b"\xff", 1)
        self._advance(place if place > 0 else len(self._rest))
        return True

    def _take(self, header: FrameHeader) -> Frame:
        raw, begin = bytes(self._rest[: header.length]), self._at
        self._advance(header.length)
        first, self._in_step = self.rate_hz is None, True
        self.rate_hz, self.channels = header.rate_hz, header.channels
        if first and raw[header.info_offset :][:4] in (b"Xing", b"Info"):
            self.encoder_delay = _lame_delay(raw[header.info_offset :])
            return Frame(begin, self._at, 0, header.rate_hz)
        self.samples += header.samples
        return Frame(begin, self._at, header.samples, header.rate_hz)


def parse_frame_header(raw: bytes | bytearray) -> FrameHeader | None:
    """Read the header of a layer III frame, or None where these bytes are none.

    Frames of free bitrate give None: their length stands nowhere.
    """
    if len(raw) < _HEADER_BYTES or raw[0] != 0xFF or raw[1] & 0xE6 != 0xE2:
        return None
    version = raw[1] >> 3 & 3  # 0: MPEG 2.5, 1: reserved, 2: MPEG 2, 3: MPEG 1
    bitrate_index, rate_index = raw[2] >> 4, raw[2] >> 2 & 3
    if version == 1 or rate_index == 3 or bitrate_index in (0, 15):
        return None
    is_first = version == 3
    rate_hz = _RATES_HZ[rate_index] >> (0 if is_first else 1 if version == 2 else 2)
    samples = 1152 if is_first else 576
    kbps = _BITRATES_KBPS[1 if is_first else 2][bitrate_index]
    length = samples // 8 * kbps * 1000 // rate_hz + (raw[2] >> 1 & 1)
    mono = raw[3] >> 6 == 3
    side_info = (17 if mono else 32) if is_first else (9 if mono else 17)
    checksum = 0 if raw[1] & 1 else 2
    return FrameHeader(length, samples, rate_hz, 1 if mono else 2, _HEADER_BYTES + checksum + side_info)


def _same_kind(one: FrameHeader, other: FrameHeader | None) -> bool:
    return other is not None and (one.rate_hz, one.samples) == (other.rate_hz, other.samples)


def _syncsafe(raw: bytes | bytearray) -> int:
    """An ID3 length: seven bits a byte."""
    length = 0
    for byte in raw:
        length = length << 7 | byte & 0x7F
    return min(length, _MAX_TAG_BYTES)


def _lame_delay(record: bytes) -> int | None:
    """Samples of silence that the encoder put in front, out of its Xing or Info record."""
    flags = int.from_bytes(record[4:8], "big")
    at = 8 + sum(size for bit, size in ((1, 4), (2, 4), (4, 100), (8, 4)) if flags & bit)
    encoder = record[at : at + 24]
    # Twelve bits of delay and twelve of padding stand 21 bytes behind the encoder's name.
    return (
        encoder[21] << 4 | encoder[22] >> 4
        if encoder[:4] in (b"LAME", b"Lavf", b"Lavc") and len(encoder) == 24
        else None
    )
