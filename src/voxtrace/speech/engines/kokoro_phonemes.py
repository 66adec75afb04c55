"""Kokoro's alphabet: which number each phoneme has, and how espeak-ng's IPA is written in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple

from voxtrace.speech.engines.alignment import NOBODY
from voxtrace.speech.engines.espeak_phonemes import TIE, Clause, holds_sound

MAX_TOKENS: Final = 510  # the model's context is 512 with the padding on both sides (hexgrad/kokoro, pipeline.py)
PADDING: Final = 0  # in front and behind (hexgrad/kokoro, model.py)

# `vocab` of Kokoro-82M v1.0's config.json, in runs of consecutive numbers. Version 0.19 gives the symbols that
# both have the same numbers.
# fmt: off
_RUNS: Final = {
    1: ";:,.!?", 9: "\u2014\u2026\"()\u201c\u201d", 16: " \u0303ʣʥʦʨᵝꭧAI", 31: "O", 33: "Q", 35: "ST", 39: "W",
    41: "Yᵊabcdef", 50: "hijklmnopqrstuvwxyzɑɐɒæ", 75: "βɔɕç", 80: "ɖðʤə", 85: "ɚɛɜ", 90: "ɟ", 92: "ɡ", 99: "ɥ",
    101: "ɨɪʝ", 110: "ɯɰŋɳɲɴø", 118: "ɸθœ", 123: "ɹ", 125: "ɾɻ", 128: "ʁɽʂʃʈʧ", 135: "ʊʋ", 138: "ʌɣɤ", 142: "χʎ",
    147: "ʒʔ", 156: "ˈˌː", 162: "ʰ", 164: "ʲ", 169: "↓", 171: "→↗↘", 177: "ᵻ",
}
VOCABULARY: Final[Mapping[str, int]] = {
    symbol: first + offset for first, symbols in _RUNS.items() for offset, symbol in enumerate(symbols)
}

# How the model writes what espeak-ng says (hexgrad/misaki, espeak.py); the longest are replaced first.
_SOUNDS: Final = {
    "a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "ɔ^ɪ": "Y", "o^ʊ": "O", "ə^ʊ": "Q",
    "d^z": "ʣ", "d^ʒ": "ʤ", "s^s": "S", "t^s": "ʦ", "t^ʃ": "ʧ",
}
_ENGLISH: Final = {
    "ʔˌn\u0329": "tᵊn", "ʔn\u0329": "tᵊn", "ʔn": "tᵊn", "ʔ": "t", "ə^l": "ᵊl", "ɚ": "əɹ", "r": "ɹ", "x": "k", "ç": "k",
    "ɐ": "ə", "ɬ": "l", "ʲ": "", "\u0303": "",
}
_AMERICAN: Final = {"ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪ^ə": "iə", "ː": ""}
_BRITISH: Final = {"e^ə": "ɛː", "i^ə": "ɪə"}
_SPELLINGS: Final = {
    "en-us": {**_SOUNDS, **_ENGLISH, **_AMERICAN},
    "en-gb": {**_SOUNDS, **_ENGLISH, **_BRITISH},
}
# fmt: on
_SYLLABIC = re.compile("(\\S)\u0329")  # "n" with a stroke below: a schwa is heard in front of it

SENTENCE_ENDS, CLAUSE_ENDS = ".!?\u2026", ",;:\u2014"


def spell(clauses: Iterable[Clause], language: str) -> str:
    """Tied IPA in Kokoro's alphabet, one space between clauses."""
    return " ".join(spell_clause(clause, language) for clause in clauses)


def spell_clause(clause: Clause, language: str) -> str:
    """One clause; its words are as many as espeak-ng's, and stand between spaces."""
    sounds, spelling = _sounds_of(language)
    spelt = sounds.sub(lambda found: spelling[found[0]], clause.phonemes)
    return _SYLLABIC.sub("ᵊ\\1", spelt).replace(TIE, "").replace("-", "") + clause.mark


@cache
def _sounds_of(language: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    spelling = _SPELLINGS.get(language, _SOUNDS)
    return re.compile("|".join(sorted(map(re.escape, spelling), key=len, reverse=True))), spelling


def tokens_of(phonemes: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The numbers of the phonemes; what the model was never taught is left out."""
    return [vocabulary[each] for each in phonemes if each in vocabulary]


class Run(NamedTuple):
    """What a model is given at once."""

    tokens: list[int]
    owners: list[int]  # the group of phonemes that each belongs to


def split(phonemes: str, vocabulary: Mapping[str, int], limit: int = MAX_TOKENS) -> list[list[int]]:
    """The tokens in runs of at most `limit`: cut after a sentence, else after a clause, else between words."""
    return [run.tokens for run in runs_of(phonemes, vocabulary, limit)]


def runs_of(phonemes: str, vocabulary: Mapping[str, int], limit: int = MAX_TOKENS) -> list[Run]:
    """The same, with the group of each token: groups stand between spaces; a mark belongs to none."""
    groups = _groups_in(phonemes)
    known = [(each, group) for each, group in zip(phonemes, groups, strict=True) if each in vocabulary]
    rest = "".join(each for each, _ in known)
    if not holds_sound(rest):
        return []  # of a stop alone the model makes some noise
    runs, at = [], len(rest) - len(rest.lstrip())
    rest = rest.strip()
    while rest:
        cut = _cut_of(rest, limit)
        said = rest[:cut].strip()
        runs.append(Run(tokens_of(said, vocabulary), [group for _, group in known[at : at + len(said)]]))
        left = rest[cut:].strip()
        at, rest = at + len(rest) - len(left), left
    return runs


def _cut_of(rest: str, limit: int) -> int:
    if len(rest) <= limit:
        return len(rest)
    head = rest[:limit]
    ends = (1 + max(map(head.rfind, marks)) for marks in (SENTENCE_ENDS, CLAUSE_ENDS, " "))
    return next((found for found in ends if found > 1), limit)


def _groups_in(phonemes: str) -> list[int]:
    groups, group = [], 0
    for each in phonemes:
        group += each == " "
        groups.append(NOBODY if each == " " or each in SENTENCE_ENDS or each in CLAUSE_ENDS else group)
    return groups
