"""How many turns a filter left of how many, and, where it left none, what there is instead."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from voxtrace.analysis.columns import Bools, Columns, taken
from voxtrace.analysis.filters import Filter, NoSuchTurns, UnknownFilterName, tags_of

NAMELESS = '"" (not told)'


class Choice(Struct, frozen=True):
    """What a filter left."""

    where: Filter
    turns: int  # that fit
    looked_at: int  # of these; where the filter names times, those of other times are not among them


class Choosing:
    """Holds one filter against pages of turns and counts."""

    def __init__(self, where: Filter) -> None:
        self.where = where
        self._turns = self._looked_at = 0
        self._labels: dict[str, set[str]] = {name: set() for name in where.labels}
        self._tags: dict[str, set[str]] = {}

    def rows(self, page: Columns) -> Bools:
        """Which turns of a page fit; each page is asked once."""
        fits = self.where.rows(page)
        self._looked_at += len(page)
        self._turns += int(fits.sum())
        if not self._turns:  # what there is matters only as long as nothing fits
            self._look_around(page)
        return fits

    def kept(self, page: Columns) -> Columns:
        """The turns of a page that fit."""
        fits = self.rows(page)
        return page if fits.all() else taken(page, fits)

    def choice(self, *, may_be_empty: bool = False) -> Choice:
        """What was found; where every turn fits, none is no mistake in the filter.

        Args:
            may_be_empty: no turn at all of that time and range is an answer too: whoever judges has nothing to judge.

        Raises:
            UnknownFilterName: nothing fits, and no turn has a name that the filter asks for.
            NoSuchTurns: nothing fits.
        """
        if not self._turns and not self.where.is_all and (self._looked_at or not may_be_empty):
            if self._looked_at:
                for name in self.where.tags:
                    if name not in self._tags:
                        raise UnknownFilterName(self.where.told, name, self._tags)
            known = self._labels | {name: self._tags.get(name, set()) for name in self.where.tags}
            raise NoSuchTurns(self.where.told, known if self._looked_at else {})
        return Choice(self.where, self._turns, self._looked_at)

    def _look_around(self, page: Columns) -> None:
        for label, values in self._labels.items():
            values |= {page.texts[word] or NAMELESS for word in set(page.labels[label].tolist())}
        if self.where.tags:
            for text in _texts(page, "tags"):
                for name, value in tags_of(text).items():
                    self._tags.setdefault(name, set()).add(value)


def _texts(page: Columns, label: str) -> Iterable[str]:
    return (page.texts[word] for word in set(page.labels[label].tolist()))
