"""How a number is written: which of its signs groups thousands, and which begins the decimals."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.language import Language

# Grouped by thousands, as in India by hundreds of thousands, or plain; no more digits than anybody would say as one
# number.
_INDIAN = r"\d{1,2}(?:,\d\d(?=,)){1,6}+,\d{3}(?:\.\d{1,15})?+(?!\d)"
NUMBER = rf"(?:{_INDIAN}|\d{{1,3}}(?:[.,]\d{{3}}){{1,9}}+(?:[.,]\d{{1,15}})?+(?!\d)|\d{{1,18}}+(?:[.,]\d{{1,15}}+)?+)"
NO_DIGIT_BEFORE = r"(?<!\d)(?<!\d[.,])"
# Spaces that stand inside a number, an amount or a time.
SPACE = "[ \u00a0\u202f\u2009]"
_NOT_SPACE_BETWEEN = re.compile(r"(?<![\d.,])\d{1,3}(?:[\u00a0\u202f\u2009'’]\d{3}){1,9}+(?![\d'’])")
_SPACE_BETWEEN = re.compile(r"(?<![\d.,])(?<!\d )\d{1,3}(?: \d{3}){1,9}+(?! ?\d)")


def parts_of(written: str, language: Language) -> tuple[str, str]:
    """The digits in front of the decimal sign, and those behind it, "" where there is none."""
    first = min(written.find("."), written.find(","), key=lambda place: place if place >= 0 else len(written))
    if first < 0:
        return written, ""
    sign = written[first]
    last = max(written.rfind("."), written.rfind(","))
    if written[last] != sign:
        return _digits(written[:last]), written[last + 1 :]
    if written.count(sign) > 1:
        return _digits(written), ""
    whole, part = written[:first], written[first + 1 :]
    if sign != language.decimal and len(part) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0"):
        return whole + part, ""
    return whole, part


def plainly(written: str, language: Language) -> str:
    """The number in digits, with the language's decimal sign, thousands not grouped."""
    whole, part = parts_of(written, language)
    return f"{whole}{language.decimal}{part}" if part else whole


def ungrouped(text: str, language: Language) -> list[tuple[int, int, str]]:
    """Runs: thousands grouped by spaces and apostrophes, which espeak-ng takes for several numbers."""
    runs = []
    for found in (_SPACE_BETWEEN if language.spaces_group else _NOT_SPACE_BETWEEN).finditer(text):
        runs.append((found.start(), found.end(), _digits(found[0])))
    if language.spaces_group:
        for found in _NOT_SPACE_BETWEEN.finditer(text):
            runs.append((found.start(), found.end(), _digits(found[0])))
        runs.sort()
    return runs


def _digits(written: str) -> str:
    return "".join(filter(str.isdecimal, written))
