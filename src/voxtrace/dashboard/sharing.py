"""One answer for all who ask the same at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from voxtrace.clock import Clock
from voxtrace.units import NANOS_PER_SECOND

KEPT_NS = NANOS_PER_SECOND // 2  # a page asks at most once a second
MAX_KEPT = 32  # answers; who asks for made-up populations gains no memory of ours


class Shared:
    """Twenty open pages cost what one costs, and two queries never run beside each other.

    Safe to use from any thread; whoever asks while a query runs waits for it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[int, Any]] = {}  # question: (when answered, answer), oldest first

    def answer(self, question: Hashable, ask: Callable[[], Any]) -> Any:
        """What `ask` answers, or what it answered less than half a second ago. An error is never kept."""
        with self._lock:
            at, answer = self._kept.get(question, (None, None))
            if at is not None and self._clock.mono_ns() - at < KEPT_NS:
                return answer
            answer = ask()
            self._kept.pop(question, None)
            self._kept[question] = (self._clock.mono_ns(), answer)
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            return answer
