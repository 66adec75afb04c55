"""Lists of requests: filtered here, page by page, newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voxtrace.analysis import Measured
from voxtrace.dashboard.reading import Reader, row_to_json
from voxtrace.errors import VoxtraceError
from voxtrace.store import RequestQuery, RequestRow

MAX_LIMIT = 200
BATCH = 500  # rows read at a time
MAX_SEARCHED = 5_000  # rows per answer; a page that found too little offers to search on from there
NEIGHBOURHOOD = 500  # requests among which the next newer one is looked for

Cursor = tuple[int, str]


class BadCursor(VoxtraceError):
    """A page's address does not come from us."""

    def __init__(self, text: str) -> None:
        super().__init__(f"before={text!r} is no place in the list; leave it out to begin at the newest request")
        self.text = text


@dataclass(frozen=True, slots=True)
class Search:
    """Which requests a viewer wants; an empty filter lets everything pass."""

    limit: int = 50
    before: Cursor | None = None
    since_wall_ns: int | None = None
    until_wall_ns: int | None = None
    text: str = ""  # in the id, the session, the voice, the engine or the error
    outcome: str = ""
    voice: str = ""
    cache: str = ""
    source: str = "real"
    metric: str = "ttfa_ms"
    at_least: float | None = None  # of `metric`
    less_than: float | None = None

    @property
    def needs_numbers(self) -> bool:
        """Whether a request that is not measured yet can't be what is looked for."""
        return bool(self.outcome or self.voice or self.cache or self.at_least is not None or self.less_than is not None)


def write_cursor(cursor: Cursor) -> str:
    """A place in the list as one word of an address."""
    return f"{cursor[0]}.{cursor[1]}"


def read_cursor(text: str) -> Cursor:
    """What `write_cursor` wrote.

    Raises:
        BadCursor: it did not.
    """
    wall, dot, request_id = text.partition(".")
    if not dot or not wall.isascii() or not wall.isdigit() or len(wall) > 19:
        raise BadCursor(text)
    return int(wall), request_id


def find(reader: Reader, search: Search) -> dict[str, Any]:
    """One page: its rows, how many were searched for them, and where the next page begins."""
    matches = _matcher(search)
    found: list[dict[str, Any]] = []
    searched = 0
    at: Cursor | None = search.before
    if search.until_wall_ns is not None and (at is None or at[0] > search.until_wall_ns):
        at = (search.until_wall_ns, "")
    ended = False
    while len(found) < search.limit and searched < MAX_SEARCHED and not ended:
        rows = reader.store.recent(RequestQuery(limit=BATCH, before=at, since_wall_ns=search.since_wall_ns))
        ended = len(rows) < BATCH
        for row in rows:
            searched, at = searched + 1, row.cursor
            turn = reader.turn_of(row)
            if matches(row, turn):
                found.append(row_to_json(row, turn))
                if len(found) == search.limit:
                    ended = ended and row is rows[-1]
                    break
    return {"rows": found, "searched": searched, "next": None if ended or at is None else write_cursor(at)}


def neighbours(reader: Reader, request_id: str) -> dict[str, str | None]:
    """The requests that began just before and just after one."""
    store = reader.store
    row = next(iter(store.requests([request_id])), None)
    if row is None:
        return {"older": None, "newer": None}
    older = next(iter(store.recent(RequestQuery(limit=1, before=row.cursor))), None)
    later = store.recent(RequestQuery(limit=NEIGHBOURHOOD, since_wall_ns=row.started_wall_ns))
    ids = [each.request_id for each in later]
    place = ids.index(request_id) if request_id in ids else 0
    return {"older": older.request_id if older else None, "newer": ids[place - 1] if place else None}


def _matcher(search: Search) -> Callable[[RequestRow, Measured | None], bool]:
    wanted = search.text.casefold()

    def matches(row: RequestRow, turn: Measured | None) -> bool:
        if turn is None:
            return not search.needs_numbers and wanted in f"{row.request_id} {row.session_id or ''}".casefold()
        labels = turn.labels
        for asked, is_so in (
            (search.source, labels.source),
            (search.outcome, labels.outcome),
            (search.voice, labels.voice),
            (search.cache, labels.cache),
        ):
            if asked and asked != is_so:
                return False
        about = (row.request_id, row.session_id or "", labels.voice, labels.engine, labels.error)
        return any(wanted in each.casefold() for each in about) and _within(search, turn)

    return matches


def _within(search: Search, turn: Measured) -> bool:
    if search.at_least is None and search.less_than is None:
        return True
    metric = turn.metrics.get(search.metric)
    if metric is None or metric.value is None:
        return False
    over = search.at_least is None or metric.value >= search.at_least
    return over and (search.less_than is None or metric.value < search.less_than)
