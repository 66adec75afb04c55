"""Many turns as columns: one array for each number, so that a percentile of a hundred thousand takes milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from voxtrace.analysis.model import Measured
from voxtrace.analysis.record import HEAD_NUMBERS, HEAD_TEXTS, Packed, pack

T = TypeVar("T")
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint32]
"""Numbers of texts; what they say stands in `Columns.texts`."""

_FIXED_TEXTS, _FIXED_NUMBERS = len(HEAD_TEXTS), len(HEAD_NUMBERS)


class Ragged(Struct, frozen=True):
    """Some entries for each row: entry i belongs to row `rows[i]`."""

    rows: Ints
    words: Words


class Column(Struct, frozen=True):
    """One metric: its value in each row (NaN where there is none) and the text of its state (0 where it is absent)."""

    values: Floats
    states: Words
    present: Bools


class Columns(Struct, frozen=True):
    """Some turns. All arrays have one entry a turn, in one order, except the ragged ones."""

    request_ids: Sequence[str]
    session_ids: Sequence[str | None]
    started: Ints  # wall time in nanoseconds
    totals: Floats  # nanoseconds
    text_chars: Floats
    labels: Mapping[str, Words]  # those of `record.HEAD_TEXTS`
    metrics: Mapping[str, Column]
    parts: Ragged
    part_lengths: Floats  # waited nanoseconds of each entry of `parts`
    findings: Ragged
    texts: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.started)

    def words_of(self, label: str) -> list[str]:
        """The text of a label in each row."""
        return [self.texts[word] for word in self.labels[label].tolist()]

    def with_label(self, label: str, wanted: Iterable[str]) -> Bools:
        """Which rows have one of these texts."""
        return np.isin(self.labels[label], self.numbers_of(wanted))

    def with_finding(self, rules: Iterable[str]) -> Bools:
        """Which rows broke one of these rules."""
        found = np.zeros(len(self), np.bool_)
        found[self.findings.rows[np.isin(self.findings.words, self.numbers_of(rules))]] = True
        return found

    def numbers_of(self, wanted: Iterable[str]) -> Words:
        """The numbers of these texts, as far as the page has them."""
        known = frozenset(wanted)
        return np.array([number for number, text in self.texts.items() if text in known], np.uint32)


class Rows(Struct, frozen=True):
    """Records as a store gives them: bytes behind bytes, and how many belong to each turn."""

    request_ids: Sequence[str]
    session_ids: Sequence[str | None]
    started: Sequence[int]
    numbers: Sequence[bytes]
    words: Sequence[bytes]  # numbers of texts, 32 bits each, little-endian


def taken(page: Columns, rows: Bools) -> Columns:
    """These rows of a page, in their order."""
    kept, places = np.flatnonzero(rows).tolist(), np.cumsum(rows) - 1

    def ragged(of: Ragged) -> Ragged:
        return Ragged(places[of.rows[rows[of.rows]]], of.words[rows[of.rows]])

    return Columns(
        request_ids=[page.request_ids[row] for row in kept],
        session_ids=[page.session_ids[row] for row in kept],
        started=page.started[rows],
        totals=page.totals[rows],
        text_chars=page.text_chars[rows],
        labels={name: words[rows] for name, words in page.labels.items()},
        metrics={
            name: Column(column.values[rows], column.states[rows], column.present[rows])
            for name, column in page.metrics.items()
            if column.present[rows].any()
        },
        parts=ragged(page.parts),
        part_lengths=page.part_lengths[rows[page.parts.rows]],
        findings=ragged(page.findings),
        texts=page.texts,
    )


def used_words(rows: Rows) -> list[int]:
    """The numbers of all texts that these records name."""
    flat = np.frombuffer(b"".join(rows.words), "<u4")
    if not len(flat):
        return []
    is_used = np.zeros(int(flat.max()) + 1, np.bool_)
    is_used[flat] = True
    return np.flatnonzero(is_used).tolist()


def renumbered(codes: Words | Ints) -> Ints:
    """The same rows told apart by numbers from 0 without holes, in the order of the codes.

    As `numpy.unique` numbers them, without sorting: the codes are small, because texts are numbered as they come.
    """
    is_used = np.zeros(int(codes.max()) + 1 if len(codes) else 0, np.bool_)
    is_used[codes] = True
    numbers: Ints = (np.cumsum(is_used) - 1)[codes]
    return numbers


def first_places(codes: Ints) -> Ints:
    """Where each of the numbers that `renumbered` gives occurs first."""
    first = np.empty(int(codes.max()) + 1 if len(codes) else 0, np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # of several, the last one that is written stays
    return first


def columns_of(turns: Sequence[Measured]) -> Columns:
    """The columns of turns that are at hand."""
    vocabulary: dict[str, int] = {}
    packed = [pack(turn) for turn in turns]
    rows = Rows(
        [turn.request_id for turn in turns],
        [turn.session_id for turn in turns],
        [turn.started_wall_ns for turn in turns],
        [each.numbers for each in packed],
        [number_words(each, vocabulary) for each in packed],
    )
    return decode(rows, {number: text for text, number in vocabulary.items()})


def number_words(packed: Packed, vocabulary: dict[str, int]) -> bytes:
    """The texts of a record as numbers from 1; new ones join the vocabulary."""
    numbers = [vocabulary.setdefault(text, len(vocabulary) + 1) for text in packed.texts]
    return np.array(numbers, "<u4").tobytes()


def decode(rows: Rows, texts: Mapping[int, str]) -> Columns:
    """The columns of records; `texts` has all that `used_words` names."""
    numbers: Floats = np.frombuffer(b"".join(rows.numbers), "<f8")
    words: Words = np.frombuffer(b"".join(rows.words), "<u4")
    at_number, at_word = _begins(rows.numbers, 8), _begins(rows.words, 4)
    fixed = {name: numbers[at_number + place] for place, name in enumerate(HEAD_NUMBERS)}
    labels = {name: words[at_word + place] for place, name in enumerate(HEAD_TEXTS)}
    metrics, parts, findings = (fixed[name].astype(np.int64) for name in ("metrics", "parts", "findings"))
    part_rows, part_places = _entries(parts)
    finding_rows, finding_places = _entries(findings)
    first_part = at_word + _FIXED_TEXTS + metrics
    return Columns(
        request_ids=rows.request_ids,
        session_ids=rows.session_ids,
        started=np.asarray(rows.started, np.int64),
        totals=fixed["total"],
        text_chars=fixed["text_chars"],
        labels=labels,
        metrics=_metrics(labels["shape"], texts, (numbers, at_number), (words, at_word)),
        parts=Ragged(part_rows, words[first_part[part_rows] + part_places]),
        part_lengths=numbers[(at_number + _FIXED_NUMBERS + metrics)[part_rows] + part_places],
        findings=Ragged(finding_rows, words[(first_part + parts)[finding_rows] + finding_places]),
        texts=texts,
    )


def read_steps(rows: Rows, texts: Mapping[int, str]) -> tuple[list[list[float]], list[list[str]]]:
    """The numbers and the texts of each of these records, for who has to look at every turn by itself."""
    numbers = np.frombuffer(b"".join(rows.numbers), "<f8").tolist()
    words = [texts[word] for word in np.frombuffer(b"".join(rows.words), "<u4").tolist()]
    return _cut(numbers, rows.numbers, 8), _cut(words, rows.words, 4)


def _cut(values: list[T], blobs: Sequence[bytes], width: int) -> list[list[T]]:
    found, begin = [], 0
    for blob in blobs:
        end = begin + len(blob) // width
        found.append(values[begin:end])
        begin = end
    return found


def _begins(blobs: Sequence[bytes], width: int) -> Ints:
    """Where the values of each row begin when all stand behind each other."""
    lengths = np.fromiter(map(len, blobs), np.int64, len(blobs)) // width
    begins: Ints = np.cumsum(lengths) - lengths
    return begins


def _entries(counts: Ints) -> tuple[Ints, Ints]:
    """Of entries that stand behind each other, `counts` a row: the row of each and its place in the row."""
    rows = np.repeat(np.arange(len(counts)), counts)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)


def _metrics(
    shapes: Words, texts: Mapping[int, str], numbers: tuple[Floats, Ints], words: tuple[Words, Ints]
) -> dict[str, Column]:
    """Rows of one shape have the same metrics in the same places."""
    found: dict[str, Column] = {}
    size = len(shapes)
    known = np.flatnonzero(np.bincount(shapes)).tolist() if size else []
    for shape in known:
        rows = np.flatnonzero(shapes == shape)
        names = list(filter(None, texts[shape].split(",")))
        places = np.arange(len(names))[:, None]
        # All numbers of a row at once, because they lie next to each other.
        values = numbers[0][numbers[1][rows] + _FIXED_NUMBERS + places]
        states = words[0][words[1][rows] + _FIXED_TEXTS + places]
        for place, name in enumerate(names):
            column = found.get(name)
            if column is None:
                absent = np.full(size, np.nan), np.zeros(size, np.uint32), np.zeros(size, np.bool_)
                column = found[name] = Column(*absent)
            column.values[rows] = values[place]
            column.states[rows] = states[place]
            column.present[rows] = True
    return found
