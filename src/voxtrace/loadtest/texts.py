"""What is spoken under load: sentences of four lengths, each new or one of a few that come again.

A made-up word stands in every piece that a server may cut, because caches keep pieces as well as whole texts: in new
texts it is a new one, in repeated texts always the same. It has the same length in both, so that they cost the same
to speak, and begins with a plosive: after a soft consonant speech is audible some 20 ms later, and that would be
measured as a difference between runs.
"""

from __future__ import annotations

from random import Random
from typing import Literal

Class = Literal["short", "medium", "long", "complex", "article"]
CLASSES: tuple[Class, ...] = ("short", "medium", "long", "complex", "article")
REPEATED_TEXTS = 8  # different texts of a class where texts are repeated

# Characters that a text of the class has at least; `short` is one sentence. An article is as long as one
# request may be (4,096), with room for its last sentence.
_LEAST_CHARS: dict[Class, int] = {"short": 0, "medium": 200, "long": 1_000, "complex": 300, "article": 3_900}

_OBJECTS = ("the river", "my neighbour", "an old clock", "the morning train", "a small dog", "our garden")
_VERBS = ("waits for", "looks at", "reminds me of", "runs beside", "listens to", "belongs to")
_ENDS = ("today", "again", "in the rain", "before noon", "as always", "at the corner")
_COMPLEX = (
    "Dr. Lee paid $1,234.56 for no. 7 at 09:45 on 2024-03-15",
    "see https://example.com/a?b=1 or write to info@example.com, e.g. about 3.14 m",
    "(the U.S. team, 5th of 12, won 3:2; i.e. by one goal)",
    "room 4B, floor -1, is 12.5 % larger than the 1st one — isn't it",
)
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_SYLLABLES = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]
_NUMBER_SYLLABLES = 3  # 70^3: more than the requests of any run
_RUN_SYLLABLES = 3
_PLOSIVE = "ba"
REPEATED_RUN = "lalala"


def text_of(kind: Class, seed: int, number: int, run: str | None) -> str:
    """The text of request `number`: new in every run named `run`, or one of the repeated ones where that is None."""
    which = number % REPEATED_TEXTS if run is None else number
    chance = Random(f"{seed}/{kind}/{which}")
    word = f"{_PLOSIVE}{REPEATED_RUN if run is None else run}{_syllables(which)}".capitalize()
    sentences: list[str] = []
    while not sentences or len(" ".join(sentences)) < _LEAST_CHARS[kind]:
        sentences.append(_sentence(kind, chance, word))
    return " ".join(sentences)


def run_word(chance: Random) -> str:
    """A made-up word that tells the texts of one run from those of every other."""
    return "".join(chance.choice(_SYLLABLES) for _ in range(_RUN_SYLLABLES))


def _sentence(kind: Class, chance: Random, word: str) -> str:
    if kind == "complex":
        return f"{word} {chance.choice(_COMPLEX)} {word}."  # it may be cut at its commas
    said = f"{word} {chance.choice(_VERBS)} {chance.choice(_OBJECTS)}"
    return f"{said}." if kind == "short" else f"{said} {chance.choice(_ENDS)}."


def _syllables(number: int) -> str:
    said = ""
    for _ in range(_NUMBER_SYLLABLES):
        number, digit = divmod(number, len(_SYLLABLES))
        said = _SYLLABLES[digit] + said
    return said
