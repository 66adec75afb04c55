"""Events of files that somebody looks at once: held in memory, measured on every core, and kept nowhere.

`voxtrace report latency.log` reads so. A store holds the same events for later, and to write them and to read them
back takes longer than to measure them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from voxtrace.analysis.columns import Columns, Rows, decode
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN, crowd
from voxtrace.analysis.model import Turn
from voxtrace.collector.held_batch import MeasuredBatch, measure_batch, pack_events, records_of, unpack_events
from voxtrace.collector.measure_apart import MOST_PROCESSES, begin_apart
from voxtrace.collector.reading import usable_cores
from voxtrace.errors import VoxtraceError
from voxtrace.events import NO_REQUEST, Event
from voxtrace.store import Accounts, Appended, Position, Rejected
from voxtrace.store.append import DROPPED, dropped_by

# Events that wait for more of their requests. Whatever comes later still counts: that request is measured again.
OPEN_EVENTS = 20_000
# Events that one process measures at a time: some 40 ms of work.
BATCH_EVENTS = 3_000
# Of packed events: those of a file of one and a half times that size.
MOST_BYTES = 1024**3
PAGE = 10_000  # turns, as `column_pages` reads them from a store


class TooMuchToHold(VoxtraceError):
    """The files hold more events than fit into memory."""

    def __init__(self) -> None:
        super().__init__(
            f"the events of these files take more than {MOST_BYTES // 1024**2:,} MiB of memory; "
            "import them with `voxtrace import`, and `voxtrace report` reads them from the disk"
        )


class Held:
    """Takes events as `Importing` stores them, and answers with turns."""

    def __init__(self, processes: int | None = None, open_events: int = OPEN_EVENTS) -> None:
        """
        Args:
            processes: that measure beside this one; None: one for each core. They are started for many events only.
            open_events: how many wait for more of their requests.
        """
        self._processes = min(processes or usable_cores(), MOST_PROCESSES)
        self._most_open = open_events
        self._open: dict[str, list[Event]] = {}  # that got an event last stand last
        self._open_events = 0
        self._batches: list[bytes] = []
        self._batch_of: dict[str, int] = {}
        self._bytes = 0
        self._crowds: dict[str, _Crowd] = {}
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[Future[MeasuredBatch]] = deque()
        self._turns = _Turns()
        self._received = 0
        self._notes: set[str] = set()
        self._rejected, self._dropped = Counter[str](), Counter[str]()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    # ---- what an import needs

    def append(
        self, events: Sequence[Event], *, rejected: Sequence[Rejected] = (), position: Position | None = None
    ) -> Appended:
        """Hold events.

        Raises:
            TooMuchToHold: there are too many.
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
        dropped, rejected = sum(self._dropped.values()), sum(self._rejected.values())
        received = self._received + dropped
        return Accounts(received, self._received - rejected, 0, dict(self._rejected), dict(self._dropped)), {}

    # ---- what a report needs

    def finish(self, on_progress: Callable[[int], None] = lambda turns: None) -> None:
        """Measure all that is left.

        Raises:
            BrokenProcessPool: a process that measured was killed.
        """
        self._dispatch(0)
        while self._waiting:
            self._turns.take(self._waiting.popleft().result())
            on_progress(len(self._turns))
        self._turns.take(records_of(found.turn(request_id) for request_id, found in self._crowds.items()))

    def pages(self, *, session_id: str | None, since_wall_ns: int | None, most: int) -> Iterator[Columns]:
        """The newest turns, newest first."""
        return self._turns.pages(session_id, since_wall_ns, most)

    def events_of(self, request_ids: Iterable[str]) -> dict[str, list[Event]]:
        """All events of these requests; of what is no turn, and of unknown ones, nothing."""
        wanted = [request_id for request_id in request_ids if request_id in self._batch_of]
        unpacked = _Unpacked(self._batches)
        return {request_id: unpacked[self._batch_of[request_id]][request_id] for request_id in wanted}

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
                events = list({event.event_id: event for event in events}.values())
                if len(events) > MAX_EVENTS_OF_A_TURN:
                    self._crowds[request_id] = _Crowd(events)
                    self._batch_of.pop(request_id, None)
                    self._turns.forget(request_id)
                    continue
            batch[request_id] = events
            size += len(events)
            if size >= BATCH_EVENTS:
                self._measure(batch)
                batch, size = {}, 0
        if batch:
            self._measure(batch)

    def _measure(self, batch: dict[str, list[Event]]) -> None:
        packed = pack_events(batch)
        self._batch_of.update(dict.fromkeys(batch, len(self._batches)))
        self._batches.append(packed)
        self._bytes += len(packed)
        if self._bytes > MOST_BYTES:
            raise TooMuchToHold
        if self._pool is None and len(self._batches) * BATCH_EVENTS <= 2 * self._most_open:
            self._turns.take(measure_batch(packed))
            return
        if self._pool is None:
            spawn = get_context("spawn")  # a fork would copy the locks of whatever threads run here
            self._pool = ProcessPoolExecutor(self._processes, spawn, initializer=begin_apart)
        self._waiting.append(self._pool.submit(measure_batch, packed))
        if len(self._waiting) > 3 * self._processes:
            self._turns.take(self._waiting.popleft().result())


class _Unpacked(dict[int, dict[str, list[Event]]]):
    """Batches that were looked into, by their numbers."""

    def __init__(self, batches: Sequence[bytes]) -> None:
        super().__init__()
        self._batches = batches

    def __missing__(self, number: int) -> dict[str, list[Event]]:
        self[number] = unpack_events(self._batches[number])
        return self[number]


class _Crowd:
    """A request of more events than a turn has: they are counted, and none is held."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._session_id: str | None = None
        self._started_wall_ns = 2**63
        self._event_ids: set[str] = set()
        self.add(events)

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            self._session_id = self._session_id or event.session_id
            self._started_wall_ns = min(self._started_wall_ns, event.wall_ns)
            self._event_ids.add(event.event_id)

    def turn(self, request_id: str) -> Turn:
        return crowd(request_id, self._session_id, self._started_wall_ns, len(self._event_ids))


class _Turns:
    """The records of all turns, each text once."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str | None, int, bytes, bytes]] = {}  # session, start, numbers, words
        self._vocabulary: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, batch: MeasuredBatch) -> None:
        """Keep a batch; what is said of a request later is true."""
        vocabulary = self._vocabulary
        numbers = np.array([vocabulary.setdefault(text, len(vocabulary) + 1) for text in batch.texts], "<u4")
        words = numbers[np.frombuffer(b"".join(batch.words), np.uintc)].tobytes()
        at = 0
        for request_id, session_id, started, of_turn, places in zip(*batch[:5], strict=True):
            self._rows[request_id] = session_id, started, of_turn, words[at : at + len(places)]
            at += len(places)

    def forget(self, request_id: str) -> None:
        """It is no turn after all."""
        self._rows.pop(request_id, None)

    def pages(self, session_id: str | None, since_wall_ns: int | None, most: int) -> Iterator[Columns]:
        """The newest turns, newest first."""
        texts = {number: text for text, number in self._vocabulary.items()}
        wanted = [
            (started, request_id)
            for request_id, (session, started, _, _) in self._rows.items()
            if (session_id is None or session == session_id) and (since_wall_ns is None or started >= since_wall_ns)
        ]
        newest = [request_id for _, request_id in sorted(wanted, reverse=True)[:most]]
        for at in range(0, len(newest), PAGE):
            request_ids = newest[at : at + PAGE]
            columns = zip(*(self._rows[request_id] for request_id in request_ids), strict=True)
            yield decode(Rows(request_ids, *columns), texts)
