"""Packed files and archives that are not unpacked here: what they are, and what to type."""

from __future__ import annotations

# Of a tape archive: where its mark stands, behind the name and the numbers of the first file.
_TAR_MARK_AT, _TAR_MARK = 257, b"ustar"

_PACKED: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", "unzip FILE -d FOLDER"),
    (b"PK\x05\x06", "an empty zip archive", "unzip FILE -d FOLDER"),
    (b"BZh", "packed with bzip2", "bzip2 -dk FILE"),
    (b"\xfd7zXZ\x00", "packed with xz", "xz -dk FILE"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", "zstd -dk FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x FILE"),
)


def packed_as(head: bytes) -> str | None:
    """Why content that begins so can't be read as it is, and how to unpack it; None for anything else."""
    if head[_TAR_MARK_AT:].startswith(_TAR_MARK):
        return "a tar archive; unpack it first, for example with: tar -xf FILE -C FOLDER"
    for magic, what, command in _PACKED:
        # Text may begin with these letters as well.
        if head.startswith(magic) and (b"\0" in head[:512] or not head[:512].isascii()):
            return f"{what}; unpack it first, for example with: {command}"
    return None
