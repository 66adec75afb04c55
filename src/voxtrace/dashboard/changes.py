"""Which requests changed since somebody last looked: the wire from the collector to the live pages."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

# A tick is a quarter of a second; more changes than this in one tick are an import, and nobody can read them live.
MAX_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed between two looks."""

    request_ids: tuple[str, ...] = ()
    more: int = 0  # further changes that were not remembered one by one; a request may be counted twice here


class Changes:
    """Give the object to whoever measures requests: calling it with their ids is all there is to do.

    Calling is safe from any thread and never waits for a viewer.
    """

    def __init__(self, remembered: int = MAX_REMEMBERED) -> None:
        self._remembered = remembered
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}  # in order of arrival
        self._more = 0

    def __call__(self, request_ids: Iterable[str]) -> None:
        """Note that these requests are new or were measured again."""
        with self._lock:
            for request_id in request_ids:
                if request_id in self._ids or len(self._ids) < self._remembered:
                    self._ids[request_id] = None
                else:
                    self._more += 1

    def drain(self) -> Changed:
        """Everything since the last call."""
        with self._lock:
            changed = Changed(tuple(self._ids), self._more)
            self._ids, self._more = {}, 0
        return changed
