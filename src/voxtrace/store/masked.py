"""The shape of a record that could not be read: what helps to find it and to see what is wrong, and no word of it.

What a record says may be what a person said, or a secret, and where it can't be read nobody knows which of its words
are which. So letters become x and digits 0; what JSON is made of stays: its signs, names, numbers, true, false, null.
"""

from __future__ import annotations

import re

from voxtrace.events.plain import is_secret

KEPT_BYTES = 1024

# A text, which may be cut off, or what stands between two texts.
_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^"]+', re.DOTALL)
_NAME = re.compile(rb'"([A-Za-z][A-Za-z0-9_.\-]{0,63})"')
_WORD = re.compile(rb"[A-Za-z0-9_+.\x80-\xff-]+")
_VALUE = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|NaN|-?Infinity")
_BLOTS = bytes(
    ord("x") if chr(byte).isalpha() or byte >= 0x80 else ord("0") if chr(byte).isdigit() else byte
    for byte in range(256)
)


def masked(raw: bytes) -> bytes:
    """The first KiB of a record without its words. What is masked already comes back as it is."""
    head = raw[:KEPT_BYTES]
    if head.lstrip(b"\0 \t\r\n")[:1] not in (b"{", b"["):
        return head.translate(_BLOTS)
    pieces = [found[0] for found in _PIECE.finditer(head)]
    before, is_open, kept = b"", True, []
    for place, piece in enumerate(pieces):
        if not piece.startswith(b'"'):
            kept.append(_between(piece, before, keeps_values=is_open))
            before = piece.rstrip() or before
            continue
        behind = pieces[place + 1].lstrip() if place + 1 < len(pieces) else b""
        name = _NAME.fullmatch(piece) if before[-1:] in (b"{", b",") and behind.startswith(b":") else None
        kept.append(piece if name else piece.translate(_BLOTS))
        is_open = name is None or not is_secret(name[1].decode())
        before = b'"'
    return b"".join(kept)


def _between(piece: bytes, before: bytes, *, keeps_values: bool) -> bytes:
    """What stands outside of texts; a value counts as one only where JSON has one."""

    def word(found: re.Match[bytes]) -> bytes:
        sign = (piece[: found.start()].rstrip() or before)[-1:]
        is_value = keeps_values and sign in (b":", b",", b"[") and _VALUE.fullmatch(found[0])
        return found[0] if is_value else found[0].translate(_BLOTS)

    return _WORD.sub(word, piece)
