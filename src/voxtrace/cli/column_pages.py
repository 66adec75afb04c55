"""Turns as columns out of a data folder, page by page: how the commands read that look at very many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from voxtrace.analysis.columns import Columns, Rows, columns_of, decode, used_words
from voxtrace.analysis.record import is_current
from voxtrace.cli.reading import measured_turns
from voxtrace.store import RecordRow, RequestQuery, SqliteStore

PAGE = 5_000  # requests: some 4 MB of records, which are read and forgotten


def column_pages(store: SqliteStore, query: RequestQuery, most: int) -> Iterator[Columns]:
    """The newest `most` turns. What has no fresh record is measured now, and comes as a page of its own."""
    read = 0
    while read < most:
        rows = store.records(replace(query, limit=min(PAGE, most - read)))
        if not rows:
            return
        yield from columns_of_rows(store, rows)
        read += len(rows)
        query = replace(query, before=(rows[-1][2], rows[-1][0]))


def columns_of_rows(store: SqliteStore, rows: Sequence[RecordRow]) -> Iterator[Columns]:
    """The columns of these rows."""
    fresh = rows if all(map(_is_fresh, rows)) else [row for row in rows if _is_fresh(row)]
    if fresh:
        request_ids, session_ids, started, numbers, words, _, _ = zip(*fresh, strict=True)
        packed = Rows(request_ids, session_ids, started, numbers, words)
        yield decode(packed, store.texts(used_words(packed)))
    if len(fresh) < len(rows):
        known = {row[0] for row in fresh}
        turns = measured_turns(store, store.requests(row[0] for row in rows if row[0] not in known))
        if turns:
            yield columns_of(turns)


def _is_fresh(row: RecordRow) -> bool:
    return row[3] is not None and is_current(row[3])
