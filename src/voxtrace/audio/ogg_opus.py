"""Counts the samples of Opus in Ogg by its pages, without decoding and without I/O (RFC 3533, RFC 7845)."""

from __future__ import annotations

PLAYED_AT_HZ = 48_000  # whatever rate the encoder was given
_HEADER_BYTES = 27
_NO_PACKET_ENDS_HERE = 2**64 - 1
_LONGEST_PACKET = 5_760  # 120 ms, one that began in the page before


class OggOpusStream:
    """Finds the pages of a stream that comes in pieces; one counts when its last byte is there."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._until: int | None = None  # the position at which the last page of sound ended
        self._to_drop = 0  # samples in front, of the codec's own
        self.samples = 0  # that are played: what a decoder has to drop in front is none of them
        self.rate_hz: int | None = None
        self.is_other = False  # another codec, or no Ogg at all

    def feed(self, data: bytes) -> int:
        """Take the next bytes; answers with the bytes of sound in the pages that they complete."""
        self._rest += data
        complete = 0
        while True:
            place = self._rest.find(b"OggS")
            if place and self.rate_hz is None and len(self._rest) >= 4:
                self.is_other = True
            if place < 0:
                del self._rest[: max(len(self._rest) - 3, 0)]  # its last bytes may be the begin of a page
                return complete
            del self._rest[:place]
            body_at = _HEADER_BYTES + (self._rest[26] if len(self._rest) >= _HEADER_BYTES else 0)
            if len(self._rest) < max(body_at, _HEADER_BYTES):
                return complete
            end = body_at + sum(self._rest[_HEADER_BYTES:body_at])
            if len(self._rest) < end:
                return complete
            sizes = bytes(self._rest[_HEADER_BYTES:body_at])
            complete += self._read(bytes(self._rest[body_at:end]), sizes, int.from_bytes(self._rest[6:14], "little"))
            del self._rest[:end]

    def _read(self, body: bytes, sizes: bytes, position: int) -> int:
        if body.startswith(b"OpusHead") and len(body) >= 19:
            self._to_drop, self.rate_hz = int.from_bytes(body[10:12], "little"), PLAYED_AT_HZ
            return 0
        self.is_other = self.rate_hz is None
        if self.is_other or position == 0 or body.startswith(b"OpusTags"):
            return 0
        if position != _NO_PACKET_ENDS_HERE:
            inside = _samples_in(body, sizes)
            # Where counting begins is nowhere said: it is what the first page ends with, less what is in it.
            until = position - inside if self._until is None else self._until
            # Less than it holds where the stream's end is cut; never more, whatever the position says.
            heard = max(min(position - until, inside + _LONGEST_PACKET), 0)
            dropped = min(self._to_drop, heard)
            self.samples += heard - dropped
            self._to_drop -= dropped
            self._until = position
        return len(body)


def _samples_in(body: bytes, sizes: bytes) -> int:
    """Of all packets that end in a page."""
    samples = begin = end = 0
    for size in sizes:
        end += size
        if size < 255:  # the last part of a packet
            samples += _samples_of(body[begin:end])
            begin = end
    return samples


def _samples_of(packet: bytes) -> int:
    """Of one packet, out of its first byte or two."""
    if not packet:
        return 0
    kind, count = packet[0] >> 3, packet[0] & 3
    if kind < 12:
        frame = (480, 960, 1920, 2880)[kind % 4]  # SILK
    elif kind < 16:
        frame = (480, 960)[kind % 2]  # both
    else:
        frame = (120, 240, 480, 960)[kind % 4]  # CELT
    if count == 3:
        return frame * (packet[1] & 63) if len(packet) > 1 else 0
    return frame * (2 if count else 1)
