"""Which turns have which numbers, out of columns: what the questions of `absence` need of each turn, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from voxtrace.analysis.absence import LABELS, NUMBERS, TEXT, WHOLE, Absence, Seen, Sibling, absences
from voxtrace.analysis.columns import Bools, Columns, Floats, Ints
from voxtrace.analysis.groups import Population
from voxtrace.units import NANOS_PER_MILLI

# Turns of a population that are looked at, the first that come (a store gives the newest first): some 150 bytes each.
LOOKED_AT = 10_000
# Labels that part populations and may go with an absence. The truth is none: it is known from the same events.
SIBLING_LABELS = ("outcome", "cache", "start")
_KEYS = Population.__struct_fields__


class _Page(Struct):
    """The turns of a page that are looked at."""

    rows: Ints  # of the page
    groups: Ints
    measured: dict[str, Bools]
    numbers: dict[str, Floats]
    codes: dict[str, Ints]
    sessions: Ints


class _Tally(Struct):
    """How many turns of a population have each number."""

    turns: int = 0
    measured: Counter[str] = field(default_factory=Counter)


class Presence:
    """Takes pages of columns, and answers when all are known."""

    def __init__(self) -> None:
        self._pages: list[_Page] = []
        self._seen: Counter[int] = Counter()
        self._cancelled: dict[Population, _Tally] = {}
        self._texts: dict[str, dict[str, int]] = {name: {"": 0} for name in LABELS}
        self._sessions: dict[str, int] = {"": 0}

    def add(self, page: Columns, groups: Ints, is_future: Bools) -> None:
        """Take a page; `groups` is the number of each row's population, -1 where it has none."""
        rows = self._chosen(np.where(is_future, -1, groups))
        has = {name: ~np.isnan(column.values) for name, column in page.metrics.items()}
        self._add_cancelled(page, has)
        numbers = {name: page.metrics[name].values[rows] for name in NUMBERS if name in page.metrics}
        # A single event has a place in time and no length.
        numbers[WHOLE] = np.where(page.totals > 0, page.totals / NANOS_PER_MILLI, np.nan)[rows]
        numbers[TEXT] = page.text_chars[rows]
        codes = {name: self._codes(name, page, rows) for name in LABELS}
        sessions = [page.session_ids[row] or "" for row in rows.tolist()]
        numbered = [self._sessions.setdefault(session, len(self._sessions)) for session in sessions]
        measured = {name: each[rows] for name, each in has.items()}
        self._pages.append(_Page(rows, groups[rows], measured, numbers, codes, np.array(numbered, np.int64)))

    def refuse(self, number: int, name: str, refused: Bools) -> None:
        """Take a metric away from some turns of the page that came as the `number`th, from 0."""
        page = self._pages[number]
        gone = refused[page.rows]
        if name in page.measured and gone.any():
            page.measured[name] = page.measured[name] & ~gone
            if name in page.numbers:
                page.numbers[name] = np.where(gone, np.nan, page.numbers[name])

    def absences(self, populations: Mapping[Population, int]) -> dict[int, dict[str, Absence]]:
        """By the number of a population and the metric that some of its turns lack."""
        if not self._pages:
            return {}
        whole = self._joined()
        seen = {number: _some(whole, np.flatnonzero(whole.groups == number)) for number in populations.values()}
        tallies = {population: _counted(seen[number].measured) for population, number in populations.items()}
        tallies |= self._cancelled
        names = list(self._sessions)
        found = {}
        for population, number in populations.items():
            page = seen[number]
            texts = {name: list(known) for name, known in self._texts.items()}
            of = Seen(page.measured, page.numbers, texts, page.codes, page.sessions, names)
            found[number] = absences(of, list(_siblings(population, tallies)))
        return found

    def _chosen(self, groups: Ints) -> Ints:
        """The rows that are looked at, in their order."""
        chosen = []
        for number in np.flatnonzero(np.bincount(groups + 1)[1:]).tolist():
            rows = np.flatnonzero(groups == number)[: max(LOOKED_AT - self._seen[number], 0)]
            self._seen[number] += len(rows)
            chosen.append(rows)
        return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)

    def _codes(self, name: str, page: Columns, rows: Ints) -> Ints:
        """Numbers of a label's texts that are the same on every page."""
        words, places = np.unique(page.labels[name][rows], return_inverse=True)
        known = self._texts[name]
        numbers = [known.setdefault(page.texts[word], len(known)) for word in words.tolist()]
        return np.array(numbers, np.int64)[places] if numbers else np.zeros(0, np.int64)

    def _add_cancelled(self, page: Columns, has: Mapping[str, Bools]) -> None:
        """Turns that were called off enter no percentile, and yet may be those that took too long."""
        rows = np.flatnonzero(page.with_label("outcome", ["cancelled"]))
        if not len(rows):
            return
        keys = np.stack([page.labels[name][rows] for name in _KEYS], 1)
        kinds, of = np.unique(keys, axis=0, return_inverse=True)
        for place, kind in enumerate(kinds.tolist()):
            chosen = rows[of.ravel() == place]
            tally = self._cancelled.setdefault(Population(*(page.texts[word] for word in kind)), _Tally())
            tally.turns += len(chosen)
            tally.measured.update({name: int(each[chosen].sum()) for name, each in has.items()})

    def _joined(self) -> _Page:
        pages = self._pages
        names = dict.fromkeys(name for page in pages for name in page.measured)
        numbers = dict.fromkeys(name for page in pages for name in page.numbers)
        return _Page(
            np.concatenate([page.rows for page in pages]),
            np.concatenate([page.groups for page in pages]),
            {name: _column([(page.measured.get(name), len(page.rows)) for page in pages], False) for name in names},
            {name: _column([(page.numbers.get(name), len(page.rows)) for page in pages], np.nan) for name in numbers},
            {name: np.concatenate([page.codes[name] for page in pages]) for name in LABELS},
            np.concatenate([page.sessions for page in pages]),
        )


def _column(parts: Sequence[tuple[Bools | Floats | None, int]], absent: float) -> np.ndarray:
    return np.concatenate([np.full(size, absent) if part is None else part for part, size in parts])


def _some(page: _Page, rows: Ints) -> _Page:
    measured = {name: each[rows] for name, each in page.measured.items()}
    numbers = {name: each[rows] for name, each in page.numbers.items()}
    codes = {name: each[rows] for name, each in page.codes.items()}
    return _Page(page.rows[rows], page.groups[rows], measured, numbers, codes, page.sessions[rows])


def _counted(measured: Mapping[str, Bools]) -> _Tally:
    turns = len(next(iter(measured.values()))) if measured else 0
    return _Tally(turns, Counter({name: int(each.sum()) for name, each in measured.items()}))


def _siblings(population: Population, tallies: Mapping[Population, _Tally]) -> Iterator[Sibling]:
    """Turns that differ from those of a population in one label only."""
    for label in SIBLING_LABELS:
        like = replace(population, truth="", **{label: ""})
        found: dict[str, _Tally] = {}
        for other, tally in tallies.items():
            value = getattr(other, label)
            if value != getattr(population, label) and replace(other, truth="", **{label: ""}) == like:
                sum_of = found.setdefault(value, _Tally())
                sum_of.turns += tally.turns
                sum_of.measured.update(tally.measured)
        for value, tally in sorted(found.items()):
            yield Sibling(label, value, tally.turns, tally.measured)
