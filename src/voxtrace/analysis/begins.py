"""Which earlier event begins a piece of work: the latest that is left, found in a step or two among thousands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

ABSENT = object()
"""Stands for the piece of an event that names none."""


class Begins:
    """Events that may begin one kind of work. Each begins one piece of it: what was taken is gone.

    An event is its place in the order of time, a number.
    """

    def __init__(self, occurred: Sequence[int], pieces: Sequence[object] | None, *, is_strict: bool = False) -> None:
        """
        Args:
            occurred: the events passed so far; it grows meanwhile.
            pieces: of every event, the piece of work that it names; None where nothing tells pieces apart.
            is_strict: an event that names no piece begins none that has a name; else it may begin any.
        """
        self._occurred, self._pieces, self._is_strict = occurred, pieces, is_strict
        self._known = 0  # of those that occurred
        self._all: list[int] = []
        self._of: dict[object, list[int]] = {}  # by piece
        self._of_any: list[int] = []
        self._was_any = False
        self._taken: set[int] = set()

    def has_occurred(self, piece: object) -> bool:
        """Whether there ever was an event of this piece (None: of whichever), taken or not."""
        if piece is None or self._pieces is None:
            return bool(self._occurred)
        self._catch_up()
        return self._was_any or piece in self._of

    def take(self, piece: object, may_begin: Callable[[int], bool]) -> int | None:
        """The latest event of a piece that is left and that `may_begin` it."""
        self._catch_up()
        is_any = piece is None or self._pieces is None
        lists = [self._all] if is_any else [self._of.get(piece, []), self._of_any]
        places = [self._last_left(each) for each in lists]
        while any(places):
            event, number = max((lists[n][place - 1], n) for n, place in enumerate(places) if place)
            if event not in self._taken and may_begin(event):
                self._taken.add(event)
                del lists[number][places[number] - 1]
                return event
            places[number] -= 1
        return None

    def _catch_up(self) -> None:
        for event in self._occurred[self._known :]:
            self._all.append(event)
            piece = ABSENT if self._pieces is None else self._pieces[event]
            if piece is not ABSENT:
                self._of.setdefault(piece, []).append(event)
            elif self._pieces is not None and not self._is_strict:
                self._of_any.append(event)
                self._was_any = True
        self._known = len(self._occurred)

    def _last_left(self, entries: list[int]) -> int:
        """How many are left when what was taken by way of another list is dropped from the end."""
        while entries and entries[-1] in self._taken:
            entries.pop()
        return len(entries)
