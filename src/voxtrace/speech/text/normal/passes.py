"""All kinds one after the other, each over what the ones before made of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

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


class Kind(NamedTuple):
    """One pass, and what a text must hold to be worth it: a first look costs a tenth of the pass."""

    trace: re.Pattern[str]
    read: Pass


def _kind(trace: str, read: Pass) -> Kind:
    return Kind(re.compile(trace), read)


_DIGIT = re.compile(r"[\d²³½⅓⅔¼¾⅕-⅞⅐⅑⅒]")

_CHARACTERS = (_kind("", signs.invisible), _kind("[^\\w\\s'’‘“”„«»…–—]", signs.emoji))
_MARKUP = (
    _kind(r"\n|\A[ \t]{0,12}(?:[#>|`~*+_=•◦▪‣·-]|\d)| \|", markup.lines),
    _kind(r"[\[<]", markup.links),
    _kind("&", markup.entities),
    _kind(r"[\\`*_~]", markup.marks),
)
_NUMBERS = (
    _kind(r"\d[-/.]|\d(?:er|º|st|nd|rd|th)?[ \u00a0][^\W\d_]|[^\W\d_]\.?[ \u00a0]\d", calendar.dates),
    _kind("[–-]", calendar.weekdays),
    _kind(r"\d[\d ()./\u00a0–-]{5}|\(\d", phones.digit_by_digit),
    _kind(r"\d[\u00a0\u202f\u2009'’ ]\d", numbers.ungrouped),
    _kind(r"\d[ \u00a0\u202f\u2009]?[:h.UapAP]", clock.times),
    _kind(r"[$€£¥₹₽₩₿₺₪ł/]|[A-Z]{3}|Fr\.", quantities.money),
    _kind(r"\d%?[ \u00a0\u202f\u2009]?[-–—:]", numerals.ranges),
    _kind("[/⁄½⅓⅔¼¾⅕-⅞⅐⅑⅒]", numerals.fractions),
    _kind(r"[x×]|0X|\d['’′]", numerals.sizes),
    _kind(r"\d['’]?(?:s|er)", calendar.decades),
    _kind(r"\d[ \u00a0\u202f\u2009-]?[^\W\d_]|\d[ \u00a0\u202f\u2009-]?[°µμΩ″′]", quantities.units),
    _kind(r"[\^²³#]|\d\.\d", numerals.powers),
    _kind(r"\d[.ºª°a-zè]", ordinals.ordinals),
    _kind(r"(?:1[1-9]|20)\d\d", calendar.years),
    _kind(r"(?<!\d)1 [^\W\d_]", numerals.ones),
    _kind(r"\d[.,]\d|[-−]\s?\d", numerals.plain_numbers),
)
_WORDS = (
    _kind("[IVX]", ordinals.romans),
    _kind(r"\.|[A-Z]{2}|[nNcCwW][°º/]|[№§]", words.abbreviations),
    _kind(r"[^\W\d_]\. ?[^\W\d_]", words.initials),
    _kind(r"[:;<^][^\s\w]|[:;<xX][DPpOo3]", signs.smileys),
    _kind(r"[=<>→⇒←↔↑↓≈≠≤≥×÷±∈√‰∞∑∆¢™®©*~#&|/\\^_]| - ", signs.signs),
)
_ADDRESSES = (_kind(r"[/@#]|[^\W\d_]\.\w|\w\.[^\W\d_]", addresses.addresses),)


def load_tables(language: Language) -> None:
    """Make what is made once for each language."""
    words.abbreviations_of(language)
    numerals.ones_of(language)


def rewritten(text: str, language: Language) -> Normalised:
    """The text as it is spoken, and the way back."""
    made = Normalised(text)
    if not text.isascii():
        made = Normalised(signs.plain_characters(text))
        made = _passed(made, language, _CHARACTERS)
    made = _passed(made, language, _MARKUP)
    made = _passed(made, language, _ADDRESSES)
    if _DIGIT.search(made.text):
        made = _passed(made, language, _NUMBERS)
    return _passed(made, language, _WORDS)


def _passed(made: Normalised, language: Language, kinds: Iterable[Kind]) -> Normalised:
    for kind in kinds:
        if kind.trace.search(made.text) and (runs := kind.read(made.text, language)):
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
