"""The phonemes of texts that were spoken before: the first level of the caches, in each engine's own process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from voxtrace.speech.engines.espeak_phonemes import Clause
from voxtrace.speech.ports import Phonemes, Utterance

# Some 10,000 pieces. A process that speaks the same voice again has more use of them than of samples: the same
# words at another speed, or with another voice of that language, have the same phonemes.
MAX_BYTES = 8 * 1024 * 1024
# Of an entry beside its letters: a key, a tuple, and a place in the table.
ENTRY_OVERHEAD_BYTES = 300

Key = tuple[str, str]


class PhonemeCache:
    """Bounded by bytes; what was not asked for longest goes. Nothing in it grows old: a build is a process.

    Args:
        phonemise: text and language to clauses.
        max_bytes: 0 keeps nothing.
    """

    def __init__(self, phonemise: Callable[[str, str], Iterable[Clause]], max_bytes: int = MAX_BYTES) -> None:
        self._phonemise, self._max_bytes = phonemise, max_bytes
        self._kept: OrderedDict[Key, tuple[tuple[Clause, ...], int]] = OrderedDict()
        self._bytes = 0

    def find(self, utterance: Utterance, language: str) -> tuple[tuple[Clause, ...], Phonemes]:
        """The clauses of what shall be said, and whence they are.

        Raises:
            LookupError: the phonemiser has no such language.
        """
        if utterance.fresh:
            return tuple(self._phonemise(utterance.text, language)), self._state("bypass")
        key = (language, utterance.text)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept[0], self._state("hit")
        clauses = tuple(self._phonemise(utterance.text, language))
        self._keep(key, clauses)
        return clauses, self._state("miss")

    def _state(self, result: str) -> Phonemes:
        return Phonemes(result, len(self._kept), self._bytes)

    def _keep(self, key: Key, clauses: tuple[Clause, ...]) -> None:
        # IPA takes two bytes a letter, and so does text beyond Latin.
        size = ENTRY_OVERHEAD_BYTES + 2 * len(key[1]) + sum(100 + 2 * len(each.phonemes) for each in clauses)
        if size > self._max_bytes:
            return
        self._kept[key] = (clauses, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= gone
