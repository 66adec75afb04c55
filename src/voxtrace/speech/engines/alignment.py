"""When a neural model says each word, where the model tells how long each of its tokens lasts.

espeak-ng's phonemes come in groups between spaces, mostly one for each word of the text. A number is several groups,
and some words share one ("of the"): then they are told as one, for where the second begins nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxtrace.speech.engines.espeak_phonemes import Clause, letters_in
from voxtrace.speech.ports import Word
from voxtrace.speech.words import Span, Tokens

NOBODY = -1  # the group of a token that belongs to no word, such as a mark or a space
# Letters that may be more or fewer within a sentence than in the word alone, of ten.
TOLERANCE = 4
MOST_TOGETHER = 3  # words that may share a group


class Unit(NamedTuple):
    """A word, or several that are said as one, and its groups of phonemes, counted through the text."""

    begin: int  # characters of the text
    end: int
    first: int  # its first group
    last: int


def units_of(text: str, clauses: Sequence[Clause], alone: Callable[[str], list[int]]) -> list[Unit]:
    """The words of a text with their groups.

    Args:
        text: that was phonemised.
        clauses: its phonemes.
        alone: the letters of each group of one word, when nothing stands around it.
    """
    tokens, units = Tokens(text), list[Unit]()
    waiting, group = list(tokens.spans), 0
    for number, clause in enumerate(clauses):
        is_last = number == len(clauses) - 1
        # espeak has read up to one character beyond the clause.
        words = [each for each in waiting if is_last or each.begin < clause.end - 1]
        waiting = waiting[len(words) :]
        groups = [letters_in(each) for each in clause.phonemes.split(" ")]
        for begin, end, first, last in _matched(text, words, groups, alone):
            span = tokens.trimmed(begin, end)
            units.append(Unit(span.begin, span.end, group + first, group + last))
        group += len(groups)
    return units


def _matched(
    text: str, words: Sequence[Span], groups: Sequence[int], alone: Callable[[str], list[int]]
) -> Iterator[tuple[int, int, int, int]]:
    if len(words) == len(groups) and all(_is_plain(text[each.begin : each.end]) for each in words):
        yield from ((each.begin, each.end, place, place) for place, each in enumerate(words))
        return
    said = [(each, alone(text[each.begin : each.end])) for each in words]
    said = [(each, letters) for each, letters in said if sum(letters)]  # a lone sign may not be said at all
    at, group = 0, 0
    while at < len(said) and group < len(groups):
        begin = said[at][0].begin
        taken, together = _take(said[at:], groups[group:])
        is_last = at + together >= len(said)
        end = said[at + together - 1][0].end
        until = len(groups) if is_last else min(group + taken, len(groups))
        yield begin, end, group, until - 1
        at, group = at + together, until


def _take(said: Sequence[tuple[Span, list[int]]], groups: Sequence[int]) -> tuple[int, int]:
    """How many groups the next words take, and how many words these are."""
    letters = said[0][1]
    most = sum(letters)
    # (letters too many or too few, groups, words): the nearest, and of equals the one with the fewest words.
    ways = [(abs(most - sum(groups[: len(letters)])), len(letters), 1)]
    for together, (_, more) in enumerate(said[1:MOST_TOGETHER], 2):
        most += sum(more)
        ways.append((abs(most - groups[0]), 1, together))
    off, taken, together = min(ways, key=lambda way: (way[0], way[2]))
    if off * 10 <= TOLERANCE * max(sum(letters), 3):
        return taken, together
    # Said otherwise than alone: as many groups as come nearest.
    return int(np.argmin(np.abs(np.cumsum(groups) - sum(letters)))) + 1, 1


def _is_plain(word: str) -> bool:
    return word.strip("\"'.,;:!?()[]“”‘’«»").replace("'", "").replace("’", "").isalpha()


def usable_lengths(found: NDArray[Any] | None, tokens: int) -> NDArray[np.float64] | None:
    """What a model tells of its tokens, one number each, in any unit; None where it is nothing of that kind."""
    if found is None or found.size != tokens or found.dtype.kind not in "iuf":
        return None
    lengths = found.astype(np.float64).ravel()
    return lengths if np.isfinite(lengths).all() and (lengths >= 0).all() and lengths.sum() > 0 else None


class WordPlaces:
    """Places the words of one utterance in the waves that a model makes of it, one after the other."""

    def __init__(self, units: Sequence[Unit], tempo: float) -> None:
        """
        Args:
            units: the words.
            tempo: at which the waves are played afterwards.
        """
        self._units, self._tempo = list(units), tempo
        self._samples = 0  # of the waves before

    def next_wave(self, owners: Sequence[int], lengths: NDArray[np.float64] | None, samples: int) -> list[Word]:
        """The words that end in a wave of so many samples.

        Args:
            owners: the group of each token.
            lengths: of each token, in shares of the wave.
            samples: of the wave.
        """
        before, self._samples = self._samples, self._samples + samples
        words: list[Word] = []
        if lengths is None:
            return words
        ends = np.cumsum(lengths) * (samples / lengths.sum())
        groups = np.asarray(owners)
        highest = groups.max(initial=NOBODY)
        while self._units and self._units[0].last <= highest:
            unit = self._units.pop(0)
            own = np.flatnonzero((groups >= unit.first) & (groups <= unit.last))
            if own.size:
                at = ends[own[0] - 1] if own[0] else 0.0
                times = (before + at) / self._tempo, (before + ends[own[-1]]) / self._tempo
                words.append(Word(unit.begin, unit.end, *map(round, times)))
        return words
