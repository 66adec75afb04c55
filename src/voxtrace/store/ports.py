"""What the house needs from a place that remembers: records and four small ports.

Events are the only truth. Everything else in a store (what was derived, rows per request) can be built
again from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import asdict

from voxtrace.events import Event, Unreadable
from voxtrace.events.gaps import Exchange, Gap


class Rejected(Struct, frozen=True):
    """A record that can't be stored as an event, and where it stood."""

    unreadable: Unreadable
    source: str  # name of the file, or the ingest route
    position: int | None = None  # byte offset in a file, index in a batch


class Position(Struct, frozen=True):
    """How far a source has been read. It is stored in one transaction with what was read."""

    source: str  # name of the file
    identity: int  # the file's inode: a new file of an old name is read from its beginning
    offset: int  # bytes; always just behind a newline


class Appended(Struct, frozen=True):
    """What became of a batch."""

    stored: int
    duplicate: int  # the same event had been stored before
    rejected: tuple[Rejected, ...] = ()  # what the caller rejected, and events that hold what no store can keep


class RequestQuery(Struct, frozen=True):
    """Which requests, newest first."""

    limit: int = 20
    before: tuple[int, str] | None = None  # `RequestRow.cursor` of the last row of the page before
    session_id: str | None = None
    session_ids: tuple[str, ...] | None = None  # of any of these; at most a few hundred
    request_ids: tuple[str, ...] | None = None  # any of these; at most a few hundred
    since_wall_ns: int | None = None  # started at this time or later
    until_wall_ns: int | None = None  # started before this time


class RequestRow(Struct, frozen=True):
    """One request as the store knows it."""

    request_id: str
    session_id: str | None
    started_wall_ns: int  # of its earliest event
    last_wall_ns: int  # of its latest event
    event_count: int
    derived: str | None  # JSON of `analysis.derived`; None: not derived yet, or can't be (then `is_fresh`)
    is_fresh: bool = True  # False: events came after `derived` was computed

    @property
    def cursor(self) -> tuple[int, str]:
        """Where the next page begins; see `RequestQuery.before`."""
        return self.started_wall_ns, self.request_id


class SessionQuery(Struct, frozen=True):
    """Which sessions, by their last turn, newest first."""

    limit: int = 20
    since_wall_ns: int | None = None  # its last turn started at this time or later


class SessionRow(Struct, frozen=True):
    """One session as the store knows it."""

    session_id: str
    turns: int
    first_wall_ns: int  # start of its first turn
    last_wall_ns: int  # start of its last


class SessionCounts(Struct, frozen=True):
    """What is in a store."""

    sessions: int
    turns: int  # that belong to a session
    without: int  # turns of which nothing says to which session they belong


class Record(Struct, frozen=True):
    """What was computed, in a form that is read by the hundred thousand; a store knows nothing of its meaning."""

    numbers: bytes
    texts: tuple[str, ...]  # they repeat from request to request, and are kept once


ClockSample: TypeAlias = tuple[str, str, int, int, int]
"""Two domains of clocks in order of their names, and an exchange between them: see `events.gaps`."""


class Derived(Struct, frozen=True):
    """What was computed from the events of one request."""

    request_id: str
    event_count: int  # number of events it was computed from; another number in the store makes it stale
    document: str | None  # JSON; None: it can't be derived, and is not tried again before its events change
    record: Record | None = None
    steps: Record | None = None  # read apart, because few ask for it
    clock_samples: tuple[ClockSample, ...] = ()  # what it tells of clocks, for requests that tell nothing of them
    clock_gaps: tuple[tuple[Gap, list[Exchange]], ...] = ()  # what it asked of others, and was answered


RecordRow: TypeAlias = tuple[str, str | None, int, bytes | None, bytes | None, bytes | None, bytes | None]
"""Request id, session id, start; numbers and words of the record; numbers and words of the steps, where asked for.

None where the request has no record, or none of all its events. A word is a number of 32 bits, little-endian, for each
text; `Derivations.texts` knows them. Plain tuples: by the hundred thousand, anything else takes longer than reading.
"""


class QuarantineRow(Struct, frozen=True):
    """A record that could not be stored, kept for the person who looks into it."""

    arrived_wall_ns: int
    source: str
    position: int | None
    reason: str  # by which it is counted
    detail: str
    raw: bytes  # the shape of its first bytes: see `store.masked`


class Accounts(Struct, frozen=True):
    """What became of every event that ever arrived, over all restarts.

    Dropped events never arrived; their process counted them and said so, and they count as received here
    so that one line of arithmetic covers every event that ever happened.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)  # by reason
    dropped: Mapping[str, int] = field(default_factory=dict)  # by reason
    in_flight: int = 0  # received, and not yet decided
    forgotten: int = 0  # of the stored ones: removed again by retention

    @property
    def unaccounted(self) -> int:
        """Events that nobody can say anything about; anything but 0 is a bug of Voxtrace."""
        known = self.stored + self.duplicate + sum(self.rejected.values()) + sum(self.dropped.values())
        return self.received - known - self.in_flight

    def to_json(self) -> dict[str, object]:
        """The accounts as the routes of the collector and of the dashboard send them."""
        return {**asdict(self), "unaccounted": self.unaccounted}


class Retention(Struct, frozen=True):
    """What may be forgotten."""

    older_than_wall_ns: int | None = None  # requests whose last event is older
    max_bytes: int | None = None  # oldest requests go until the store is smaller
    arrived_before_wall_ns: int | None = None  # of the older ones, only those whose last event came in before


class Pruned(Struct, frozen=True):
    """What was forgotten."""

    requests: int
    events: int
    unmeasured: int  # of the requests: no number had been derived from them, or only from some of their events
    bytes_before: int
    bytes_after: int


class EventLog(Protocol):
    """Takes events in and accounts for them."""

    def append(
        self, events: Sequence[Event], *, rejected: Sequence[Rejected] = (), position: Position | None = None
    ) -> Appended:
        """Store a batch, what was rejected of it, and how far its source was read, all or nothing.

        An event is the same as another if request and event id are. Events that hold what no store can keep
        (an integer beyond 64 bits, a lone surrogate) go to the quarantine; the others are stored.

        Raises:
            StoreBusy: another process holds the store; try again.
            StoreFull: there is no space; nothing of the batch was stored.
        """
        ...

    def accounts(self) -> Accounts:
        """What became of every event that was stored or rejected so far; nothing is in flight here."""
        ...

    def accounts_at_positions(self) -> tuple[Accounts, dict[str, Position]]:
        """The accounts, and how far each source was read at that very moment, by the source's name."""
        ...

    def forget_positions(self, sources: Iterable[str]) -> None:
        """Forget how far sources were read that are gone."""
        ...

    def quarantined(self, limit: int = 100) -> list[QuarantineRow]:
        """The newest records that could not be stored, newest first."""
        ...


class RequestLog(Protocol):
    """Reads requests back."""

    def recent(self, query: RequestQuery) -> list[RequestRow]:
        """Requests, newest first."""
        ...

    def requests(self, request_ids: Iterable[str]) -> list[RequestRow]:
        """The rows of these requests, newest first; unknown ones are left out."""
        ...

    def events_of(self, request_ids: Iterable[str]) -> dict[str, list[Event]]:
        """All events of these requests, in order of wall time and sequence; unknown requests are left out."""
        ...

    def samples_near(self, gap: Gap) -> list[Exchange]:
        """What derived requests tell of two clocks, next to a gap and in order of time; see `Gap`."""
        ...

    def find(self, piece: str, limit: int = 10) -> list[str]:
        """Ids of the newest requests whose id begins with `piece`; where none does, of those that hold it."""
        ...


class SessionLog(Protocol):
    """Reads sessions back."""

    def sessions(self, query: SessionQuery) -> list[SessionRow]:
        """Sessions, newest first."""
        ...

    def session(self, session_id: str) -> SessionRow | None:
        """The session of exactly that id."""
        ...

    def find_sessions(self, piece: str, limit: int = 10) -> list[str]:
        """Ids of the newest sessions whose id begins with `piece`; where none does, of those that hold it."""
        ...

    def session_counts(self) -> SessionCounts:
        """How many sessions there are, and how many turns belong to none."""
        ...


class Derivations(Protocol):
    """Keeps what was computed from events."""

    def stale(self, limit: int, *, touched_before_wall_ns: int | None = None) -> list[str]:
        """Requests whose derivation is missing or out of date, those that changed last first.

        In that order because somebody may be looking at what happens now, while a log of last year is measured.

        `touched_before_wall_ns` leaves out requests to which events were added at that time or later.
        """
        ...

    def put_derived(self, rows: Iterable[Derived]) -> int:
        """Keep what was computed; rows of requests that are gone are left out.

        A request is stale again where the answers to its `clock_gaps` are no longer those it was computed from.

        Returns:
            The number of rows kept.
        """
        ...

    def records(self, query: RequestQuery, *, steps: bool = False) -> list[RecordRow]:
        """The records of requests, newest first; of requests without fresh ones, the rows without records."""
        ...

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """The texts behind the words of records."""
        ...

    def forget_derived(self) -> int:
        """Make every request stale.

        Returns:
            The number of all requests.
        """
        ...

    def use_definitions(self, version: int) -> int:
        """Say by which version of the definitions turns are derived; those of another version become stale.

        Returns:
            The number of requests that became stale.
        """
        ...


class Store(EventLog, RequestLog, SessionLog, Derivations, Protocol):
    """All four, and what only its owner does."""

    def prune(self, retention: Retention) -> Pruned:
        """Forget what may be forgotten, oldest requests first, in small transactions."""
        ...

    def close(self) -> None:
        """Give the store's files back."""
        ...
