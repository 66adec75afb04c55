"""Files of OpenTelemetry traces: OTLP as JSON or as protocol buffers, as the collector's file exporter writes them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import PurePath
from typing import Any

from voxtrace.events import Unreadable
from voxtrace.events.codec import RAW_KEPT_BYTES
from voxtrace.importers.lines import BLOCK_BYTES, BYTE_ORDER_MARK, MAX_DOCUMENT_BYTES
from voxtrace.importers.otlp import Conversion, Export, NotOtlp, Span, read_json, read_protobuf
from voxtrace.importers.otlp.conversion import NOTES
from voxtrace.importers.otlp.wire import BYTES, FIXED32, FIXED64, MAX_VARINT_BYTES, VARINT, varint
from voxtrace.importers.ports import HEAD_BYTES, ByteStream, Context, HoldsNoEvents, Item, Note, Refused

# Spans that are put in order before any is told: about 100 MiB. Beyond, what comes later finds what came before.
WINDOW_SPANS = 20_000
FIRST_LINES = 20  # of which one must be a whole export, or the file is one document


_EXPORTS = (b'"resourceSpans"', b'"resource_spans"')


class OtlpJson:
    """One export a line, or one document."""

    name = "otlp-json"
    title = "OpenTelemetry traces, OTLP as JSON (Pipecat, LiveKit, OpenInference, GenAI)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        start = head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
        is_export = any(name in head for name in _EXPORTS) or (b'"batches"' in head and b'"scopeSpans"' in head)
        return 92 if start in (b"{", b"[") and is_export else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        yield from _items(_parsed(_json_texts(stream), _read_json_text))


class OtlpProtobuf:
    """One export request, or many with their lengths in front."""

    name = "otlp-protobuf"
    title = "OpenTelemetry traces, OTLP as protocol buffers"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 75 if _framing(head) is not None else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        yield from _items(_parsed(_messages(stream), read_protobuf))


def _items(exports: Iterable[tuple[int, Export] | Refused]) -> Iterator[Item]:
    """Spans by the window, so that memory is bounded and most traces are whole."""
    conversion = Conversion()
    counts: Counter[str] = Counter()
    others = 0
    window: list[Span] = []
    for read in exports:
        if isinstance(read, Refused):
            yield read
            continue
        offset, export = read
        others += export.other_signals
        for _, unreadable in export.refused:
            yield Refused(unreadable, offset)
        window += export.spans
        if len(window) >= WINDOW_SPANS:
            yield from _converted(conversion, window, counts)
            window = []
    yield from _converted(conversion, window, counts)
    for kind, times in counts.items():
        yield Note(kind, NOTES[kind], times)
    if others:
        yield Note("other_signals", "export of metrics or logs, which tell of no single turn", others)


def _converted(conversion: Conversion, spans: list[Span], counts: Counter[str]) -> Iterator[Item]:
    done = conversion.convert(spans)
    counts.update(done.counts)
    yield from done.events


def _parsed(
    texts: Iterable[tuple[int, bytes]], parse: Callable[[bytes], Export]
) -> Iterator[tuple[int, Export] | Refused]:
    for offset, text in texts:
        try:
            yield offset, parse(text)
        except NotOtlp as why:
            yield Refused(Unreadable("otlp", str(why), text[:RAW_KEPT_BYTES], len(text)), offset)


def _read_json_text(text: bytes) -> Export:
    try:
        return read_json(json.loads(text))
    except RecursionError:
        raise NotOtlp("nested too deeply") from None
    except ValueError as why:
        raise NotOtlp(f"no JSON: {why}") from why


def _json_texts(stream: ByteStream) -> Iterator[tuple[int, bytes]]:
    """Each line where the first one is whole JSON, else the document as one text."""
    buffer, offset, is_lines = b"", 0, False
    while block := stream.read(BLOCK_BYTES):
        buffer += block
        if not offset:
            buffer = buffer.removeprefix(BYTE_ORDER_MARK)
        *whole, rest = buffer.split(b"\n")
        if whole and not is_lines:
            is_lines = any(_is_export_line(line) for line in islice(whole, FIRST_LINES))
        if is_lines:
            for line in whole:
                if line.strip(b"\0 \t\r"):
                    yield offset, line.strip(b"\0 \t\r")
                offset += len(line) + 1
            buffer = rest
        if len(buffer) > MAX_DOCUMENT_BYTES:
            raise HoldsNoEvents(f"one document of more than {MAX_DOCUMENT_BYTES // 1024**2} MiB")
    if buffer.strip(b"\0 \t\r\n"):
        yield offset, buffer.strip(b"\0 \t\r\n")


def _is_export_line(line: bytes) -> bool:
    if b'"resource' not in line:
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


# ---- protocol buffers: bare, behind a varint (protobuf's own writers), behind four bytes (the collector's exporter)


def _framing(head: bytes) -> int | None:
    """How many bytes stand in front of the first message; None where these bytes are no export in any framing."""
    for skipped, size in _framings(head):
        if _begins_as_export(head[skipped : skipped + size]):
            return skipped
    return None


def _framings(head: bytes) -> Iterator[tuple[int, int]]:
    """Bytes in front of the first message, and its size, for each framing that is possible."""
    yield 0, len(head)
    try:
        size, skipped = varint(memoryview(head), 0)
    except NotOtlp:
        size, skipped = 0, 0
    if size > 1:
        yield skipped, size
    size = int.from_bytes(head[:4], "big")
    if 1 < size <= MAX_DOCUMENT_BYTES:
        yield 4, size


SEEN_BYTES = HEAD_BYTES - MAX_VARINT_BYTES  # of a file that goes on behind its head, less what stands in front
# The numbers of the fields that an export may have, level by level; an empty level is not looked into.
_SPAN: dict[int, dict[int, Any]] = {number: {} for number in range(1, 17)}
_SCOPE_SPANS: dict[int, dict[int, Any]] = {1: {}, 2: _SPAN, 3: {}}
_EXPORT: dict[int, dict[int, Any]] = {
    1: {1: {1: {1: {}, 2: {}}, 2: {}, 3: {}}, 2: _SCOPE_SPANS, 3: {}, 1000: _SCOPE_SPANS}
}


def _begins_as_export(head: bytes) -> bool:
    """Whether these bytes are an export with at least one resource, as far as they go."""
    return head[:1] == b"\x0a" and len(head) > 4 and _has_form(memoryview(head), _EXPORT, len(head) >= SEEN_BYTES)


def _has_form(message: memoryview, form: dict[int, dict[int, Any]], is_cut: bool) -> bool:
    """`is_cut`: what is seen may end before the message does."""
    at = 0
    while at < len(message):
        try:
            tag, at = varint(message, at)
            number, kind = tag >> 3, tag & 7
            if number not in form or (form[number] and kind != BYTES):
                return False
            if kind == VARINT:
                _, at = varint(message, at)
            elif kind in (FIXED64, FIXED32):
                at += 8 if kind == FIXED64 else 4
            elif kind == BYTES:
                size, at = varint(message, at)
                is_longer = size > len(message) - at
                if is_longer and not is_cut:
                    return False
                if form[number] and not _has_form(message[at : at + size], form[number], is_longer):
                    return False
                at += size
            else:
                return False
        except NotOtlp:
            return is_cut and len(message) - at < MAX_VARINT_BYTES
    return True


def _messages(stream: ByteStream) -> Iterator[tuple[int, bytes]]:
    buffer = b""
    while len(buffer) < HEAD_BYTES and (block := stream.read(HEAD_BYTES - len(buffer))):
        buffer += block
    framing = _framing(buffer)
    if not framing:
        yield 0, _rest(stream, buffer)
        return
    # A message of four bytes of varint would have 256 MiB, which none has; so four bytes are the collector's.
    is_varint = framing != 4
    offset = 0
    while buffer:
        size, header = _frame(buffer, is_varint)
        while len(buffer) < header + size and (block := stream.read(BLOCK_BYTES)):
            buffer += block
        if size > MAX_DOCUMENT_BYTES or len(buffer) < header + size:
            yield offset, buffer[:RAW_KEPT_BYTES]  # torn: it is refused as what it is
            return
        yield offset, buffer[header : header + size]
        buffer, offset = buffer[header + size :], offset + header + size
        while len(buffer) < MAX_VARINT_BYTES and (block := stream.read(BLOCK_BYTES)):
            buffer += block


def _frame(buffer: bytes, is_varint: bool) -> tuple[int, int]:
    """Size of the message that begins here, and of what stands in front of it."""
    if not is_varint:
        return int.from_bytes(buffer[:4], "big"), 4
    try:
        return varint(memoryview(buffer[:10]), 0)
    except NotOtlp:
        return MAX_DOCUMENT_BYTES + 1, 0


def _rest(stream: ByteStream, buffer: bytes) -> bytes:
    parts = bytearray(buffer)
    while block := stream.read(BLOCK_BYTES):
        parts += block
        if len(parts) > MAX_DOCUMENT_BYTES:
            raise HoldsNoEvents(f"one message of more than {MAX_DOCUMENT_BYTES // 1024**2} MiB")
    return bytes(parts)
