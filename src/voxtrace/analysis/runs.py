"""Requests run by run, out of columns: how steady each run is, and which requests a cache must have answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

import numpy as np
from msgspec import Struct

from voxtrace.analysis.columns import Bools, Columns, Floats, Ints
from voxtrace.analysis.record import EXACT
from voxtrace.analysis.replays import LENGTHS, RULE, SOURCES, repeats_of
from voxtrace.analysis.steadiness import FEWEST, METRICS, RUN_SOURCES, Spike, Steadiness, steadiness_of
from voxtrace.units import NANOS_PER_MILLI


class _Page(Struct):
    """What the steadiness of a page's turns needs: some 60 bytes a turn beside its id."""

    request_ids: Sequence[str]
    started: Ints
    groups: Ints  # -1: of none
    runs: Ints  # 0: of none
    values: dict[str, Floats]  # of `METRICS`; NaN where there is none above 0, or only a bound


class Runs:
    """Takes pages of columns, and answers when all are known."""

    def __init__(self) -> None:
        self._pages: list[_Page] = []
        self._numbers: dict[str, int] = {"": 0}  # of sessions that are runs
        self._repeated: dict[str, list[tuple[int, str, float]]] = {}
        self._fast: set[str] = set()

    def add(self, page: Columns, groups: Ints, is_future: Bools) -> None:
        """Take a page; what is not to be counted is in none of the groups."""
        exact = page.numbers_of([EXACT])
        values = {}
        for name in METRICS:
            if column := page.metrics.get(name):
                is_known = (column.values > 0) & np.isin(column.states, exact) & ~is_future
                values[name] = np.where(is_known, column.values, np.nan)
        runs = np.zeros(len(page), np.int64)
        for row in np.flatnonzero(page.with_label("source", RUN_SOURCES)).tolist():
            runs[row] = self._numbers.setdefault(page.session_ids[row] or "", len(self._numbers))
        self._pages.append(_Page(page.request_ids, page.started, groups, runs, values))
        self._look_for_replays(page)

    def refuse(self, number: int, name: str, refused: Bools) -> None:
        """Take a metric away from some turns of the page that came as the `number`th, from 0."""
        values = self._pages[number].values
        if name in values:
            values[name] = np.where(refused, np.nan, values[name])

    def replays(self) -> frozenset[str]:
        """Ids of requests that must have been answered from a cache, though nothing says so."""
        return frozenset(self._fast.union(*map(repeats_of, self._repeated.values())))

    def among(self, number: int, request_ids: frozenset[str]) -> Bools:
        """Which turns of the page that came as the `number`th, from 0, have one of these ids."""
        page = self._pages[number].request_ids
        return np.fromiter((each in request_ids for each in page), np.bool_, len(page))

    def steadiness(self) -> dict[int, tuple[Steadiness, ...]]:
        """How steady the runs of each group are, the largest first."""
        if not self._pages:
            return {}
        pages = self._pages
        ids = list(chain.from_iterable(page.request_ids for page in pages))
        started = np.concatenate([page.started for page in pages])
        keys = np.concatenate([page.groups * len(self._numbers) + page.runs for page in pages])
        values = {name: _joined(pages, name) for name in METRICS}
        names = list(self._numbers)
        found: dict[int, list[Steadiness]] = {}
        for rows in _alike(keys):
            group, run = divmod(int(keys[rows[0]]), len(names))
            each = _steady(names[run], rows, values, (started, ids)) if group >= 0 else None
            if each is not None:
                found.setdefault(group, []).append(each)
        return {
            group: tuple(sorted(runs, key=lambda each: (-each.measured, each.run))) for group, runs in found.items()
        }

    def _look_for_replays(self, page: Columns) -> None:
        self._fast.update(page.request_ids[row] for row in np.flatnonzero(page.with_finding([RULE])).tolist())
        is_asked = page.with_label("kind", ["speech"]) & page.with_label("cache", ["unknown"])
        rows = np.flatnonzero(is_asked & page.with_label("source", SOURCES))
        if not len(rows):
            return
        lengths = page.totals[rows] / NANOS_PER_MILLI
        for name in reversed(LENGTHS):
            column = page.metrics.get(name)
            if column is not None:
                lengths = np.where(np.isnan(column.values[rows]), lengths, column.values[rows])
        for row, length in zip(rows.tolist(), lengths.tolist(), strict=True):
            session = page.session_ids[row]
            if session:
                timed = int(page.started[row]), page.request_ids[row], length
                self._repeated.setdefault(session, []).append(timed)


def _joined(pages: Sequence[_Page], name: str) -> Floats:
    return np.concatenate([page.values.get(name, np.full(len(page.started), np.nan)) for page in pages])


def _alike(keys: Ints) -> list[Ints]:
    """The rows of each key, in their order."""
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _steady(run: str, rows: Ints, values: dict[str, Floats], asked: tuple[Ints, Sequence[str]]) -> Steadiness | None:
    if len(rows) < FEWEST:
        return None
    for metric, column in values.items():
        of = column[rows]
        measured = np.flatnonzero(~np.isnan(of))
        if len(measured) < FEWEST:
            continue
        above = partial(_spikes, rows, of, asked)
        return steadiness_of((run, metric), len(rows), np.sort(of[measured]).tolist(), above)
    return None


def _spikes(rows: Ints, values: Floats, asked: tuple[Ints, Sequence[str]], limit: float) -> tuple[Spike, ...]:
    """Those of `rows` above the limit, in the order of starting."""
    started, ids = asked
    times = zip(started[rows].tolist(), (ids[row] for row in rows.tolist()), values.tolist(), strict=True)
    in_time = enumerate(sorted(times), 1)
    return tuple(Spike(place, request_id, value) for place, (_, request_id, value) in in_time if value > limit)
