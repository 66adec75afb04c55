"""Sessions out of a data folder: their turns as columns, many small sessions at once and large ones in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from voxtrace.analysis.choosing import Choice, Choosing
from voxtrace.analysis.columns import Bools, Columns, Floats
from voxtrace.analysis.filters import Filter
from voxtrace.analysis.groups import MEASURED_OUTCOMES
from voxtrace.analysis.session_turns import HEADS, session_turns
from voxtrace.analysis.sessions import Session, summarised
from voxtrace.cli.column_pages import PAGE, column_pages, columns_of_rows
from voxtrace.errors import VoxtraceError
from voxtrace.store import RequestQuery, SessionQuery, SessionRow, SqliteStore

AT_ONCE = 5_000  # sessions of one query: below what SQLite takes of parameters
# Of one session: some 3 kB each while they are looked at. Its newest turns are.
MOST_TURNS = 20_000


class UnknownSession(VoxtraceError):
    """No session has that id, or the piece of an id fits more than one."""

    def __init__(self, session_id: str, alike: Sequence[str]) -> None:
        hint = f"it is a piece of several: {', '.join(alike)}" if alike else "`voxtrace sessions` lists those there are"
        super().__init__(f"no session {session_id!r}; {hint}")
        self.session_id, self.alike = session_id, tuple(alike)


def one_session(store: SqliteStore, session_id: str) -> SessionRow:
    """The session of that id, the only one that has it as a piece, or the newest for `last`.

    Raises:
        UnknownSession: there is none, or several.
    """
    row = store.session(session_id)
    if row is None and session_id == "last":
        row = next(iter(store.sessions(SessionQuery(limit=1))), None)
    if row is None:
        alike = store.find_sessions(session_id)
        row = store.session(alike[0]) if len(alike) == 1 else None
        if row is None:
            raise UnknownSession(session_id, alike)
    return row


def read_session(
    store: SqliteStore, row: SessionRow, most: int, now_wall_ns: int, where: Filter
) -> tuple[Session, Sequence[Columns]]:
    """One session in few numbers of the turns that fit, and the columns of its newest `most` turns, fitting or not."""
    pages = list(column_pages(store, RequestQuery(session_id=row.session_id), most))
    turns = session_turns(pages, first_place=first_place(row, most), now_wall_ns=now_wall_ns)
    if where.is_all:
        return summarised(row.session_id, turns, (row.turns, row.first_wall_ns, row.last_wall_ns)), pages
    known = fitting(pages, where)
    return summarised(row.session_id, [turn for turn in turns if turn.request_id in known]), pages


def fitting(pages: Iterable[Columns], where: Filter) -> frozenset[str]:
    """The requests that fit a filter; each keeps its place in the session."""
    return frozenset(page.request_ids[row] for page in pages for row in np.flatnonzero(where.rows(page)).tolist())


def first_place(row: SessionRow, most: int) -> int:
    """Place of the earliest turn that is looked at."""
    return max(row.turns - most, 0) + 1


def bundles(rows: Sequence[SessionRow]) -> Iterator[list[SessionRow]]:
    """Sessions that are read together: a page of turns at most, unless one alone is larger."""
    bundle: list[SessionRow] = []
    turns = 0
    for row in rows:
        if bundle and (turns + row.turns > PAGE or len(bundle) == AT_ONCE):
            yield bundle
            bundle, turns = [], 0
        bundle.append(row)
        turns += row.turns
    if bundle:
        yield bundle


def bundle_pages(store: SqliteStore, bundle: Sequence[SessionRow]) -> Iterator[Columns]:
    """The turns of these sessions."""
    if len(bundle) == 1:
        yield from column_pages(store, RequestQuery(session_id=bundle[0].session_id), MOST_TURNS)
        return
    ids = tuple(row.session_id for row in bundle)
    # More may have come since the sessions were counted.
    yield from columns_of_rows(store, store.records(RequestQuery(limit=2 * PAGE, session_ids=ids)))


class Looking:
    """In which sessions turns fit, and in which of them somebody waited longest by the best definition of each turn."""

    def __init__(self, where: Filter) -> None:
        self._choosing = Choosing(where)
        self._longest: dict[str, float] = {}  # below 0: of no turn that fits it is known

    def add(self, page: Columns) -> None:
        """Look through a page of turns of any sessions."""
        fits = self._choosing.rows(page)
        waited = waits(page, fits & page.with_label("outcome", MEASURED_OUTCOMES))
        for row in np.flatnonzero(fits).tolist():
            session = page.session_ids[row]
            if session is not None:
                self._longest[session] = max(self._longest.get(session, -1.0), float(waited[row]))

    def choice(self) -> Choice:
        """What the filter left.

        Raises:
            UnknownFilterName: nothing fits, and no turn has a name that the filter asks for.
            NoSuchTurns: nothing fits.
        """
        return self._choosing.choice()

    def with_turns(self, rows: Sequence[SessionRow]) -> list[SessionRow]:
        """Those of these sessions in which a turn fits."""
        return [row for row in rows if row.session_id in self._longest]

    def longest_first(self, rows: Sequence[SessionRow]) -> list[SessionRow]:
        """These sessions, those without any number last, equal ones as they were."""
        return sorted(rows, key=lambda row: -self._longest.get(row.session_id, -1.0))


def waits(page: Columns, rows: Bools) -> Floats:
    """How long somebody waited in each of `rows`; -1 where that is not known."""
    waited: Floats = np.full(len(page), -1.0)
    for kind, names in HEADS.items():
        of = rows & page.with_label("kind", [kind])
        for name in reversed(names):
            column = page.metrics.get(name)
            if column is not None:
                waited = np.where(of & ~np.isnan(column.values), column.values, waited)
    return waited
