"""Foreign files into the store: each file whole, or what could be read of it and the reason why no more.

A file of fewer than `PIECE_EVENTS` events is one transaction. A longer one is stored piece by piece, because
one transaction over gigabytes would lock everybody else out for minutes; each piece moves the file's
position in the same transaction, and an event's id comes from what it says. So an import that was cut off
is seen (`unfinished`), and doing it again stores the rest and nothing twice. A file whose reading breaks off gives
what stood in front of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Literal, Protocol

from msgspec import Struct, field

from voxtrace.collector.reading import Batch, Opened, ReadOptions, read_source
from voxtrace.collector.sources import Source, SourceUnreadable
from voxtrace.events import Event
from voxtrace.importers import HoldsNoEvents, Note, Refused
from voxtrace.store.ports import Accounts, Appended, Position, Rejected

# Events held in memory and stored in one transaction: about 20 MiB and a fifth of a second.
PIECE_EVENTS = 20_000
EXAMPLES_KEPT = 3  # of unreadable records, for the summary

# Prefixes of a position's source; a colon can't be in the name of a spool.
RUNNING, FINISHED = "import-running:", "import:"


class Sink(Protocol):
    """The part of an `EventLog` that an import writes to."""

    def append(
        self, events: Sequence[Event], *, rejected: Sequence[Rejected] = (), position: Position | None = None
    ) -> Appended:
        """See `EventLog.append`."""
        ...

    def accounts_at_positions(self) -> tuple[Accounts, dict[str, Position]]:
        """See `EventLog.accounts_at_positions`."""
        ...


Outcome = Literal["interrupted", "imported", "skipped", "failed"]


class FileReport(Struct):
    """What became of one file."""

    label: str
    outcome: Outcome = "interrupted"  # until it is known
    format: str = ""
    why: str = ""  # it was skipped, or failed
    read: int = 0  # events
    stored: int = 0
    duplicate: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)  # records by reason
    examples: list[str] = field(default_factory=list)  # of unreadable ones
    notes: list[Note] = field(default_factory=list)

    def count(self, refused: Refused) -> None:
        """Count a record that could not be read."""
        self.unreadable[refused.unreadable.reason] += 1
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(f"{refused.unreadable.reason}: {refused.unreadable.detail}")


class Importing:
    """One run of `voxtrace import`."""

    def __init__(self, log: Sink | None, options: ReadOptions, piece_events: int = PIECE_EVENTS) -> None:
        """`log` takes the events; without one everything is read and nothing is stored."""
        self._log, self._options, self._piece_events = log, options, piece_events
        # Read once: there may be as many as files were ever imported.
        self._positions = log.accounts_at_positions()[1] if log is not None else {}

    def read(self, source: Source, on_bytes: Callable[[int], None] | None = None) -> Iterator[FileReport]:
        """Import one source. Its report comes out at once, after each piece and, complete, at the end.

        `on_bytes` hears the number of bytes read from the disk each time.

        Raises:
            StoreError: the store can't take more. What was stored of a long file stays; `unfinished` tells.
        """
        report = FileReport(source.label)
        yield report
        try:
            reading = read_source(source, self._options, on_bytes or (lambda _count: None))
            with closing(reading):
                place = _Place(source, self._positions)
                for piece in self._pieces(reading, place, report):
                    self._store(piece, place, report)
                    yield report
            report.outcome = "imported"
        except HoldsNoEvents as why:
            report.outcome, report.why = "skipped", why.why
        except SourceUnreadable as why:
            report.outcome, report.why = "failed", why.why
        if report.outcome == "imported" and not report.read:
            report.outcome, report.why = "skipped", "not one record of it could be read"
        yield report

    def read_all(
        self,
        sources: Iterable[Source | SourceUnreadable],
        on_open: Callable[[Source], None],
        on_bytes: Callable[[int], None],
    ) -> Iterator[FileReport]:
        """One report for each source, as soon as something of it is stored; it is complete when the next comes out."""
        for source in sources:
            if isinstance(source, SourceUnreadable):
                yield FileReport(source.label, "failed", why=source.why)
                continue
            on_open(source)
            known: FileReport | None = None
            for report in self.read(source, on_bytes):
                if known is None:
                    known = report
                    yield report

    def _pieces(self, reading: Iterable[Opened | Batch], place: _Place, report: FileReport) -> Iterator[_Piece]:
        """What was read by the piece, counted. The last piece may be empty."""
        piece = _Piece()
        try:
            for read in reading:
                if isinstance(read, Opened):
                    report.format = read.format
                    place.identify(read.identity)
                    continue
                events = [item for item in read.items if isinstance(item, Event)]
                piece.events += events
                if len(events) != len(read.items):
                    for item in read.items:
                        if isinstance(item, Refused):
                            report.count(item)
                            piece.refused.append(item)
                        elif isinstance(item, Note):
                            report.notes.append(item)
                place.offset = read.offset
                if max(len(piece.events), len(piece.refused)) >= self._piece_events:
                    report.read += len(piece.events)
                    yield piece
                    piece = _Piece()
        except SourceUnreadable:
            # What stands in front of the break happened, in whatever piece it is.
            if piece.events or piece.refused:
                report.read += len(piece.events)
                yield piece
            raise
        piece.is_last = True
        report.read += len(piece.events)
        yield piece

    def _store(self, piece: _Piece, place: _Place, report: FileReport) -> None:
        if self._log is None or not (piece.events or piece.refused or place.is_long):
            return
        rejected = [Rejected(bad.unreadable, report.label, bad.offset) for bad in place.unknown(piece.refused)]
        place.is_long |= not piece.is_last
        done = self._log.append(piece.events, rejected=rejected, position=place.reached(RUNNING, rejected))
        report.stored += done.stored
        report.duplicate += done.duplicate
        if piece.is_last and (position := place.reached(FINISHED, rejected)):
            self._log.append([], position=position)


def unfinished(positions: Mapping[str, Position]) -> list[str]:
    """Files whose import was cut off, so that only their beginning is in the store."""
    names = (source.removeprefix(RUNNING) for source in positions if source.startswith(RUNNING))
    return sorted(name for name in names if not _came_to_its_end(positions, name))


def _came_to_its_end(positions: Mapping[str, Position], name: str) -> bool:
    running, finished = positions[RUNNING + name], positions.get(FINISHED + name)
    return finished is not None and (finished.identity, finished.offset) == (running.identity, running.offset)


class _Piece(Struct):
    events: list[Event] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    is_last: bool = False


class _Place:
    """Where in a file we are, and how far it was imported before."""

    def __init__(self, source: Source, positions: Mapping[str, Position]) -> None:
        self.is_long = False  # stored in more than one piece
        self.offset = 0  # bytes, unpacked
        self._name = str(source.path) if source.file is not None else ""
        self._before = positions.get(FINISHED + self._name)
        self._identity = 0
        self._known_to = 0

    def identify(self, identity: int) -> None:
        """What the content is, as far as its beginning tells."""
        self._identity = identity
        self._known_to = self._before.offset if self._before and self._before.identity == identity else 0

    def unknown(self, refused: Iterable[Refused]) -> list[Refused]:
        """Those that no earlier import of this file has put into the quarantine."""
        return [each for each in refused if each.offset >= self._known_to]

    def reached(self, prefix: str, rejected: Sequence[Rejected]) -> Position | None:
        """The position to store; a short file without a bad record needs none."""
        if not self._name or not (self.is_long or rejected):
            return None
        return Position(prefix + self._name, self._identity, self.offset)
