"""Which characters of a source those of a text made from it stand for. Pure.

Kept as the few runs that were replaced; between them both texts are the same, only shifted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Edit(NamedTuple):
    """A run that was replaced: characters `source_begin` to `source_end` of the source became `begin` to `end`."""

    source_begin: int
    source_end: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text made from another one, and the way back. All spans are half-open."""

    text: str
    edits: tuple[Edit, ...] = ()  # in order, none inside another

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """Which characters of the source the characters `begin` to `end` stand for.

        Inside a replaced run it is the whole run. A run that was left out counts to neither neighbour.
        """
        first = self._source_begin(min(max(begin, 0), len(self.text)))
        last = self._source_end(min(max(end, 0), len(self.text)))
        return first, max(first, last)

    def after(self, before: Normalised) -> Normalised:
        """This text with the way back to the source of `before`, from whose text this one was made."""
        if not before.edits:
            return self
        if not self.edits:
            return Normalised(self.text, before.edits)
        return Normalised(self.text, tuple(_composed(before, self)))

    def _source_begin(self, position: int) -> int:
        index = bisect_right(self.edits, position, key=_begin) - 1
        if index < 0:
            return position
        edit = self.edits[index]
        return edit.source_begin if position < edit.end else position - edit.end + edit.source_end

    def _source_end(self, position: int) -> int:
        index = bisect_left(self.edits, position, key=_begin) - 1
        if index < 0:
            return position
        edit = self.edits[index]
        return edit.source_end if position <= edit.end else position - edit.end + edit.source_end


def replaced(text: str, runs: Iterable[tuple[int, int, str]]) -> Normalised:
    """`text` with each run (begin, end, what stands there now) replaced; runs are in order and apart."""
    parts: list[str] = []
    edits: list[Edit] = []
    done = length = 0
    for begin, end, instead in runs:
        parts.append(text[done:begin])
        length += begin - done
        parts.append(instead)
        edits.append(Edit(begin, end, length, length + len(instead)))
        length += len(instead)
        done = end
    if not edits:
        return Normalised(text)
    parts.append(text[done:])
    return Normalised("".join(parts), tuple(edits))


def joined(parts: Sequence[tuple[Normalised, int]]) -> Normalised:
    """Texts made from neighbouring stretches of one source, as one; each with its stretch's length in characters."""
    texts: list[str] = []
    edits: list[Edit] = []
    source = length = 0
    for made, source_chars in parts:
        edits.extend(Edit(a + source, b + source, c + length, d + length) for a, b, c, d in made.edits)
        texts.append(made.text)
        source += source_chars
        length += len(made.text)
    return Normalised("".join(texts), tuple(edits))


def _begin(edit: Edit) -> int:
    return edit.begin


def _composed(before: Normalised, after: Normalised) -> Iterable[Edit]:
    """One edit for each group of edits that meet in the text between; a group's ends lie inside no edit."""
    between = sorted(
        [(edit.begin, edit.end, 0) for edit in before.edits]
        + [(edit.source_begin, edit.source_end, 1) for edit in after.edits]
    )
    groups: list[list[int]] = []
    for begin, end, _ in between:
        # Touching is meeting where one of the two is empty: which of them comes first cannot be told later.
        if groups and (begin < groups[-1][1] or (begin == groups[-1][1] and (begin == end or _is_empty(groups[-1])))):
            groups[-1][1] = max(groups[-1][1], end)
        else:
            groups.append([begin, end])
    forward = _Shift([(edit.source_begin, edit.source_end, edit.begin, edit.end) for edit in after.edits])
    back = _Shift([(edit.begin, edit.end, edit.source_begin, edit.source_end) for edit in before.edits])
    for begin, end in groups:
        yield Edit(*back.span(begin, end), *forward.span(begin, end))


def _is_empty(group: Sequence[int]) -> bool:
    return group[0] == group[1]


class _Shift:
    """Where the ends of a span lie in the other text, which may only touch the runs that were replaced."""

    def __init__(self, runs: list[tuple[int, int, int, int]]) -> None:
        self._runs = runs
        self._index = self._offset = 0

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Of spans in order: the runs that touch it count to it."""
        while self._index < len(self._runs) and self._runs[self._index][1] < begin:
            self._advance()
        first = begin + self._offset
        while self._index < len(self._runs) and self._runs[self._index][1] <= end:
            self._advance()
        return first, end + self._offset

    def _advance(self) -> None:
        _, end, _, other_end = self._runs[self._index]
        self._offset = other_end - end
        self._index += 1
