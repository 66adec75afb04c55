"""How the commands that look at what happened get their turns out of a data folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console

from voxtrace.analysis import Measured, Turn, assemble
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN, crowd
from voxtrace.analysis.derived import from_json
from voxtrace.analysis.record import is_current
from voxtrace.cli.nearby import Neighbours
from voxtrace.cli.patience import Patience
from voxtrace.cli.take_in import keep_numbers, take_in_spool
from voxtrace.errors import VoxtraceError
from voxtrace.store import RequestQuery, SqliteStore, open_store
from voxtrace.store.ports import RequestRow

PAGE = 2000  # requests read at a time
MANY = 2000  # turns without numbers: from here on it pays to start processes, and to keep what they find
PIPED_WIDTH = 120  # columns where the output is no terminal


class UnknownRequest(VoxtraceError):
    """No request has that id, or the piece of an id fits more than one."""

    def __init__(self, request_id: str, alike: Sequence[str]) -> None:
        hint = f"it is a piece of several: {', '.join(alike)}" if alike else "`voxtrace requests` lists those there are"
        super().__init__(f"no request {request_id!r}; {hint}")
        self.request_id, self.alike = request_id, tuple(alike)


def open_for_reading(folder: Path) -> SqliteStore:
    """The store of a data folder, to look at, with what waited in its spool taken in.

    Raises:
        StoreError: there is none, or it can't be read.
    """
    take_in_spool(folder)
    return open_store(folder, readonly=True)


def open_measured(folder: Path) -> SqliteStore:
    """As `open_for_reading`, for who looks at very many: the numbers of all that is new are worked out, and kept.

    Raises:
        StoreError: there is none, or it can't be read.
    """
    take_in_spool(folder)
    store = open_store(folder, readonly=True)
    if len(store.stale(MANY)) < MANY and not _of_old_definitions(store):
        return store
    store.close()
    keep_numbers(folder)
    return open_store(folder, readonly=True)


def _of_old_definitions(store: SqliteStore) -> bool:
    newest = store.records(RequestQuery(limit=1))
    return any(numbers is not None and not is_current(numbers) for _, _, _, numbers, *_ in newest)


def measured_turns(store: SqliteStore, rows: Sequence[RequestRow]) -> list[Measured]:
    """The numbers of these requests, in the order of the rows.

    What was derived before is used where it is fresh and of this version; the rest is computed now.
    """
    known: dict[str, Measured] = {}
    for row in rows:
        if row.event_count > MAX_EVENTS_OF_A_TURN:
            known[row.request_id] = crowd(row.request_id, row.session_id, row.started_wall_ns, row.event_count)
            continue
        kept = from_json(row.derived) if row.derived is not None and row.is_fresh else None
        if kept is not None:
            known[row.request_id] = kept
    missing = {row.request_id: row for row in rows if row.request_id not in known}
    neighbours = Neighbours(store)
    for request_id, found in store.events_of(missing).items():
        known[request_id] = assemble(request_id, found, neighbours.of(missing[request_id]))
    return [known[row.request_id] for row in rows if row.request_id in known]


def turns_with_progress(store: SqliteStore, query: RequestQuery, most: int) -> Iterator[Measured]:
    """The newest turns, page by page, with a line of progress once it takes long."""
    read = 0
    with Patience("reading turns") as patience:
        while read < most:
            rows = store.recent(replace(query, limit=min(PAGE, most - read)))
            if not rows:
                break
            yield from measured_turns(store, rows)
            read += len(rows)
            query = replace(query, before=rows[-1].cursor)
            patience.at(read)


def one_turn(store: SqliteStore, request_id: str) -> Turn:
    """The turn of that id, or of the only id that has it as a piece.

    Raises:
        UnknownRequest: there is none, or several.
    """
    rows = store.requests([request_id])
    if not rows:
        alike = store.find(request_id)
        if len(alike) != 1:
            raise UnknownRequest(request_id, alike)
        rows = store.requests(alike)
    (row,) = rows
    if row.event_count > MAX_EVENTS_OF_A_TURN:
        return crowd(row.request_id, row.session_id, row.started_wall_ns, row.event_count)
    events = store.events_of([row.request_id])[row.request_id]
    return assemble(row.request_id, events, Neighbours(store).of(row))


def terminal() -> Console:
    """Where reports are printed: as wide as the terminal, without colours in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def slowest_first(turns: Iterable[Measured], names: dict[str, tuple[str, ...]]) -> list[Measured]:
    """Turns ordered by how long somebody waited; those for which that is not known come last."""

    def waited(turn: Measured) -> float:
        for name in names[turn.kind]:
            metric = turn.metrics.get(name)
            if metric is not None and metric.value is not None:
                return metric.value
        return -1.0

    return sorted(turns, key=waited, reverse=True)
