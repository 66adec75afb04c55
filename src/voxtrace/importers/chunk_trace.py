"""Kokoro's chunk traces: `trialNN_PRESET_chunks_HHMMSS.csv`, one row per read from the socket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from msgspec import Struct

from voxtrace.events import Event
from voxtrace.importers.client_request import ClientRequest
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item, Note
from voxtrace.units import NANOS_PER_MILLI

HEADER = ("ms_since_start", "bytes")
_SEPARATORS = (",", ";")  # the second where a spreadsheet saved it in a country that writes 4,139
WAV_HEADER_BYTES = 44  # in front of the samples; the benchmark always asked for WAV
BYTES_PER_MS = 48  # 24 kHz, mono, two bytes a sample

MAX_MS = 7 * 86_400_000  # a week: no stream lasts longer, so a larger number is no time
MAX_READ_BYTES = 2**31

_NAME = re.compile(r"trial(?P<trial>\d{1,6})_(?P<preset>[A-Za-z0-9-]{1,32})_chunks_\d{6}")


class Arrival(Struct, frozen=True):
    """One read from the socket."""

    after_ns: int  # since the request was sent
    bytes: int


class ChunkTrace:
    """A trace is one request of a client: when which bytes of the body came."""

    name = "kokoro-chunk-trace"
    title = "Kokoro chunk trace (ms_since_start,bytes)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 100 if _separator(head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        arrivals = parse_arrivals(content)
        times = LocalTimes(context.zone)
        written_wall_ns = times.from_path(context.path)
        yield from times.notes()
        if written_wall_ns is None:
            written_wall_ns = context.modified_wall_ns
            if written_wall_ns is None:
                raise HoldsNoEvents("no date: the folder must be called YYYY-MM-DD and the name must end in _HHMMSS")
            yield Note("file_time", "trace has no date in folder and name; the time of its file was taken")
        request = trace_request(context.path, written_wall_ns, arrivals, content)
        yield from _events(request, context.path, arrivals)


def parse_arrivals(content: bytes) -> list[Arrival]:
    """The rows of a trace.

    Raises:
        HoldsNoEvents: a row can't be read. A trace with a hole would show stalls that never happened, so
            none of it is used.
    """
    rows = content.split(b"\n")
    between = _separator(rows[0])
    if between is None:
        raise HoldsNoEvents(f"the first line is not {','.join(HEADER)}")
    arrivals: list[Arrival] = []
    for number, row in enumerate(rows[1:], 2):
        if not row.strip():
            continue
        arrival = _arrival(row, between)
        if arrival is None:
            means = "; behind semicolons a decimal point must be a comma" if between == ";" and b"." in row else ""
            raise HoldsNoEvents(
                f"line {number} can't be read{means}; a trace with a hole would show stalls that never were"
            )
        if arrivals and arrival.after_ns < arrivals[-1].after_ns:
            raise HoldsNoEvents(f"line {number} came before the line above it; a clock can't have run backwards")
        arrivals.append(arrival)
    return arrivals


def trace_request(
    path: PurePath, written_wall_ns: int, arrivals: list[Arrival], content: bytes, writer: str = "", run: str = ""
) -> ClientRequest:
    """The request that a trace is; its id is made of the date and the name of the file.

    The benchmark named the file when it wrote it, at the end of the trial, so the request began that much
    earlier.
    """
    length_ns = arrivals[-1].after_ns if arrivals else 0
    return ClientRequest(f"{path.parent.name}/{path.stem}"[-200:], written_wall_ns - length_ns, content, writer, run)


def _columns(row: bytes, between: str = ",") -> tuple[str, ...]:
    return tuple(cell.strip(' "\r') for cell in row.decode("utf-8", "replace").split(between))


def _separator(row: bytes) -> str | None:
    """What stands between the columns of a trace, or None where this is no trace's first line."""
    return next((between for between in _SEPARATORS if _columns(row, between) == HEADER), None)


def _arrival(row: bytes, between: str) -> Arrival | None:
    cells = _columns(row, between)
    if between == ";":
        # Where a comma is the decimal point, a point may stand between thousands: 1.234 is one number or the other.
        if "." in row.decode("utf-8", "replace"):
            return None
        cells = (cells[0].replace(",", "."), *cells[1:])
    try:
        ms, size = float(cells[0]), int(cells[1])
    except (ValueError, IndexError):
        return None
    if len(cells) != 2 or not 0 <= ms <= MAX_MS or not 0 <= size <= MAX_READ_BYTES:
        return None
    return Arrival(round(ms * NANOS_PER_MILLI), size)


def _events(request: ClientRequest, path: PurePath, arrivals: list[Arrival]) -> Iterator[Event]:
    named = _NAME.fullmatch(path.stem)
    yield request.event(
        0,
        "REQUEST_START",
        source="bench",
        format="wav",
        preset=named["preset"] if named else None,
        trial=int(named["trial"]) if named else None,
        file=path.name,
    )
    if not arrivals:
        return  # the request is known, and that nothing was measured
    yield request.event(arrivals[0].after_ns, "FIRST_BYTE_RECEIVED", bytes=arrivals[0].bytes)
    audible = list(_without_header(arrivals))
    if audible:
        yield request.event(audible[0].after_ns, "FIRST_AUDIO_CHUNK", bytes=audible[0].bytes)
    for seq, chunk in enumerate(audible):
        audio_ms = chunk.bytes / BYTES_PER_MS
        yield request.event(chunk.after_ns, "AUDIO_CHUNK_RECEIVED", seq=seq, bytes=chunk.bytes, audio_ms=audio_ms)
    if audible:
        size = sum(chunk.bytes for chunk in audible)
        yield request.event(
            audible[-1].after_ns, "LAST_AUDIO_CHUNK", chunks=len(audible), bytes=size, audio_ms=size / BYTES_PER_MS
        )
    yield request.event(arrivals[-1].after_ns, "REQUEST_COMPLETE", outcome="ok", truth="L2")


def _without_header(arrivals: list[Arrival]) -> Iterator[Arrival]:
    """The bytes that are samples; a read that brought nothing else is left out."""
    header_left = WAV_HEADER_BYTES
    for arrival in arrivals:
        header = min(header_left, arrival.bytes)
        header_left -= header
        if arrival.bytes > header:
            yield Arrival(arrival.after_ns, arrival.bytes - header)
