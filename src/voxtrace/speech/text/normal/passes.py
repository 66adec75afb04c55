"""All kinds one after the other, each over what the ones before made of the text."""

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
from voxtrace.speech.text.offsets import Normalised, replaced

Pass = Callable[[str, Language], Iterable[Run]]

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


def rewritten(text: str, language: Language) -> Normalised:
    """The text as it is spoken, and the way back."""
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
