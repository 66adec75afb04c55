"""Counts the samples of AAC in ADTS by its frame headers, without decoding and without I/O."""

from __future__ import annotations

_HEADER_BYTES = 7
_SAMPLES = 1024  # of each block of a frame
_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


class AdtsStream:
    """Finds the frames of a stream that comes in pieces; one counts when its last byte is there."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self.samples = 0  # per channel, and as the header's rate has it: HE-AAC plays twice as many
        self.rate_hz: int | None = None
        self.is_other = False  # it begins with something else, as AAC in MP4 does

    def feed(self, data: bytes) -> int:
        """Take the next bytes; answers with the bytes of the frames that they complete."""
        self._rest += data
        complete = 0
        while len(self._rest) >= _HEADER_BYTES:
            if not _is_header(self._rest):
                if self.rate_hz is None:
                    self.is_other = True
                    self._rest.clear()
                    break
                place = self._rest.find(b"\xff", 1)
                del self._rest[: place if place > 0 else len(self._rest)]
                continue
            length = (self._rest[3] & 3) << 11 | self._rest[4] << 3 | self._rest[5] >> 5
            if len(self._rest) < length:
                break
            self.rate_hz = self.rate_hz or _RATES_HZ[self._rest[2] >> 2 & 15]
            self.samples += _SAMPLES * ((self._rest[6] & 3) + 1)
            complete += length
            del self._rest[:length]
        return complete


def _is_header(raw: bytearray) -> bool:
    """Sync word, layer 0, a rate that exists, and a length of more than the header itself."""
    length = (raw[3] & 3) << 11 | raw[4] << 3 | raw[5] >> 5
    return raw[0] == 0xFF and raw[1] & 0xF6 == 0xF0 and (raw[2] >> 2 & 15) < len(_RATES_HZ) and length > _HEADER_BYTES
