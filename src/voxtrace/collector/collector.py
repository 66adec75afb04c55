"""The loop that moves events from the spool into the store, measures turns and forgets old ones."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from voxtrace.analysis.derived import VERSION
from voxtrace.clock import Clock, SystemClock
from voxtrace.collector.measure import measure
from voxtrace.collector.spool import SETTLED_NS, Piece, count_waiting, read_piece, remove_if_finished, spool_files
from voxtrace.store import Accounts, Position, Pruned, Retention, SqliteStore
from voxtrace.store.errors import StoreCorrupt, StoreError
from voxtrace.store.recovery import told_of_damage
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

SPOOL = "spool"
DRAIN_NS = 3 * NANOS_PER_SECOND
NANOS_PER_DAY = 86_400 * NANOS_PER_SECOND

OnChange = Callable[[Iterable[str]], None]

_log = logging.getLogger(__name__)


class CollectorOptions(Struct, frozen=True):
    """How the loop goes about it; the defaults are for one machine and one person."""

    keep_days: int | None = None  # None: for ever
    keep_bytes: int | None = None  # None: whatever the disk holds
    quiet_ms: int = 250  # a turn without a new event for so long is measured; again when one comes
    idle_ms: int = 100  # between two looks into an empty spool
    housekeeping_ms: int = 2_000  # between two looks for finished files
    retention_ms: int = 30_000  # between two looks at age and size
    turns_per_tick: int = 200  # measured at most, so that the spool is looked at again soon
    turns_per_busy_tick: int = 20  # while more events wait


class Tick(Struct, frozen=True):
    """What one step did."""

    events: int = 0
    rejected: int = 0
    measured: tuple[str, ...] = ()
    more: bool = False  # there is more to do at once


class CollectorState(Struct):
    """How the loop is; a page shows it. Written by the loop only."""

    trouble: str = ""  # why nothing is stored at the moment; "" while all is well
    notices: list[str] = field(default_factory=list)  # things that a person should know, the newest last
    pruned: Pruned | None = None  # what retention forgot last


NOTICES_KEPT = 20


class Collector:
    """Tails the spool of a data folder into its store. One thread calls `tick` or `run`.

    Exactly once: how far a file was read is stored in the transaction that stores what was read.
    """

    def __init__(
        self,
        store: SqliteStore,
        folder: Path,
        *,
        clock: Clock | None = None,
        options: CollectorOptions | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        """
        Args:
            store: where events go.
            folder: the data folder; its spool is `spool/`.
            clock: of this machine; tests move it.
            options: how often and how much.
            on_change: called with the ids of requests that were measured, in the thread of the loop.
        """
        self.state = CollectorState()
        self._store, self._spool = store, folder / SPOOL
        self._clock: Clock = clock or SystemClock()
        self._options = options or CollectorOptions()
        self._on_change: OnChange = on_change or (lambda request_ids: None)
        self._due: dict[str, int] = {}
        self._unreadable: set[str] = set()
        self._positions: dict[str, Position] = {}  # as stored; read again when the loop begins
        self._has_begun = False

    def accounts(self) -> Accounts:
        """What became of every event, those that wait in the spool included as in flight."""
        accounts, positions = self._store.accounts_at_positions()
        waiting = count_waiting(self._spool, positions)
        return replace(accounts, received=accounts.received + waiting, in_flight=waiting)

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set; then take in what is in the spool, for a few seconds at most, and return."""
        while not stop.is_set():
            tick = self.step()
            if tick is None:
                stop.wait(1.0)  # trouble: a full disk or another process is not to be hammered at
            elif not tick.more:
                stop.wait(self._options.idle_ms / 1000)
        enough = self._clock.mono_ns() + DRAIN_NS
        # A writer that does not stop is left to the next collector.
        while self._clock.mono_ns() < enough and (last := self.step()) is not None and last.events:
            pass

    def tick(self) -> Tick:
        """One step: at most one read of every file, then some turns to measure.

        Raises:
            StoreError: nothing was lost, the step can be tried again.
        """
        if not self._has_begun:
            self._begin()
        events = rejected = 0
        more = False
        for path in spool_files(self._spool):
            piece = self._read(path)
            if piece is not None:
                self._keep(piece)
                events, rejected = events + len(piece.events), rejected + len(piece.rejected)
                more = more or not piece.is_last
        limit = self._options.turns_per_busy_tick if more else self._options.turns_per_tick
        housekeeping = self._is_due("housekeeping", self._options.housekeeping_ms)
        quiet_since = self._clock.wall_ns() - self._options.quiet_ms * NANOS_PER_MILLI
        # Once in a while also turns that go on, and those that wait for a wall clock that was set back.
        measured = measure(self._store, limit, touched_before_wall_ns=None if housekeeping else quiet_since)
        if measured:
            self._on_change(measured)
        if housekeeping:
            self._remove_finished_files()
        if self._is_due("retention", self._options.retention_ms):
            self._forget_old()
        return Tick(events, rejected, tuple(measured), more or len(measured) >= limit > 0)

    def step(self) -> Tick | None:
        """As `tick`, but what goes wrong is told in `state`, and a damaged store is moved aside.

        Returns:
            None where the step failed; it is good to wait a little before the next one.
        """
        try:
            if self._store.damage is not None:
                self._begin_again(self._store.damage)
            tick = self.tick()
        except StoreCorrupt:
            return None  # the next round moves it aside
        except StoreError as error:
            self._tell_trouble(str(error))
            return None
        except OSError as why:
            self._tell_trouble(f"the spool can't be read: {why}")
            return None
        except Exception as error:  # noqa: BLE001 - the loop is the outermost edge: it must outlive any single step
            _log.exception("a step of the collector failed")
            self._tell_trouble(f"a step of the collector failed: {type(error).__name__}: {error}")
            return None
        self.state.trouble = ""
        return tick

    def _begin(self) -> None:
        _, self._positions = self._store.accounts_at_positions()
        stale = self._store.use_definitions(VERSION)
        self._has_begun = True
        if stale:
            self.notice(f"the definitions changed: {stale} turns are measured again")

    def _read(self, path: Path) -> Piece | None:
        try:
            settled = self._clock.wall_ns() - SETTLED_NS
            return read_piece(path, self._positions.get(path.name), settled_before_wall_ns=settled)
        except OSError as why:
            if path.exists() and path.name not in self._unreadable:
                self._unreadable.add(path.name)
                self.notice(f"{path} can't be read ({why.strerror or why}); its events are missing until it can")
            return None

    def _keep(self, piece: Piece) -> None:
        self._store.append(piece.events, rejected=piece.rejected, position=piece.position)
        self._positions[piece.position.source] = piece.position

    def _remove_finished_files(self) -> None:
        settled = self._clock.wall_ns() - SETTLED_NS
        left = {
            path.name
            for path in spool_files(self._spool)
            if not remove_if_finished(path, self._positions.get(path.name), settled)
        }
        # How far foreign files were imported stands there as well, under names with a colon.
        gone = [source for source in self._positions if source not in left and ":" not in source]
        if gone:
            self._store.forget_positions(gone)
            for source in gone:
                del self._positions[source]

    def _forget_old(self) -> None:
        days = self._options.keep_days
        oldest = None if days is None else self._clock.wall_ns() - days * NANOS_PER_DAY
        # Last year's log that was imported today is as new to its reader as today's events are.
        pruned = self._store.prune(Retention(oldest, self._options.keep_bytes, arrived_before_wall_ns=oldest))
        if pruned.requests:
            self.state.pruned = pruned
            lost = f", {pruned.unmeasured} of them before they were measured" if pruned.unmeasured else ""
            self.notice(f"retention forgot {pruned.requests} requests of {pruned.events} events{lost}")

    def _begin_again(self, damage: StoreCorrupt) -> None:
        aside = self._store.begin_again()
        self._has_begun = False
        self.notice(told_of_damage(damage, aside))

    def _is_due(self, what: str, every_ms: int) -> bool:
        now = self._clock.mono_ns()
        if now < self._due.get(what, now):
            return False
        self._due[what] = now + every_ms * NANOS_PER_MILLI
        return True

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self.state.trouble:
            _log.warning("%s", trouble)
        self.state.trouble = trouble

    def notice(self, text: str) -> None:
        """Keep something that a person should know, and log it."""
        _log.warning("%s", text)
        self.state.notices = [*self.state.notices, text][-NOTICES_KEPT:]
