"""Which pieces will be asked for again although they are not kept any more: learnt from use, never from guesses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from voxtrace.errors import InvalidOption
from voxtrace.speech.cache.uses import Uses
from voxtrace.speech.ports import Utterance

# Popular pieces whose words are remembered: some hundred bytes each.
MAX_POPULAR = 2_000


@dataclass(frozen=True, slots=True)
class FillOptions:
    """When and how much is filled ahead of use."""

    min_uses: int = 3  # a piece must have been asked for so often
    batch: int = 10  # pieces a turn
    every_s: float = 5.0  # how long engines must have had nothing to do between two looks

    def __post_init__(self) -> None:
        if self.min_uses < 2:
            raise InvalidOption("cache_min_uses", self.min_uses, "a piece that was asked for once predicts nothing")
        if self.batch < 1:
            raise InvalidOption("cache_batch", self.batch, "must be at least 1")


@dataclass(slots=True)
class Popular:
    """The words of the pieces that are asked for often, in a table of bounded size."""

    uses: Uses
    options: FillOptions = field(default_factory=FillOptions)
    _words: OrderedDict[str, Utterance] = field(default_factory=OrderedDict)

    def note(self, key: str, utterance: Utterance) -> None:
        """`key` was asked for."""
        if self.uses.of(key) < self.options.min_uses:
            return
        self._words[key] = utterance
        self._words.move_to_end(key)
        if len(self._words) > MAX_POPULAR:
            self._words.popitem(last=False)

    def missing(self, is_kept: Callable[[str], bool]) -> list[tuple[str, Utterance]]:
        """Popular pieces that are not kept, most used first, at most one batch."""
        wanted = [(key, said) for key, said in self._words.items() if not is_kept(key)]
        wanted.sort(key=lambda each: -self.uses.of(each[0]))
        return wanted[: self.options.batch]

    def most_used(self, limit: int) -> list[tuple[str, Utterance, int]]:
        """The most used pieces with their uses, for people."""
        found = [(key, said, self.uses.of(key)) for key, said in self._words.items()]
        return sorted(found, key=lambda each: -each[2])[:limit]

    def __len__(self) -> int:
        return len(self._words)
