"""What a voice is to say for what is written: numbers, money, dates, addresses, markup and signs as words.

Pure, and a function of one piece's text alone. Plain prose comes back as it is, and soon: somebody waits for
the first piece. Each kind is a pass of its own over what the passes before made of the text; what one left
in digits the next may read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from voxtrace.speech.text.normal import (
    addresses,
    calendar,
    clock,
    markup,
    numbers,
    numerals,
    ordinals,
    phones,
    quantities,
    signs,
    words,
)
from voxtrace.speech.text.normal.language import Language, Run
from voxtrace.speech.text.normal.languages import language_of
from voxtrace.speech.text.offsets import Edit, Normalised, replaced
from voxtrace.speech.text.say_as import SAY_AS, UnknownSayAs, say_as

# Goes into the keys of every cache of speech: raised when any text is read otherwise than before.
NORMALISER_VERSION = "1"

__all__ = ["NORMALISER_VERSION", "SAY_AS", "Edit", "Normalised", "UnknownSayAs", "normalise", "say_as"]

Pass = Callable[[str, Language], Iterable[Run]]

# Anything else than letters, spaces and the signs of a sentence.
_ODD = re.compile("[^A-Za-z ,.;:!?'\"()À-ÖØ-öø-ÿœŒ’‘“”„«»…¿¡–—-]")
# Two capitals, or one that may be a number; in English "I" is no reason to look closer.
_CAPITALS = re.compile(r"[A-Z](?:[A-Z]|(?<= [VX])(?!\w))")
_CAPITALS_WITH_I = re.compile(r"[A-Z](?:[A-Z]|(?<= [IVX])(?:(?!\w)|er))")
_DIGIT = re.compile(r"[\d½⅓⅔¼¾⅕-⅞⅐⅑⅒]")

_MARKUP: tuple[Pass, ...] = (markup.lines, markup.links, markup.entities, markup.marks)
_NUMBERS: tuple[Pass, ...] = (
    calendar.dates,
    phones.digit_by_digit,
    numbers.ungrouped,
    clock.times,
    quantities.money,
    numerals.ranges,
    numerals.fractions,
    numerals.sizes,
    calendar.decades,
    quantities.units,
    numerals.powers,
    ordinals.ordinals,
    calendar.years,
    numerals.plain_numbers,
)
_WORDS: tuple[Pass, ...] = (ordinals.romans, words.abbreviations, signs.smileys, signs.signs)


def normalise(text: str, language: str) -> Normalised:
    """What is to be spoken for one piece of text.

    Args:
        text: a piece; never cut inside a number or an address.
        language: a BCP 47 tag such as "en-us", "es-419" or "ja". Of one that is not known here only what
            holds in every language is rewritten.
    """
    capitals = _CAPITALS if language[:2] == "en" else _CAPITALS_WITH_I
    if _ODD.search(text) is None and text.find(".", 0, -2) < 0 and capitals.search(text) is None:
        return Normalised(text)
    return _rewritten(text, language_of(language))


def _rewritten(text: str, language: Language) -> Normalised:
    made = Normalised(text)
    if not text.isascii():
        made = Normalised(signs.plain_characters(text))
        made = _passed(made, language, (signs.invisible, signs.emoji))
    made = _passed(made, language, _MARKUP)
    made = _passed(made, language, (addresses.addresses,))
    if _DIGIT.search(made.text):
        made = _passed(made, language, _NUMBERS)
    return _passed(made, language, _WORDS)


def _passed(made: Normalised, language: Language, passes: Iterable[Pass]) -> Normalised:
    for each in passes:
        if runs := each(made.text, language):
            made = replaced(made.text, _apart(runs)).after(made)
    return made


def _apart(runs: Iterable[Run]) -> list[Run]:
    """In order; of two that meet the first, and of two that begin together the longer one."""
    kept: list[Run] = []
    for run in sorted(runs, key=_begin_then_longest):
        if not kept or run[0] >= kept[-1][1]:
            kept.append(run)
    return kept


def _begin_then_longest(run: Run) -> tuple[int, int]:
    return run[0], -run[1]
