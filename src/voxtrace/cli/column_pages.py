"""Turns as columns out of a data folder, page by page: how the commands read that look at very many."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import structs

from voxtrace.analysis import Measured, assemble
from voxtrace.analysis.columns import Columns, Rows, columns_of, decode, read_steps, used_words
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.analysis.record import CURRENT, is_current, pack_steps
from voxtrace.analysis.whatif import Replayable, replayable
from voxtrace.cli.nearby import Neighbours
from voxtrace.cli.reading import measured_turns
from voxtrace.store import RecordRow, RequestQuery, RequestRow, SqliteStore

AnyTurn = TypeVar("AnyTurn", bound=Measured)

PAGE = (
    10_000  # requests: some 9 MB of records, which are read and forgotten; of fewer, each page costs more than it holds
)


def column_pages(store: SqliteStore, query: RequestQuery, most: int) -> Iterator[Columns]:
    """The newest `most` turns. What has no fresh record is measured now, and comes as a page of its own."""
    read = 0
    while read < most:
        rows = store.records(structs.replace(query, limit=min(PAGE, most - read)))
        if not rows:
            return
        yield from columns_of_rows(store, rows)
        read += len(rows)
        query = structs.replace(query, before=(rows[-1][2], rows[-1][0]))


def pages_with_steps(store: SqliteStore, query: RequestQuery, most: int) -> Iterator[tuple[Columns, list[Replayable]]]:
    """As `column_pages`, with what a replay needs of each turn."""
    read = 0
    while read < most:
        rows = store.records(structs.replace(query, limit=min(PAGE, most - read)), steps=True)
        if not rows:
            return
        fresh = [row for row in rows if _is_fresh(row) and row[5] is not None]
        if fresh:
            request_ids, session_ids, started, numbers, words, step_numbers, step_words = zip(*fresh, strict=True)
            packed = Rows(request_ids, session_ids, started, numbers, words)
            steps = structs.replace(packed, numbers=step_numbers, words=step_words)
            texts = store.texts({*used_words(packed), *used_words(steps)})
            columns = decode(packed, texts)
            yield columns, list(map(replayable, columns.totals.tolist(), *read_steps(steps, texts)))
        if len(fresh) < len(rows):
            known = {row[0] for row in fresh}
            yield from _measured_with_steps(store, [row[0] for row in rows if row[0] not in known])
        read += len(rows)
        query = structs.replace(query, before=(rows[-1][2], rows[-1][0]))


def _measured_with_steps(store: SqliteStore, request_ids: Sequence[str]) -> Iterator[tuple[Columns, list[Replayable]]]:
    """Turns without a fresh record, assembled now."""
    small = {row.request_id: row for row in store.requests(request_ids) if row.event_count <= MAX_EVENTS_OF_A_TURN}
    neighbours = Neighbours(store)
    turns = [
        _as_listed(assemble(request_id, events, neighbours.of(small[request_id])), small[request_id])
        for request_id, events in store.events_of(small).items()
    ]
    if turns:
        packed = [pack_steps(turn) for turn in turns]
        numbers = [array("d", each.numbers).tolist() for each in packed]
        texts = [each.texts for each in packed]
        yield columns_of(turns), list(map(replayable, [turn.total for turn in turns], numbers, texts))


def columns_of_rows(store: SqliteStore, rows: Sequence[RecordRow]) -> Iterator[Columns]:
    """The columns of these rows."""
    # `is_current` by hand: a call takes longer than the look.
    fresh = [row for row in rows if (head := row[3]) is not None and head.startswith(CURRENT)]
    if fresh:
        request_ids, session_ids, started, numbers, words, _, _ = zip(*fresh, strict=True)
        packed = Rows(request_ids, session_ids, started, numbers, words)
        yield decode(packed, store.texts(used_words(packed)))
    if len(fresh) < len(rows):
        known = {row[0] for row in fresh}
        listed = {row.request_id: row for row in store.requests(row[0] for row in rows if row[0] not in known)}
        turns = measured_turns(store, list(listed.values()))
        if turns:
            yield columns_of([_as_listed(turn, listed[turn.request_id]) for turn in turns])


def _as_listed(turn: AnyTurn, row: RequestRow) -> AnyTurn:
    """The turn as its record will be read: listed by its earliest reading of any clock, whatever its own start is."""
    return structs.replace(turn, started_wall_ns=row.started_wall_ns, session_id=row.session_id)


def _is_fresh(row: RecordRow) -> bool:
    return row[3] is not None and is_current(row[3])
