"""One batch into the tables, inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from voxtrace.events import Event, Unreadable
from voxtrace.store.masked import masked
from voxtrace.store.ports import Position, Rejected
from voxtrace.store.rows import EventRow, key_of, known_id, metadata_text, why_unstorable

# Rows kept for people; the counts by reason are kept for ever.
QUARANTINE_ROWS = 10_000
WORDS_CACHED = 65_536

# An event that says how many others its process dropped.
DROPPED = "sdk.dropped"

_INSERT_EVENT = """
    INSERT INTO events(request, key, wall_ns, mono_ns, seq, service, name, clock, session_id, event_id, metadata)
    VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"""

_UPSERT_REQUEST = """
    INSERT INTO requests(request_id, session_id, started_wall_ns, last_wall_ns, touched_wall_ns, event_count)
    VALUES (?,?,?,?,?,?)
    ON CONFLICT(request_id) DO UPDATE SET
        session_id = COALESCE(session_id, excluded.session_id),
        started_wall_ns = MIN(started_wall_ns, excluded.started_wall_ns),
        last_wall_ns = MAX(last_wall_ns, excluded.last_wall_ns),
        touched_wall_ns = excluded.touched_wall_ns,
        event_count = event_count + excluded.event_count"""

_RECOUNT_REQUEST = """
    UPDATE requests SET (event_count, started_wall_ns, last_wall_ns) =
        (SELECT COUNT(*), MIN(wall_ns), MAX(wall_ns) FROM events WHERE request = requests.id)
    WHERE id = ?"""


class Words:
    """Numbers of texts that repeat. Words are never deleted, so what is known stays true for all processes."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}  # number by text; numbers count from 1

    def forget(self) -> None:
        """After a transaction that did not commit: the numbers it gave away are not in the store."""
        self.known.clear()

    def id_of(self, db: sqlite3.Connection, text: str) -> int:
        """The number of `text`, given now if it has none."""
        known = self.known.get(text)
        if known is not None:
            return known
        if len(self.known) >= WORDS_CACHED:
            self.known.clear()
        db.execute("INSERT INTO words(text) VALUES (?) ON CONFLICT DO NOTHING", (text,))
        number = int(db.execute("SELECT id FROM words WHERE text = ?", (text,)).fetchone()[0])
        self.known[text] = number
        return number


def insert_events(db: sqlite3.Connection, words: Words, events: Sequence[Event], now_wall_ns: int) -> int:
    """Insert a batch and keep the rows of its requests true.

    Returns:
        How many events were new.
    """
    groups: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        groups[event.request_id].append(event)
    # RETURNING would give the numbers at once, at twice the price of asking for them.
    db.executemany(_UPSERT_REQUEST, [_request_row(group, now_wall_ns) for group in groups.values()])
    select = "SELECT id FROM requests WHERE request_id = ?"
    numbers = [int(db.execute(select, (request_id,)).fetchone()[0]) for request_id in groups]
    rows: list[EventRow] = []
    for number, group in zip(numbers, groups.values(), strict=True):
        _add_rows(db, words, number, group, rows)
    before = db.total_changes
    db.executemany(_INSERT_EVENT, rows)
    stored = db.total_changes - before
    if stored != len(rows):
        # Some were there already, so what the upsert assumed is wrong for some of these requests.
        db.executemany(_RECOUNT_REQUEST, [(number,) for number in numbers])
    return stored


def _request_row(group: Sequence[Event], now_wall_ns: int) -> tuple[str, str | None, int, int, int, int]:
    walls = [event.wall_ns for event in group]
    session_id = next((event.session_id for event in group if event.session_id is not None), None)
    return group[0].request_id, session_id, min(walls), max(walls), now_wall_ns, len(group)


def _add_rows(db: sqlite3.Connection, words: Words, number: int, group: Iterable[Event], rows: list[EventRow]) -> None:
    known, word = words.known, words.id_of
    for _, service, name, wall_ns, event_id, mono_ns, clock, seq, session_id, metadata in group:
        key = key_of(event_id)
        # The id is stored only where `known_id` could not make it from what is stored anyway.
        own_id = None if event_id == known_id(key, clock, seq) else event_id
        rows.append(
            (
                number,
                key,
                wall_ns,
                mono_ns,
                seq,
                known.get(service) or word(db, service),
                known.get(name) or word(db, name),
                known.get(clock) or word(db, clock),
                session_id,
                own_id,
                metadata_text(metadata) if metadata else None,
            )
        )


def storable(events: Sequence[Event]) -> tuple[list[Event], list[Rejected]]:
    """The events that a store can keep, and the others."""
    good: list[Event] = []
    bad: list[Rejected] = []
    for index, event in enumerate(events):
        why = why_unstorable(event)
        if why:
            bad.append(Rejected(Unreadable("unstorable", why, _told(event)), "events", index))
        else:
            good.append(event)
    return good, bad


def _told(event: Event) -> bytes:
    """The event as JSON, whatever it holds; nothing where it holds what JSON has no names for."""
    try:
        return json.dumps(event._asdict(), default=lambda each: type(each).__name__).encode("ascii")
    except (ValueError, TypeError, RecursionError):
        return b""


def insert_rejected(db: sqlite3.Connection, rejected: Sequence[Rejected], now_wall_ns: int) -> None:
    """Keep the newest rejected records for people: where each stood, why, how long it was, and its shape."""
    db.executemany(
        "INSERT INTO quarantine(arrived_wall_ns, source, position, reason, detail, raw) VALUES (?,?,?,?,?,?)",
        [
            (now_wall_ns, each.source, each.position, each.unreadable.reason, *_plain_text(each))
            for each in rejected[-QUARANTINE_ROWS:]
        ],
    )
    db.execute("DELETE FROM quarantine WHERE id <= (SELECT MAX(id) FROM quarantine) - ?", (QUARANTINE_ROWS,))


def _plain_text(rejected: Rejected) -> tuple[str, bytes]:
    detail = rejected.unreadable.detail.encode("utf-8", "replace").decode("utf-8")
    length = rejected.unreadable.length or len(rejected.unreadable.raw)
    return f"{detail[:500]} ({length:,} bytes)", masked(rejected.unreadable.raw)


def put_position(db: sqlite3.Connection, position: Position) -> None:
    """Remember how far a source was read."""
    db.execute(
        "INSERT INTO positions(source, identity, offset) VALUES (?,?,?) "
        "ON CONFLICT(source) DO UPDATE SET identity = excluded.identity, offset = excluded.offset",
        (position.source, position.identity, position.offset),
    )


def add_to_accounts(db: sqlite3.Connection, kind: str, counts: Mapping[str, int]) -> None:
    """Add to the counters of one kind, by reason ("" where there is none)."""
    db.executemany(
        "INSERT INTO accounts(kind, reason, count) VALUES (?,?,?) "
        "ON CONFLICT(kind, reason) DO UPDATE SET count = count + excluded.count",
        [(kind, reason, count) for reason, count in counts.items() if count],
    )


def reasons_of(rejected: Iterable[Rejected]) -> Counter[str]:
    """How often each reason occurs."""
    return Counter(each.unreadable.reason for each in rejected)


def dropped_by(note: Event) -> tuple[str, int]:
    """Reason and number of the events that a process says it dropped."""
    count = note.metadata.get("count")
    reason = note.metadata.get("reason")
    sound = type(count) is int and count > 0
    return (reason if isinstance(reason, str) else "buffer_full")[:64], count if sound and isinstance(count, int) else 0
