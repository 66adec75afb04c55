"""Where a command gets turns from: a data folder, or files that nobody imported."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from voxtrace.analysis import Measured
from voxtrace.analysis.cases import Case, cases_of
from voxtrace.analysis.columns import Columns
from voxtrace.cli.asked_turns import AskedTurns
from voxtrace.cli.column_pages import column_pages, pages_with_steps
from voxtrace.cli.reading import measured_turns, open_measured
from voxtrace.cli.zones import zone_argument, zone_asked
from voxtrace.store import Accounts, RequestQuery


class TurnSource(Protocol):
    """Turns that were measured."""

    def pages(self, asked: AskedTurns) -> Iterator[Columns]:
        """The newest turns of the times and the session that are asked for, newest first."""
        ...

    def cases(self, request_ids: Sequence[str]) -> list[Case]:
        """These turns as advice looks at them, newest first; at most a few hundred."""
        ...

    def turns(self, request_ids: Sequence[str]) -> Sequence[Measured]:
        """These turns, newest first."""
        ...

    def accounts(self) -> Accounts:
        """What became of the events."""
        ...

    def close(self) -> None:
        """Nothing more is asked."""
        ...


def source_arguments(parser: ArgumentParser) -> None:
    """Files instead of the data folder."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="logs to read now and keep nowhere: files, folders, patterns in quotes, or - for standard input, in every "
        "format of `voxtrace import`; without one, the data folder is read",
    )
    zone_argument(parser)


def turn_source(args: Namespace) -> TurnSource:
    """Where the arguments say that turns are.

    Raises:
        VoxtraceError: nothing can be read there; the class says why.
    """
    if not args.paths:
        return StoredTurns(args.data)
    from voxtrace.cli.file_turns import FileTurns  # with every importer: 80 ms

    return FileTurns(args.paths, zone_asked(args))


class StoredTurns:
    """Turns of a store."""

    def __init__(self, folder: Path) -> None:
        """The numbers of what is new are worked out first.

        Raises:
            StoreError: there is no store, or it can't be read.
        """
        self._store = open_measured(folder)

    def close(self) -> None:
        """See `TurnSource`."""
        self._store.close()

    def pages(self, asked: AskedTurns) -> Iterator[Columns]:
        """See `TurnSource`."""
        return column_pages(self._store, asked.query, asked.most)

    def cases(self, request_ids: Sequence[str]) -> list[Case]:
        """See `TurnSource`."""
        query = RequestQuery(request_ids=tuple(request_ids))
        pages = pages_with_steps(self._store, query, len(request_ids))
        return [case for page, turns in pages for case in cases_of(page, turns, range(len(page)))]

    def turns(self, request_ids: Sequence[str]) -> Sequence[Measured]:
        """See `TurnSource`."""
        return measured_turns(self._store, self._store.requests(request_ids))

    def accounts(self) -> Accounts:
        """See `TurnSource`."""
        return self._store.accounts()
