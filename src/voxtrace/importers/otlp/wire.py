"""The wire format of protocol buffers: a message as its fields, nothing more.

Five messages of OTLP are read here, and their field numbers can't change any more (the trace protocol is
stable). See docs/adr on why this is no dependency.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import TypeAlias

from voxtrace.importers.otlp.spans import NotOtlp

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
WORD = (1 << 64) - 1

_uint64, _uint32, _double = Struct("<Q"), Struct("<I"), Struct("<d")

Value: TypeAlias = int | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field, in the order of the bytes; fixed-width values as unsigned integers.

    Raises:
        NotOtlp: the bytes are no message.
    """
    at, end = 0, len(message)
    while at < end:
        tag, at = varint(message, at)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise NotOtlp("a field has the number 0")
        if kind == VARINT:
            value, at = varint(message, at)
            yield number, value
        elif kind == BYTES:
            size, at = varint(message, at)
            if size > end - at:
                raise NotOtlp(f"a field of {size} bytes in a message of {end} ends behind it")
            yield number, message[at : at + size]
            at += size
        elif kind in (FIXED64, FIXED32):
            width = _uint64 if kind == FIXED64 else _uint32
            if width.size > end - at:
                raise NotOtlp("a number is cut off")
            yield number, width.unpack_from(message, at)[0]
            at += width.size
        else:
            raise NotOtlp(f"a field of the unknown kind {kind}")


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends.

    Raises:
        NotOtlp: there is none.
    """
    value = shift = 0
    for byte in message[at : at + MAX_VARINT_BYTES]:
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & WORD, at
        shift += 7
    raise NotOtlp("a number has no end")


def signed(value: int) -> int:
    """An int64 as the wire carries it, as the number it is."""
    return value - (1 << 64) if value >> 63 else value


def double(bits: int) -> float:
    """A double whose bytes `fields` read as an integer."""
    return float(_double.unpack(_uint64.pack(bits))[0])


def sub_message(value: Value) -> memoryview:
    """The bytes of a field that must be a message or a text.

    Raises:
        NotOtlp: it is a number.
    """
    if isinstance(value, int):
        raise NotOtlp("a number where a message must be")
    return value


def number(value: Value) -> int:
    """The value of a field that must be a number.

    Raises:
        NotOtlp: it is none.
    """
    if not isinstance(value, int):
        raise NotOtlp("a message where a number must be")
    return value


def text(value: Value) -> str:
    """The text of a field; what is no UTF-8 in it is replaced."""
    return bytes(sub_message(value)).decode("utf-8", "replace")
