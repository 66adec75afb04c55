"""Sessions out of the table of requests; every query here is answered by one index."""

from __future__ import annotations

import sqlite3

from voxtrace.events import NO_REQUEST
from voxtrace.store.ports import SessionCounts, SessionQuery, SessionRow

# The row of events without a request is no turn. Its number stands in every index, its id does not.
_TURNS = """requests r WHERE r.session_id > ''
    AND r.id <> COALESCE((SELECT id FROM requests WHERE request_id = ?), -1)"""
_ROWS = "r.session_id, COUNT(*), MIN(r.started_wall_ns), MAX(r.started_wall_ns)"


def select_sessions(db: sqlite3.Connection, query: SessionQuery) -> list[SessionRow]:
    """The sessions whose last turn is newest, that one first."""
    having, values = "", list[object]([NO_REQUEST])
    if query.since_wall_ns is not None:
        having = "HAVING MAX(r.started_wall_ns) >= ?"
        values.append(query.since_wall_ns)
    rows = db.execute(
        f"SELECT {_ROWS} FROM {_TURNS} GROUP BY r.session_id {having} ORDER BY 4 DESC, 1 DESC LIMIT ?",
        (*values, query.limit),
    )
    return [SessionRow(*row) for row in rows]


def select_session(db: sqlite3.Connection, session_id: str) -> SessionRow | None:
    """The session of exactly that id."""
    row = db.execute(
        f"SELECT {_ROWS} FROM {_TURNS} AND r.session_id = ? GROUP BY r.session_id", (NO_REQUEST, session_id)
    ).fetchone()
    return None if row is None else SessionRow(*row)


def find_sessions(db: sqlite3.Connection, piece: str, limit: int) -> list[str]:
    """Ids that begin with `piece`, newest first; where none does, those that hold it."""
    newest = "GROUP BY r.session_id ORDER BY MAX(r.started_wall_ns) DESC, r.session_id DESC LIMIT ?"
    # The end of the range is the piece followed by the highest code point.
    begins = db.execute(
        f"SELECT r.session_id FROM {_TURNS} AND r.session_id >= ? AND r.session_id < ? {newest}",
        (NO_REQUEST, piece, piece + "\U0010ffff", limit),
    ).fetchall()
    rows = begins or db.execute(
        f"SELECT r.session_id FROM {_TURNS} AND instr(r.session_id, ?) > 0 {newest}", (NO_REQUEST, piece, limit)
    )
    return [row[0] for row in rows]


def count_sessions(db: sqlite3.Connection) -> SessionCounts:
    """How many there are, and how many turns belong to none."""
    sessions, turns = db.execute(
        f"SELECT COUNT(DISTINCT r.session_id), COUNT(*) FROM {_TURNS}", (NO_REQUEST,)
    ).fetchone()
    (requests,) = db.execute("SELECT COUNT(*) FROM requests WHERE request_id <> ?", (NO_REQUEST,)).fetchone()
    return SessionCounts(sessions, turns, requests - turns)
