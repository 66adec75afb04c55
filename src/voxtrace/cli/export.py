"""`voxtrace export`: what is stored, for other tools."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, TextIO

from msgspec.structs import replace

from voxtrace import __version__
from voxtrace.analysis import Measured, Turn
from voxtrace.analysis.columns import Columns, columns_of
from voxtrace.cli.column_pages import column_pages
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import one_turn, open_for_reading, open_measured, turns_with_progress
from voxtrace.errors import InvalidOption
from voxtrace.events.codec import encode
from voxtrace.reports.csv_report import write_csv
from voxtrace.reports.json_report import measured_to_json
from voxtrace.reports.parquet_report import load_pyarrow, write_parquet
from voxtrace.reports.trace_events import trace_events
from voxtrace.store import RequestQuery, SqliteStore

PAGE = 500
TRACED = 100  # requests in a trace: a viewer draws each as a process


class ExportCommand:
    """Writes turns or events as other tools read them."""

    name: ClassVar[str] = "export"
    details: ClassVar[str] = """\
  csv      one row a request; a metric without a value is an empty cell, and the last column says why
  parquet  typed columns: a metric without a value is null, and the columns beside it say why; each column has its
           unit and definition (extra: voxtrace[parquet])
  jsonl    one JSON object a request, as `voxtrace requests --json` prints it
  trace    Trace Event Format: open it in ui.perfetto.dev or chrome://tracing; the critical path is a lane of its own,
           and arrows lead from a chunk's text to its synthesis and to when it is heard
  events   the events themselves, one a line; `voxtrace import` reads them back, here or on another machine

  voxtrace export csv --out requests.csv
  voxtrace export parquet --out requests.parquet
  voxtrace export trace --request 4bf92f35 --out slow.json
  voxtrace export events --session call-17 | ssh other voxtrace import -
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("format", choices=("csv", "parquet", *tuple(_WRITERS)[1:]), help="what to write")
        parser.add_argument("--out", metavar="FILE", help="write to this file (default: standard output)")
        parser.add_argument("--last", type=int, metavar="N", help=f"only the newest N requests (trace: {TRACED})")
        parser.add_argument("--session", metavar="ID", help="only requests of this session")
        parser.add_argument("--request", metavar="ID", help="only this request; a piece of its id will do")

    def run(self, args: Namespace) -> int:
        if args.format == "parquet":
            load_pyarrow()  # before anything is opened or overwritten
        store = open_measured(args.data) if args.format == "parquet" else open_for_reading(args.data)
        with ExitStack() as stack:
            stack.callback(store.close)
            if args.format == "parquet":
                return _parquet(store, args)
            try:
                out = stack.enter_context(Path(args.out).open("w", encoding="utf-8", newline="")) if args.out else None
            except OSError as why:
                raise InvalidOption("--out", args.out, why.strerror or str(why)) from why
            written = _WRITERS[args.format](store, args, out or sys.stdout)
        if args.out:
            print(f"{written:,} {'events' if args.format == 'events' else 'requests'} written to {args.out}")
        return 0


def _csv(store: SqliteStore, args: Namespace, out: TextIO) -> int:
    return write_csv(_measured(store, args), out)


def _parquet(store: SqliteStore, args: Namespace) -> int:
    query, last = RequestQuery(session_id=args.session), args.last or sys.maxsize
    if not args.out and sys.stdout.isatty():
        raise InvalidOption("--out", None, "Parquet is no text for a terminal; name a file")
    pages = [columns_of([one_turn(store, args.request)])] if args.request else column_pages(store, query, last)
    with Patience("writing turns") as patience, ExitStack() as stack:
        try:
            out = stack.enter_context(Path(args.out).open("wb")) if args.out else sys.stdout.buffer
        except OSError as why:
            raise InvalidOption("--out", args.out, why.strerror or str(why)) from why
        written = write_parquet(_told(pages, patience), out, __version__)
    if args.out:
        print(f"{written:,} requests written to {args.out}")
    return 0


def _told(pages: Iterable[Columns], patience: Patience) -> Iterator[Columns]:
    """The pages, with a line of progress once it takes long."""
    read = 0
    for page in pages:
        yield page
        read += len(page)
        patience.at(read)


def _jsonl(store: SqliteStore, args: Namespace, out: TextIO) -> int:
    rows = 0
    for turn in _measured(store, args):
        out.write(json.dumps(measured_to_json(turn)) + "\n")
        rows += 1
    return rows


def _trace(store: SqliteStore, args: Namespace, out: TextIO) -> int:
    turns = [one_turn(store, request_id) for request_id in _ids(store, args, args.last or TRACED)]
    json.dump(trace_events(_in_order(turns)), out)
    out.write("\n")
    return len(turns)


def _events(store: SqliteStore, args: Namespace, out: TextIO) -> int:
    lines = 0
    for request_id in _ids(store, args, args.last or sys.maxsize):
        for event in store.events_of([request_id])[request_id]:
            out.write(encode(event).decode("ascii"))
            lines += 1
    return lines


_WRITERS: dict[str, Callable[[SqliteStore, Namespace, TextIO], int]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "trace": _trace,
    "events": _events,
}


def _in_order(turns: list[Turn]) -> list[Turn]:
    return sorted(turns, key=lambda turn: turn.started_wall_ns)


def _measured(store: SqliteStore, args: Namespace) -> Iterator[Measured]:
    if args.request:
        yield one_turn(store, args.request)
    else:
        yield from turns_with_progress(store, RequestQuery(session_id=args.session), args.last or sys.maxsize)


def _ids(store: SqliteStore, args: Namespace, most: int) -> Iterator[str]:
    if args.request:
        yield one_turn(store, args.request).request_id
        return
    query, found = RequestQuery(limit=PAGE, session_id=args.session), 0
    while found < most and (rows := store.recent(replace(query, limit=min(PAGE, most - found)))):
        yield from (row.request_id for row in rows)
        found += len(rows)
        query = replace(query, before=rows[-1].cursor)
