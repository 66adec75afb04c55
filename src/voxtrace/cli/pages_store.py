"""What the dashboard reads: a connection of its own, so that no page and no collector waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from voxtrace.events import Event
from voxtrace.events.gaps import Exchange, Gap
from voxtrace.store import Accounts, RequestQuery, RequestRow, SqliteStore, open_store


class PagesStore:
    """Reads the store of a data folder. When the collector has put a damaged file aside, it reads the new one."""

    def __init__(self, folder: Path, accounts: Callable[[], Accounts]) -> None:
        """
        Args:
            folder: the data folder; its store exists.
            accounts: `Collector.accounts`, which also knows what waits in the spool.
        """
        self.accounts = accounts
        self._folder = folder
        self._lock = threading.Lock()
        self._store = open_store(folder, readonly=True)
        self._replaced: list[SqliteStore] = []  # still open: another thread may be reading from one
        self._file = self._store.path.stat().st_ino

    def recent(self, query: RequestQuery) -> list[RequestRow]:
        """Requests, newest first."""
        return self._current().recent(query)

    def requests(self, request_ids: Iterable[str]) -> list[RequestRow]:
        """The rows of these requests; unknown ones are left out."""
        return self._current().requests(request_ids)

    def events_of(self, request_ids: Iterable[str]) -> dict[str, list[Event]]:
        """All events of these requests."""
        return self._current().events_of(request_ids)

    def samples_near(self, gap: Gap) -> list[Exchange]:
        """What other requests tell of two clocks, next to a gap."""
        return self._current().samples_near(gap)

    def close(self) -> None:
        """Give the files back."""
        for store in (self._store, *self._replaced):
            store.close()

    def _current(self) -> SqliteStore:
        with self._lock:
            try:
                file = self._store.path.stat().st_ino
            except FileNotFoundError:  # between the old file and the new one
                return self._store
            if file != self._file:
                self._replaced.append(self._store)
                self._store, self._file = open_store(self._folder, readonly=True), file
            return self._store
