"""Which piece an engine speaks next. Pure: the time comes in as an argument, and nothing here waits.

Two classes of pieces wait. A first piece is due a fixed time after its request came: until then its listener
hears nothing. A continuation is due when its listener would run dry. Both classes are kept by their deadlines.
A first piece that is late already counts as due now, and no earlier: otherwise a crowd that waits too long would
go before those who are about to hear a gap, and everybody's speech would stutter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, Protocol, TypeVar

MANY = 64  # pieces that were taken back and may stay in a queue until their turn


class Waiting(Protocol):
    """What a schedule looks at."""

    @property
    def is_first(self) -> bool:
        """Nothing of its request is audible yet."""

    @property
    def due_ns(self) -> int:
        """When its listener runs dry, or has waited long enough, on the monotonic clock."""

    @property
    def admitted_ns(self) -> int:
        """When its request came."""


Item = TypeVar("Item", bound=Waiting)


class Schedule(Protocol[Item]):
    """The queue in front of the engines."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Item]: ...
    def push(self, item: Item) -> None: ...
    def pop(self, now_ns: int, margin_ns: int = 0) -> Item | None: ...
    def discard(self, item: Item) -> None: ...


@dataclass(slots=True)
class _Line(Generic[Item]):
    """Items by a key that never changes; of equal keys, the one that came first."""

    entries: list[tuple[int, int, Item]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)
    discarded: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.entries) - len(self.discarded)

    def __iter__(self) -> Iterator[Item]:
        return (item for _, _, item in self.entries if id(item) not in self.discarded)

    def push(self, key: int, item: Item) -> None:
        heappush(self.entries, (key, next(self.numbers), item))

    def head(self) -> Item | None:
        while self.entries and id(self.entries[0][2]) in self.discarded:
            self.discarded.remove(id(heappop(self.entries)[2]))
        return self.entries[0][2] if self.entries else None

    def pop(self) -> Item:
        return heappop(self.entries)[2]

    def discard(self, item: Item) -> None:
        """It stays where it is until its turn comes, unless most of the line is like it."""
        self.discarded.add(id(item))
        if len(self.discarded) > len(self.entries) // 2 + MANY:
            self.entries = [entry for entry in self.entries if id(entry[2]) not in self.discarded]
            heapify(self.entries)
            self.discarded.clear()


class EarliestDeadline(Generic[Item]):
    """The piece that is due next, over all requests; see the top of this file."""

    def __init__(self) -> None:
        self._firsts: _Line[Item] = _Line()
        self._later: _Line[Item] = _Line()

    def __len__(self) -> int:
        return len(self._firsts) + len(self._later)

    def __iter__(self) -> Iterator[Item]:
        yield from self._firsts
        yield from self._later

    def push(self, item: Item) -> None:
        """Queue a piece."""
        self._line_of(item).push(item.due_ns, item)

    def pop(self, now_ns: int, margin_ns: int = 0) -> Item | None:
        """Take the piece to be spoken now.

        Continuations are begun `margin_ns` before they are due: what it takes now to make those that wait.
        """
        first, later = self._firsts.head(), self._later.head()
        if first is None:
            return self._later.pop() if later is not None else None
        if later is not None and later.due_ns - margin_ns <= max(first.due_ns, now_ns):
            return self._later.pop()
        return self._firsts.pop()

    def discard(self, item: Item) -> None:
        """Take back a piece that was not popped."""
        self._line_of(item).discard(item)

    def _line_of(self, item: Item) -> _Line[Item]:
        return self._firsts if item.is_first else self._later


class FirstInFirstOut(Generic[Item]):
    """Requests in the order in which they came, each with all its pieces: what is compared with."""

    def __init__(self) -> None:
        self._line: _Line[Item] = _Line()

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._line)

    def push(self, item: Item) -> None:
        """Queue a piece."""
        self._line.push(item.admitted_ns, item)

    def pop(self, now_ns: int, margin_ns: int = 0) -> Item | None:
        """Take the piece to be spoken now."""
        return self._line.pop() if self._line.head() is not None else None

    def discard(self, item: Item) -> None:
        """Take back a piece that was not popped."""
        self._line.discard(item)


SCHEDULES = ("edf", "fifo")


def new_schedule(name: str) -> Schedule[Item]:
    """The schedule of that name: one of `SCHEDULES`."""
    return FirstInFirstOut() if name == "fifo" else EarliestDeadline()
