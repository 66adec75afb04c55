"""The store that everybody has: one SQLite file, written by several processes, read by any number."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from voxtrace.clock import Clock, SystemClock
from voxtrace.events import NO_REQUEST, Event
from voxtrace.events.gaps import Exchange, Gap
from voxtrace.store import append as tables
from voxtrace.store.connection import BUSY_TIMEOUT_S, Durability, move_aside, open_reader, open_writer, transaction
from voxtrace.store.errors import StoreBusy, StoreCorrupt, explained
from voxtrace.store.masked import masked
from voxtrace.store.ports import (
    Accounts,
    Appended,
    Derived,
    Position,
    Pruned,
    QuarantineRow,
    RecordRow,
    Rejected,
    RequestQuery,
    RequestRow,
    Retention,
    SessionCounts,
    SessionQuery,
    SessionRow,
)
from voxtrace.store.records import DERIVED_TABLES, put_record, query_conditions, select_records, select_texts
from voxtrace.store.retention import prune
from voxtrace.store.rows import SELECT_EVENTS, event_from_row, pack_document, unpack_document
from voxtrace.store.samples import ClockTables, select_near
from voxtrace.store.sessions import count_sessions, find_sessions, select_session, select_sessions

T = TypeVar("T")

# Of one statement's parameters; SQLite takes 32,766.
IDS_PER_QUERY = 500

_SELECT_ROW = """
    SELECT r.request_id, r.session_id, r.started_wall_ns, r.last_wall_ns, r.event_count, d.document,
           r.derived_from = r.event_count
    FROM requests r LEFT JOIN derivations d ON d.request = r.id"""


class SqliteStore:
    """Events, requests and derivations in one file. All methods may be called from any thread.

    Writing and reading have a connection each, so that looking never waits for storing; the one that reads
    can't write.
    """

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        durability: Durability = "normal",
        clock: Clock | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        """Open the store, and create it or bring it to the newest schema unless `readonly`.

        Raises:
            StoreError: it can't be opened; the class says why.
        """
        self.path = path
        self.damage: StoreCorrupt | None = None  # what was found broken in the file; see `begin_again`
        self._clock: Clock = clock or SystemClock()
        self._words = tables.Words()
        self._texts: dict[int, str] = {}
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._readonly, self._durability, self._busy_timeout_s = readonly, durability, busy_timeout_s
        self._open()

    def _open(self) -> None:
        with ExitStack() as undo:
            self._writer = None if self._readonly else open_writer(self.path, self._durability, self._busy_timeout_s)
            if self._writer is not None:
                undo.callback(self._writer.close)
            self._reader = open_reader(self.path, self._busy_timeout_s)
            undo.pop_all()

    def close(self) -> None:
        """Give the files back; the last process to close the store also folds the log into it."""
        with self._write_lock, self._read_lock:
            self._close()

    def _close(self) -> None:
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def begin_again(self) -> Path:
        """Move a damaged file aside and begin an empty one; nothing is deleted. Only for who owns the folder.

        Returns:
            Where the damaged file is now.
        """
        with self._write_lock, self._read_lock, explained(self.path):
            self._close()
            aside = move_aside(self.path, self._clock.wall_ns())
            self._words.forget()
            self._texts = {}
            self._open()
            self.damage = None
        return aside

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            raise TypeError("this store was opened to read only")
        with self._write_turn(), self._damage_noted(), ExitStack() as undo:
            undo.callback(self._words.forget)
            with transaction(self._writer) as db:
                yield db
            undo.pop_all()

    @contextmanager
    def _write_turn(self) -> Iterator[None]:
        # With a time-out of its own: threads that queue behind one that waits for another process wait no longer.
        if not self._write_lock.acquire(timeout=self._busy_timeout_s):
            raise StoreBusy(self.path)
        try:
            yield
        finally:
            self._write_lock.release()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._read_lock, self._damage_noted():
            yield self._reader

    @contextmanager
    def _damage_noted(self) -> Iterator[None]:
        try:
            with explained(self.path):
                yield
        except StoreCorrupt as damage:
            self.damage = damage
            raise

    # ---- events

    def append(
        self, events: Sequence[Event], *, rejected: Sequence[Rejected] = (), position: Position | None = None
    ) -> Appended:
        """See `ports.EventLog.append`."""
        try:
            return self._append(events, rejected, position)
        except (ValueError, TypeError, OverflowError, RecursionError, sqlite3.Error):
            # One event that no table can hold stops the whole batch; find it and put it aside.
            good, bad = tables.storable(events)
            if not bad:
                raise
            return self._append(good, (*rejected, *bad), position)

    def _append(self, events: Sequence[Event], rejected: Sequence[Rejected], position: Position | None) -> Appended:
        now = self._clock.wall_ns()
        notes = [event for event in events if event.name == tables.DROPPED]
        plain = [event for event in events if event.name != tables.DROPPED] if notes else events
        with self._writing() as db:
            stored = tables.insert_events(db, self._words, plain, now) if plain else 0
            dropped: defaultdict[str, int] = defaultdict(int)
            for note in notes:
                # One by one: a note that arrives twice must count once.
                if tables.insert_events(db, self._words, [note], now):
                    stored += 1
                    reason, count = tables.dropped_by(note)
                    dropped[reason] += count
            duplicate = len(events) - stored
            if rejected:
                tables.insert_rejected(db, rejected, now)
                tables.add_to_accounts(db, "rejected", tables.reasons_of(rejected))
            if dropped:
                tables.add_to_accounts(db, "dropped", dropped)
            received = len(events) + len(rejected) + sum(dropped.values())
            for kind, count in (("received", received), ("stored", stored), ("duplicate", duplicate)):
                tables.add_to_accounts(db, kind, {"": count})
            if position is not None:
                tables.put_position(db, position)
        return Appended(stored, duplicate, tuple(rejected))

    def forget_positions(self, sources: Iterable[str]) -> None:
        """Forget how far files were read that are gone."""
        with self._writing() as db:
            db.executemany("DELETE FROM positions WHERE source = ?", [(source,) for source in sources])

    def accounts(self) -> Accounts:
        return self.accounts_at_positions()[0]

    def accounts_at_positions(self) -> tuple[Accounts, dict[str, Position]]:
        with self._reading() as db:
            # One read transaction: a writer may commit between two statements.
            db.execute("BEGIN")
            try:
                counts = db.execute("SELECT kind, reason, count FROM accounts ORDER BY kind, reason").fetchall()
                positions = db.execute("SELECT source, identity, offset FROM positions").fetchall()
            finally:
                db.execute("ROLLBACK")
        return _accounts(counts), {row[0]: Position(*row) for row in positions}

    def quarantined(self, limit: int = 100) -> list[QuarantineRow]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT arrived_wall_ns, source, position, reason, detail, raw FROM quarantine "
                "ORDER BY id DESC LIMIT ?",
                (limit,),
            ).fetchall()
        # What was kept before records were masked is shown no more than what is kept now.
        kept = [QuarantineRow(*row) for row in rows]
        return [replace(row, raw=masked(row.raw)) for row in kept]

    # ---- requests

    def recent(self, query: RequestQuery) -> list[RequestRow]:
        where, values = query_conditions(query)
        order = " ORDER BY r.started_wall_ns DESC, r.request_id DESC LIMIT ?"
        with self._reading() as db:
            return [_row(each) for each in db.execute(f"{_SELECT_ROW} WHERE {where}{order}", (*values, query.limit))]

    def requests(self, request_ids: Iterable[str]) -> list[RequestRow]:
        rows: list[RequestRow] = []
        with self._reading() as db:
            for ids in _chunks(dict.fromkeys(request_ids), IDS_PER_QUERY):
                marks = ",".join("?" * len(ids))
                rows += map(_row, db.execute(f"{_SELECT_ROW} WHERE r.request_id IN ({marks})", ids))
        return sorted(rows, key=lambda row: row.cursor, reverse=True)

    def find(self, piece: str, limit: int = 10) -> list[str]:
        newest = "ORDER BY started_wall_ns DESC LIMIT ?"
        with self._reading() as db:
            # A range on the unique index; the end is the piece followed by the highest code point.
            begins = db.execute(
                f"SELECT request_id FROM requests WHERE request_id >= ? AND request_id < ? {newest}",
                (piece, piece + "\U0010ffff", limit),
            ).fetchall()
            rows = begins or db.execute(
                f"SELECT request_id FROM requests WHERE instr(request_id, ?) > 0 {newest}", (piece, limit)
            )
            return [row[0] for row in rows]

    def events_of(self, request_ids: Iterable[str]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        with self._reading() as db:
            for request_id in dict.fromkeys(request_ids):
                number = db.execute("SELECT id FROM requests WHERE request_id = ?", (request_id,)).fetchone()
                if number is not None:
                    rows = db.execute(SELECT_EVENTS, number).fetchall()
                    texts = self._texts_of(db, rows)
                    found[request_id] = [event_from_row(request_id, row, texts) for row in rows]
        return found

    def samples_near(self, gap: Gap) -> list[Exchange]:
        with self._reading() as db:
            return select_near(db, gap)

    def _texts_of(self, db: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> Mapping[int, str]:
        """The services, names and clocks of events: the same few come with every request, and none ever changes."""
        unknown = {number for row in rows for number in row[:3]} - self._texts.keys()
        if unknown:
            if len(self._texts) > tables.WORDS_CACHED:
                self._texts = {}
                unknown = {number for row in rows for number in row[:3]}
            self._texts |= select_texts(db, unknown)
        return self._texts

    # ---- sessions

    def sessions(self, query: SessionQuery) -> list[SessionRow]:
        with self._reading() as db:
            return select_sessions(db, query)

    def session(self, session_id: str) -> SessionRow | None:
        with self._reading() as db:
            return select_session(db, session_id)

    def find_sessions(self, piece: str, limit: int = 10) -> list[str]:
        with self._reading() as db:
            return find_sessions(db, piece, limit)

    def session_counts(self) -> SessionCounts:
        with self._reading() as db:
            return count_sessions(db)

    # ---- derivations

    def stale(self, limit: int, *, touched_before_wall_ns: int | None = None) -> list[str]:
        quiet = "" if touched_before_wall_ns is None else " AND touched_wall_ns < ?"
        values = (NO_REQUEST, *(() if touched_before_wall_ns is None else (touched_before_wall_ns,)), limit)
        with self._reading() as db:
            rows = db.execute(
                "SELECT request_id FROM requests WHERE derived_from <> event_count AND request_id <> ?"
                f"{quiet} ORDER BY touched_wall_ns DESC, id DESC LIMIT ?",
                values,
            ).fetchall()
        return [row[0] for row in rows]

    def put_derived(self, rows: Iterable[Derived]) -> int:
        kept = 0
        with self._writing() as db:
            clocks = ClockTables(db, self._words)
            for row in rows:
                number = db.execute(
                    "UPDATE requests SET derived_from = ? WHERE request_id = ? RETURNING id",
                    (row.event_count, row.request_id),
                ).fetchone()
                if number is None:
                    continue
                kept += 1
                put_record(db, self._words, int(number[0]), "records", row.record)
                put_record(db, self._words, int(number[0]), "steps", row.steps)
                clocks.put(int(number[0]), row)
                if row.document is None:
                    db.execute("DELETE FROM derivations WHERE request = ?", number)
                else:
                    db.execute(
                        "INSERT OR REPLACE INTO derivations VALUES (?, ?)", (*number, pack_document(row.document))
                    )
        return kept

    def records(self, query: RequestQuery, *, steps: bool = False) -> list[RecordRow]:
        with self._reading() as db:
            return select_records(db, query, steps)

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        with self._reading() as db:
            return select_texts(db, numbers)

    def forget_derived(self) -> int:
        with self._writing() as db:
            _forget_derived(db)
            counted = db.execute("SELECT COUNT(*) FROM requests WHERE request_id <> ?", (NO_REQUEST,))
            return int(counted.fetchone()[0])

    def use_definitions(self, version: int) -> int:
        with self._writing() as db:
            known = db.execute("SELECT value FROM facts WHERE name = 'definitions'").fetchone()
            if known == (str(version),):
                return 0
            db.execute("INSERT OR REPLACE INTO facts VALUES ('definitions', ?)", (str(version),))
            return _forget_derived(db)

    # ---- ownership

    def prune(self, retention: Retention) -> Pruned:
        return prune(self._writing, self._words, retention)


def _forget_derived(db: sqlite3.Connection) -> int:
    for table in DERIVED_TABLES:
        db.execute(f"DELETE FROM {table}")
    return db.execute("UPDATE requests SET derived_from = 0 WHERE derived_from <> 0").rowcount


def _accounts(rows: Iterable[tuple[str, str, int]]) -> Accounts:
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for kind, reason, count in rows:
        counts[kind][reason] = count
    return Accounts(
        received=counts["received"].get("", 0),
        stored=counts["stored"].get("", 0),
        duplicate=counts["duplicate"].get("", 0),
        rejected=counts["rejected"],
        dropped=counts["dropped"],
        forgotten=counts["forgotten"].get("", 0),
    )


def _row(row: tuple[str, str | None, int, int, int, bytes | None, int]) -> RequestRow:
    request_id, session_id, started, last, event_count, packed, is_fresh = row
    document = None if packed is None else unpack_document(packed)
    return RequestRow(request_id, session_id, started, last, event_count, document, bool(is_fresh))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
