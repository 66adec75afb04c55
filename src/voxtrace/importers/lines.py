"""Lines and whole documents out of a stream, in bounded memory whatever the stream holds."""

from __future__ import annotations

from collections.abc import Iterator

from voxtrace.importers.ports import ByteStream, HoldsNoEvents

BLOCK_BYTES = 1024 * 1024
MAX_KEPT_LINE = 64 * 1024  # longer lines are cut here; every reader refuses them anyway
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024  # a file that must be read as a whole
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def lines(stream: ByteStream) -> Iterator[tuple[int, bytes, bool]]:
    """Each line without its newline: (offset in bytes, line, whether a newline ended it).

    The byte order mark that some editors put in front of the first line is left out. Of a line longer than
    `MAX_KEPT_LINE` only the beginning comes out.
    """
    rest = b""
    offset = 0  # of the line that `rest` begins
    lost = 0  # bytes of that line that were not kept
    is_first = True
    while block := stream.read(BLOCK_BYTES):
        pieces = (rest + block).split(b"\n")
        if is_first and pieces[0].startswith(BYTE_ORDER_MARK):
            pieces[0], offset = pieces[0][len(BYTE_ORDER_MARK) :], len(BYTE_ORDER_MARK)
        is_first = False
        rest = pieces.pop()
        for piece in pieces:
            yield offset, piece[:MAX_KEPT_LINE], True
            offset += len(piece) + 1 + lost
            lost = 0
        if len(rest) > MAX_KEPT_LINE:
            lost += len(rest) - MAX_KEPT_LINE
            rest = rest[:MAX_KEPT_LINE]
    if rest:
        yield offset, rest, False


def whole_document(stream: ByteStream) -> bytes:
    """The rest of the stream at once.

    Raises:
        HoldsNoEvents: it is larger than any such file is.
    """
    document = bytearray()
    while block := stream.read(BLOCK_BYTES):
        document += block
        if len(document) > MAX_DOCUMENT_BYTES:
            raise HoldsNoEvents(f"larger than {MAX_DOCUMENT_BYTES // 1024**2} MiB, which no file of this format is")
    return bytes(document).removeprefix(BYTE_ORDER_MARK)
