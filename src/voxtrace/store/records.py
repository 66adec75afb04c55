"""Records into their table and out of it: bytes as they came, and texts as the numbers of words."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from itertools import islice

from voxtrace.events import NO_REQUEST
from voxtrace.store.append import Words
from voxtrace.store.ports import Record, RecordRow, RequestQuery

_WORD = "I" if array("I").itemsize == 4 else "L"
_TEXTS_PER_QUERY = 500
DERIVED_TABLES = ("derivations", "records", "steps", "clock_samples", "clock_gaps")


def put_record(db: sqlite3.Connection, words: Words, number: int, table: str, record: Record | None) -> None:
    """Keep a record of a request in its table, or none where there is none."""
    if record is None:
        db.execute(f"DELETE FROM {table} WHERE request = ?", (number,))
    else:
        packed = (number, record.numbers, _numbered(db, words, record.texts))
        db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", packed)


def _numbered(db: sqlite3.Connection, words: Words, texts: Sequence[str]) -> bytes:
    known, word = words.known, words.id_of
    numbers = array(_WORD, [known.get(text) or word(db, text) for text in texts])
    if array("H", [1]).tobytes() != b"\1\0":
        numbers.byteswap()
    return numbers.tobytes()


def query_conditions(query: RequestQuery) -> tuple[str, list[object]]:
    """The WHERE of a query over `requests r`, and its values."""
    conditions, values = ["r.request_id <> ?"], list[object]([NO_REQUEST])
    if query.before is not None:
        conditions.append("(r.started_wall_ns, r.request_id) < (?, ?)")
        values += query.before
    if query.session_id is not None:
        conditions.append("r.session_id = ?")
        values.append(query.session_id)
    if query.session_ids is not None:
        conditions.append(f"r.session_id IN ({','.join('?' * len(query.session_ids))})")
        values += query.session_ids
    if query.request_ids is not None:
        conditions.append(f"r.request_id IN ({','.join('?' * len(query.request_ids))})")
        values += query.request_ids
    if query.since_wall_ns is not None:
        conditions.append("r.started_wall_ns >= ?")
        values.append(query.since_wall_ns)
    if query.until_wall_ns is not None:
        conditions.append("r.started_wall_ns < ?")
        values.append(query.until_wall_ns)
    return " AND ".join(conditions), values


def select_records(db: sqlite3.Connection, query: RequestQuery, steps: bool) -> list[RecordRow]:
    """The newest records; a stale one is none."""
    where, values = query_conditions(query)
    # The join leaves out what was derived from other events than there are now.
    join = "LEFT JOIN records c ON c.request = r.id AND r.derived_from = r.event_count"
    columns = "c.numbers, c.words, NULL, NULL"
    if steps:
        columns, join = "c.numbers, c.words, s.numbers, s.words", f"{join} LEFT JOIN steps s ON s.request = c.request"
    return db.execute(
        f"SELECT r.request_id, r.session_id, r.started_wall_ns, {columns} FROM requests r {join} "
        f"WHERE {where} ORDER BY r.started_wall_ns DESC, r.request_id DESC LIMIT ?",
        (*values, query.limit),
    ).fetchall()


def select_texts(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    """The texts of these numbers; unknown ones are left out."""
    rest, found = iter(numbers), dict[int, str]()
    while asked := list(islice(rest, _TEXTS_PER_QUERY)):
        marks = ",".join("?" * len(asked))
        found |= dict(db.execute(f"SELECT id, text FROM words WHERE id IN ({marks})", asked))
    return found
