"""Events of files that somebody looks at once: held in memory, measured on every core, and kept nowhere.

`voxtrace report latency.log` reads so. A store holds the same events for later, and to write them and to read them
back takes longer than to measure them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from voxtrace.analysis.columns import Columns
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.collector.held.apart import Measuring
from voxtrace.collector.held.batch import (
    HeldTurn,
    MeasuredBatch,
    first_of_each_id,
    held_turn,
    pack_events,
    records_of,
    unpack_events,
)
from voxtrace.collector.held.clocks import Known
from voxtrace.collector.held.turns import Crowd, HeldTurns
from voxtrace.collector.measure_apart import MOST_PROCESSES
from voxtrace.collector.reading import usable_cores
from voxtrace.errors import VoxtraceError
from voxtrace.events import NO_REQUEST, Event
from voxtrace.events.gaps import Exchange, Gap
from voxtrace.events.plain import tidy
from voxtrace.store.append import DROPPED, dropped_by, storable
from voxtrace.store.ports import Accounts, Appended, ClockSample, Position, Rejected, RequestQuery

# Events that wait for more of their requests. Whatever comes later still counts: that request is measured again.
OPEN_EVENTS = 20_000
# Events that one process measures at a time: some 40 ms of work.
BATCH_EVENTS = 3_000
# Of packed events: those of a file of one and a half times that size.
MOST_BYTES = 1024**3


class TooMuchToHold(VoxtraceError):
    """The files hold more events than fit into memory."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"the events of these files take more than {most_bytes // 1024**2:,} MiB of memory; "
            "import them with `voxtrace import`, and `voxtrace report` reads them from the disk"
        )


class Held:
    """Takes events as `Importing` stores them, and answers with turns."""

    def __init__(
        self, processes: int | None = None, open_events: int = OPEN_EVENTS, most_bytes: int = MOST_BYTES
    ) -> None:
        """
        Args:
            processes: that measure beside this one; None: one for each core. They are started for many events only.
            open_events: how many wait for more of their requests.
            most_bytes: of packed events, before it refuses more.
        """
        self._most_open, self._most_bytes = open_events, most_bytes
        self._measuring = Measuring(min(processes or usable_cores(), MOST_PROCESSES))
        self._open: dict[str, list[Event]] = {}  # that got an event last stand last
        self._open_events = 0
        self._batches: list[bytes] = []
        self._batch_of: dict[str, int] = {}
        self._bytes = 0
        self._crowds: dict[str, Crowd] = {}
        self._turns = HeldTurns()
        self._samples: dict[str, list[ClockSample]] = {}
        self._gaps: dict[str, list[Gap]] = {}
        self._answers: dict[str, dict[Gap, list[Exchange]]] = {}
        self._received = 0
        self._notes: set[str] = set()
        self._rejected, self._dropped = Counter[str](), Counter[str]()

    def close(self) -> None:
        """End the processes."""
        self._measuring.close()

    # ---- what an import needs

    def append(
        self, events: Sequence[Event], *, rejected: Sequence[Rejected] = (), position: Position | None = None
    ) -> Appended:
        """Hold events.

        Raises:
            TooMuchToHold: there are too many.
            MeasuringBroke: a process that measured was killed.
        """
        self._received += len(events) + len(rejected)
        self._rejected.update(each.unreadable.reason for each in rejected)
        groups: dict[str, list[Event]] = {}
        for event in events:
            groups.setdefault(event.request_id, []).append(event)
        for note in groups.pop(NO_REQUEST, ()):
            if note.name == DROPPED and note.event_id not in self._notes:  # one that comes twice counts once
                self._notes.add(note.event_id)
                reason, count = dropped_by(note)
                self._dropped[reason] += count
        for request_id, group in groups.items():
            if (found := self._crowds.get(request_id)) is not None:
                found.add(group)
                continue
            known = self._open.pop(request_id, None)
            self._open[request_id] = group if known is None else known + group
            self._open_events += len(group)
        if self._open_events > 2 * self._most_open:
            self._dispatch(self._most_open)
        return Appended(len(events), 0, tuple(rejected))

    def accounts_at_positions(self) -> tuple[Accounts, dict[str, Position]]:
        """What became of the events. No file was ever read before."""
        return self.accounts(), {}

    def accounts(self) -> Accounts:
        """What became of the events."""
        dropped, rejected = sum(self._dropped.values()), sum(self._rejected.values())
        received = self._received + dropped
        return Accounts(received, self._received - rejected, 0, dict(self._rejected), dict(self._dropped))

    # ---- what a report needs

    def finish(self, on_progress: Callable[[int], None] = lambda turns: None) -> None:
        """Measure all that is left, and again what other requests tell something about.

        Raises:
            TooMuchToHold: there are too many.
            MeasuringBroke: a process that measured was killed.
        """
        self._dispatch(0)
        for measured in self._measuring.rest():
            self._take(measured)
            on_progress(len(self._turns))
        for request_id in self._crowds:  # they were turns, as long as fewer of their events were known
            self._samples.pop(request_id, None)
            self._gaps.pop(request_id, None)
        self._turns.take(records_of(found.turn(request_id) for request_id, found in self._crowds.items()))
        self._ask_others(on_progress)

    def pages(self, query: RequestQuery, most: int) -> Iterator[Columns]:
        """The newest turns, newest first, of a session and a time if the query names them."""
        return self._turns.pages(query, most)

    @property
    def all_turns(self) -> HeldTurns:
        """The records of all."""
        return self._turns

    def turns(self, request_ids: Iterable[str]) -> list[HeldTurn]:
        """These turns with their steps, in this order; unknown ones are left out."""
        unpacked = _Unpacked(self._batches)
        found: list[HeldTurn] = []
        for request_id in request_ids:
            if request_id in self._crowds:
                found.append(self._crowds[request_id].turn(request_id))
            elif request_id in self._turns:
                events = unpacked[self._batch_of[request_id]][request_id]
                found.append(held_turn(request_id, events, self._answers.get(request_id, {}))[0])
        return found

    # ----

    def _dispatch(self, leave: int) -> None:
        """Give what has waited longest to those that measure, until so many events are left."""
        unpacked, batch, size = _Unpacked(self._batches), dict[str, list[Event]](), 0
        while self._open_events > leave:
            request_id = next(iter(self._open))
            events = self._open.pop(request_id)
            self._open_events -= len(events)
            if (before := self._batch_of.get(request_id)) is not None:
                events = unpacked[before][request_id] + events
            if len(events) > MAX_EVENTS_OF_A_TURN:
                events = list(first_of_each_id(events))
                if len(events) > MAX_EVENTS_OF_A_TURN:
                    self._crowds[request_id] = Crowd(events)
                    continue
            batch[request_id] = events
            size += len(events)
            if size >= BATCH_EVENTS:
                self._measure(batch)
                batch, size = {}, 0
        if batch:
            self._measure(batch)

    def _measure(self, batch: Mapping[str, Sequence[Event]]) -> None:
        try:
            packed = pack_events(batch)
        except (ValueError, TypeError, OverflowError, RecursionError):
            # An importer let through what nothing can keep: such events are refused one by one, as by a store.
            batch = {request_id: kept for request_id, of in batch.items() if (kept := self._storable(of))}
            packed = pack_events(batch)
        self._batch_of.update(dict.fromkeys(batch, len(self._batches)))
        self._batches.append(packed)
        self._bytes += len(packed)
        if self._bytes > self._most_bytes:
            raise TooMuchToHold(self._most_bytes)
        for measured in self._measuring.give(packed):
            self._take(measured)

    def _storable(self, events: Sequence[Event]) -> list[Event]:
        good, bad = storable(events)
        self._rejected.update(each.unreadable.reason for each in bad)
        return [event._replace(metadata=tidy(event.metadata)) for event in good]

    def _take(self, measured: MeasuredBatch) -> None:
        self._turns.take(measured)
        if self._samples or self._gaps:  # what was said of these requests before is not true any more
            for request_id in (*measured.request_ids, *measured.failed):
                self._samples.pop(request_id, None)
                self._gaps.pop(request_id, None)
        self._samples |= measured.samples
        self._gaps |= measured.gaps

    def _ask_others(self, on_progress: Callable[[int], None]) -> None:
        """Measure again those turns that asked about clocks, where others have told something of these meanwhile."""
        known = Known(sample for samples in self._samples.values() for sample in samples)
        again: dict[int, dict[str, dict[Gap, list[Exchange]]]] = {}
        for request_id, gaps in self._gaps.items():
            answers = {gap: found for gap in gaps if (found := known.near(gap))}
            if answers:
                self._answers[request_id] = answers
                again.setdefault(self._batch_of[request_id], {})[request_id] = answers
        done = len(self._turns)
        for number, of_batch in again.items():
            for measured in self._measuring.give(self._batches[number], of_batch):
                self._turns.take(measured)
            done += len(of_batch)
            on_progress(done)
        for measured in self._measuring.rest():
            self._turns.take(measured)


class _Unpacked(dict[int, dict[str, list[Event]]]):
    """Batches that were looked into, by their numbers."""

    def __init__(self, batches: Sequence[bytes]) -> None:
        super().__init__()
        self._batches = batches

    def __missing__(self, number: int) -> dict[str, list[Event]]:
        self[number] = unpack_events(self._batches[number])
        return self[number]
