"""Sums up columns, page by page, and keeps of a turn only what can't be said before all are known: some 200 bytes.

Up to 100,000 samples of a number are kept and its percentiles are samples; above, a mergeable sketch of them is kept
and each percentile is right to 1 %. Which it was stands beside the numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import Struct, field

from voxtrace.analysis.absence import Absence
from voxtrace.analysis.columns import Bools, Column, Columns, Floats, Ints, Words, first_places, renumbered
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.first_sounds import LATE, FirstSounds, first_sounds, suspects_among
from voxtrace.analysis.groups import CONTINUOUS_STALL_MS, MEASURED_OUTCOMES, Group, PartShare, Population, Summary
from voxtrace.analysis.plausibility import FUTURE_NS
from voxtrace.analysis.presence import Presence
from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.record import LOWER, MISSING, REJECTED
from voxtrace.analysis.replays import LENGTHS, RULE
from voxtrace.analysis.runs import Runs
from voxtrace.analysis.samples import Samples
from voxtrace.analysis.statistics.ratio import Ratio, quantile_ratio
from voxtrace.analysis.steadiness import Steadiness
from voxtrace.analysis.verdicts import MIN_TURNS
from voxtrace.units import NANOS_PER_MILLI

_KEYS = Population.__struct_fields__
_ABSENT = "not part of this kind of turn"
# What can be said of these only when all turns are known.
_LATE = frozenset((*LATE, *LENGTHS))


class _Metric(Struct):
    """One number of one population, as far as it was seen."""

    samples: Samples = field(default_factory=Samples)
    is_bound: bool = False
    replayed: int = 0  # of the samples
    missing: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, values: Floats, states: Words, texts: Mapping[int, str]) -> None:
        """Rows that have this metric."""
        measured = ~np.isnan(values)
        self.samples.add(values[measured])
        plain = len(states) and bool((states == states[0]).all())
        for word, count in [(int(states[0]), len(states))] if plain else _in_order_of_occurrence(states):
            text = texts[word]
            self.is_bound = self.is_bound or text == LOWER
            if text.startswith(MISSING):
                self.missing[text[1:]] += count
            elif text.startswith(REJECTED):
                self.rejected[text[1:]] += count

    def distribution(self, expected: int) -> Distribution:
        """Over a population of `expected` turns."""
        seen = self.samples.count + self.missing.total() + self.rejected.total()
        missing = self.missing + Counter({_ABSENT: expected - seen})
        return self.samples.distribution(
            expected,
            missing=tuple(missing.most_common()),
            rejected=tuple(self.rejected.most_common()),
            bound="lower" if self.is_bound else "exact",
            replayed=self.replayed,
        )


class _Group(Struct):
    turns: int = 0
    metrics: dict[str, _Metric] = field(default_factory=dict)
    parts: dict[str, Samples] = field(default_factory=dict)
    slowest: Counter[str] = field(default_factory=Counter)
    continuous: int = 0


class _Page(Struct):
    """The numbers of a page that may have to be taken back when all are known, and its rows' groups (-1: of none)."""

    columns: dict[str, Column]  # of `_LATE`
    first: FirstSounds
    groups: Ints
    is_future: Bools
    texts: Mapping[int, str]


class Summing:
    """Takes pages of columns, newest first or in any order, and answers with the summary of all."""

    def __init__(self, now_wall_ns: int | None = None) -> None:
        self._now = now_wall_ns
        self._turns = 0
        self._first: int | None = None
        self._last: int | None = None
        self._outcomes: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()
        self._numbers: dict[Population, int] = {}
        self._groups: list[_Group] = []
        self._pages: list[_Page] = []
        self._runs = Runs()
        self._presence = Presence()

    def add(self, page: Columns) -> None:
        """Count a page of turns."""
        if not len(page):
            return
        self._turns += len(page)
        begun, ended = int(page.started.min()), int(page.started.max())
        self._first = begun if self._first is None else min(self._first, begun)
        self._last = ended if self._last is None else max(self._last, ended)
        _count(self._outcomes, page.labels["outcome"], page.texts)
        failed = page.with_label("outcome", ["error"])
        if failed.any():
            causes: Counter[str] = Counter()
            _count(causes, page.labels["error"][failed], page.texts)
            for cause, count in causes.items():
                self._errors[cause or "unknown"] += count
        _count(self._findings, page.findings.words, page.texts)
        is_future = page.started > (self._now + FUTURE_NS if self._now is not None else np.iinfo(np.int64).max)
        _add_rule(self._findings, "in_the_future", int(is_future.sum()))
        groups = self._group_of(page)
        for number in np.flatnonzero(np.bincount(groups + 1)[1:]).tolist():
            rows = np.flatnonzero(groups == number)
            self._add_rows(self._groups[number], page, rows, is_future[rows])
        self._add_parts(page, groups)
        late = {name: column for name, column in page.metrics.items() if name in _LATE}
        self._pages.append(_Page(late, first_sounds(page), groups, is_future, page.texts))
        self._runs.add(page, groups, is_future)
        self._presence.add(page, groups, is_future)

    def _group_of(self, page: Columns) -> Ints:
        """The number of each row's population; -1 where it failed or was cancelled."""
        codes = np.zeros(len(page), np.int64)
        for name in _KEYS:
            words = page.labels[name]
            if not (words == words[0]).all():
                kinds = renumbered(words)
                codes = renumbered(codes * (int(kinds.max()) + 1) + kinds)
        first = first_places(codes)
        numbers = np.full(len(first), -1, np.int64)
        for code in np.argsort(first).tolist():
            population = Population(*(page.texts[int(page.labels[name][first[code]])] for name in _KEYS))
            if population.outcome in MEASURED_OUTCOMES:
                if population not in self._numbers:
                    self._numbers[population] = len(self._groups)
                    self._groups.append(_Group())
                numbers[code] = self._numbers[population]
        return numbers[codes]

    def _add_rows(self, group: _Group, page: Columns, rows: Ints, is_future: Bools) -> None:
        group.turns += len(rows)
        _count(group.slowest, page.labels["slowest"][rows], page.texts)
        for name, column in page.metrics.items():
            if name not in _LATE:
                kept = rows[column.present[rows]]
                _add_metric(group, name, column, kept, is_future[column.present[rows]], page.texts)
        stalls = page.metrics.get("max_stall_ms")
        if stalls is not None:
            group.continuous += int((stalls.values[rows[~is_future]] <= CONTINUOUS_STALL_MS).sum())

    def _add_parts(self, page: Columns, groups: Ints) -> None:
        of = groups[page.parts.rows]
        for word in np.flatnonzero(np.bincount(page.parts.words)).tolist() if len(of) else []:
            entries = np.flatnonzero(page.parts.words == word)
            for number in np.flatnonzero(np.bincount(of[entries] + 1)[1:]).tolist():
                lengths = page.part_lengths[entries[of[entries] == number]] / NANOS_PER_MILLI
                self._groups[number].parts.setdefault(page.texts[word], Samples()).add(lengths)

    def summary(self) -> Summary:
        """What all pages said together."""
        self._settle()
        steadiness, absences = self._runs.steadiness(), self._presence.absences(self._numbers)
        ordered = sorted(self._numbers.items(), key=lambda item: (-self._groups[item[1]].turns, item[0]))
        return Summary(
            turns=self._turns,
            first_wall_ns=self._first,
            last_wall_ns=self._last,
            outcomes=dict(self._outcomes),
            errors=dict(self._errors),
            groups=tuple(
                _finished(population, self._groups[number], steadiness.get(number, ()), absences.get(number, {}))
                for population, number in ordered
            ),
            findings=tuple(self._findings.most_common()),
        )

    def _settle(self) -> None:
        """Take back the numbers that only look impossible beside each other, and count the others."""
        suspects = suspects_among([page.first for page in self._pages])
        replays = self._runs.replays()
        for number, page in enumerate(self._pages):
            _add_rule(self._findings, "same_ttfa", int(page.first.suspected(suspects).sum()))
            is_replay = self._runs.among(number, replays) if replays else np.zeros(len(page.groups), np.bool_)
            for name, column in page.columns.items():
                refused = page.first.refused(name, suspects) if name in LATE else np.zeros(len(is_replay), np.bool_)
                self._runs.refuse(number, name, refused)
                self._presence.refuse(number, name, refused)
                self._add_settled(name, column, page, refused)
                if replays:
                    self._count_replayed(name, page, is_replay & ~refused & ~np.isnan(column.values))
        if replays:
            self._findings[RULE] = len(replays)
        self._pages.clear()

    def _add_settled(self, name: str, column: Column, page: _Page, refused: Bools) -> None:
        present = np.flatnonzero(column.present & (page.groups >= 0))
        of = page.groups[present]
        for number in np.flatnonzero(np.bincount(of)).tolist() if len(of) else []:
            group, rows = self._groups[number], present[of == number]
            accused = refused[rows] & ~page.is_future[rows]
            if accused.any():
                _add_rule(group.metrics.setdefault(name, _Metric()).rejected, "same_ttfa", int(accused.sum()))
                rows = rows[~accused]
            _add_metric(group, name, column, rows, page.is_future[rows], page.texts)

    def _count_replayed(self, name: str, page: _Page, replayed: Bools) -> None:
        """The times of replays stay, for they are true ones; that no synthesis took them is said beside them.

        A real-time ratio says itself whether it can be one: behind a first piece from a cache, a stream may be made.
        """
        of = page.groups[replayed & ~page.is_future & (page.groups >= 0)]
        for number in np.flatnonzero(np.bincount(of)).tolist() if len(of) else []:
            self._groups[number].metrics[name].replayed += int((of == number).sum())


def population_names(page: Columns) -> list[str]:
    """The name of each row's population."""
    known: dict[tuple[str, ...], str] = {}
    keys = list(zip(*(page.words_of(name) for name in _KEYS), strict=True))
    for key in set(keys):
        known[key] = Population(*key).name
    return [known[key] for key in keys]


def _add_metric(
    group: _Group, name: str, column: Column, rows: Ints, is_future: Bools, texts: Mapping[int, str]
) -> None:
    if not len(rows):
        return
    metric = group.metrics.setdefault(name, _Metric())
    _add_rule(metric.rejected, "in_the_future", int(is_future.sum()))
    kept = rows[~is_future]
    metric.add(column.values[kept], column.states[kept], texts)


def _add_rule(counter: Counter[str], rule: str, count: int) -> None:
    if count:
        counter[rule] += count


def _in_order_of_occurrence(words: Words) -> Iterable[tuple[int, int]]:
    if not len(words):
        return ()
    codes = renumbered(words)
    first = first_places(codes)
    order = np.argsort(first)
    return zip(words[first[order]].tolist(), np.bincount(codes)[order].tolist(), strict=True)


def _count(counter: Counter[str], words: Words, texts: Mapping[int, str]) -> None:
    for word, count in _in_order_of_occurrence(words):
        counter[texts[word]] += count


def _finished(
    population: Population, group: _Group, steadiness: tuple[Steadiness, ...], absences: Mapping[str, Absence]
) -> Group:
    names = [name for name in DEFINITION_BY_NAME if name in group.metrics]
    metrics = {name: group.metrics[name].distribution(group.turns) for name in names}
    stalls = metrics.get("max_stall_ms")
    slowest = Counter({name: count for name, count in group.slowest.items() if name})
    return Group(
        population=population,
        turns=group.turns,
        metrics=metrics,
        parts=_shares(group),
        slowest=tuple(slowest.most_common()),
        contention=_contention(group),
        continuity=group.continuous / group.turns if stalls is not None and stalls.measured else None,
        steadiness=steadiness,
        absences={name: absences[name] for name in names if name in absences},
    )


def _contention(group: _Group) -> Ratio | None:
    """None where there are too few turns of either kind."""
    alone, beside = (group.metrics.get(name) for name in ("chunk_rtf_alone", "chunk_rtf_beside"))
    if alone is None or beside is None or min(alone.samples.count, beside.samples.count) < MIN_TURNS[500]:
        return None
    return quantile_ratio(alone.samples.ordered(), beside.samples.ordered(), 500)


def _shares(group: _Group) -> tuple[PartShare, ...]:
    whole = sum(each.total for each in group.parts.values())
    if not whole:
        return ()
    shares = [
        PartShare(name, each.total / whole, each.count, each.distribution(group.turns))
        for name, each in group.parts.items()
    ]
    return tuple(sorted(shares, key=lambda part: (-part.share, part.name)))
