"""Which earlier event begins a piece of work: the latest that is left, found in a step or two among thousands."""

from __future__ import annotations

from collections.abc import Callable

from voxtrace.analysis.axis import Placed


class Begins:
    """Events that may begin one kind of work. Each begins one piece of it: what was taken is gone."""

    def __init__(self, per: str = "", *, is_strict: bool = False) -> None:
        self._per = per  # metadata key that tells pieces apart; "": none does
        self._is_strict = is_strict  # an event without the key begins no piece that has one; else it may begin any
        self._count = 0
        self._all: list[tuple[int, Placed]] = []
        self._of: dict[object, list[tuple[int, Placed]]] = {}  # by piece
        self._of_any: list[tuple[int, Placed]] = []
        self._was_any = False
        self._taken: set[int] = set()

    def add(self, placed: Placed) -> None:
        """The next event in order of time."""
        entry = self._count, placed
        self._count += 1
        self._all.append(entry)
        metadata = placed.event.metadata
        if self._per in metadata:
            self._of.setdefault(_key(metadata[self._per]), []).append(entry)
        elif self._per and not self._is_strict:
            self._of_any.append(entry)
            self._was_any = True

    def has_occurred(self, piece: object) -> bool:
        """Whether there ever was an event of this piece (None: of whichever), taken or not."""
        if piece is None or not self._per:
            return bool(self._count)
        return self._was_any or _key(piece) in self._of

    def take(self, piece: object, may_begin: Callable[[Placed], bool]) -> Placed | None:
        """The latest event of a piece that is left and that `may_begin` it."""
        is_any = piece is None or not self._per
        lists = [self._all] if is_any else [self._of.get(_key(piece), []), self._of_any]
        places = [self._last_left(each) for each in lists]
        while any(places):
            order, number = max((lists[n][place - 1][0], n) for n, place in enumerate(places) if place)
            placed = lists[number][places[number] - 1][1]
            if order not in self._taken and may_begin(placed):
                self._taken.add(order)
                del lists[number][places[number] - 1]
                return placed
            places[number] -= 1
        return None

    def _last_left(self, entries: list[tuple[int, Placed]]) -> int:
        """How many are left when what was taken by way of another list is dropped from the end."""
        while entries and entries[-1][0] in self._taken:
            entries.pop()
        return len(entries)


def _key(value: object) -> object:
    """Lists and objects of metadata are told apart by how they are written."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
