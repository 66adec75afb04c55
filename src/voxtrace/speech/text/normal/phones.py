"""Telephone and other numbers that are said digit by digit."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.language import Language, Run

_CANDIDATE = re.compile(r"(?<![\w.,/:$€£+-])(?:\+|\(|(?=\d))[\d ()./\u00a0–-]{6,27}")
_FOLLOWED = re.compile(r"[\w%€$£]|[.,:]\d")  # it is no number to dial
_LONG = re.compile(r"(?<![\w.,/:$€£+-])\d{11,40}+(?![\w%]|[.,]\d)")
_GROUP = re.compile(r"\d{1,40}+")
_CARD = re.compile(r"\d{4}(?:[ -]\d{4}){2,4}")
# What a telephone number looks like where it does not begin with "+".
_SHAPES = {
    "en": re.compile(
        r"(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}|[2-9]\d{2}-\d{4}|1-\d{3}-\d{3}-\d{4}"
        r"|\(?0\d{2,5}\)? \d{3,8}(?: \d{3,4})?"
    ),
    "de": re.compile(r"\(?0\d{1,5}\)?(?:[ /-]{1,3}\d{2,9}){1,5}"),
    "es": re.compile(r"[6-9]\d{2}[ .-]\d{3}[ .-]\d{3}|[6-9]\d{2}(?:[ .-]\d{2}){3}|[6-9]\d[ .-]\d{3}(?:[ .-]\d{2}){2}"),
    "fr": re.compile(r"0\d(?:[ .-]\d{2}){4}"),
}


def digit_by_digit(text: str, language: Language) -> list[Run]:
    """Telephone numbers, card numbers and other long ones."""
    runs: list[Run] = []
    for found in _CANDIDATE.finditer(text):
        written = found[0].rstrip(" (./\u00a0–-")
        if written.count("(") < written.count(")"):
            written = written.removesuffix(")")
        end = found.start() + len(written)
        if is_telephone(written, language) and not _FOLLOWED.match(text, end):
            runs.append((found.start(), end, said_telephone(written, language)))
    runs += [(found.start(), found.end(), said_digits(found[0])) for found in _LONG.finditer(text)]
    return runs


def is_telephone(written: str, language: Language) -> bool:
    """Whether a number of several groups looks like one that is dialled, or that of a card."""
    count = sum(character.isdecimal() for character in written)
    if written.startswith("+"):
        return 7 <= count <= 15
    if _CARD.fullmatch(written):
        return True
    shape = _SHAPES.get(language.code)
    return shape is not None and count <= 15 and shape.fullmatch(written) is not None


def said_telephone(written: str, language: Language) -> str:
    """Digit by digit, with a pause between groups; in French by the pairs in which it is written."""
    plus = f"{language.signs.get('+', '+')} " if written.startswith("+") else ""
    groups = _GROUP.findall(written)
    pairs = language.code == "fr" and all(len(group) <= 2 for group in groups)
    return plus + ", ".join(group if pairs else said_digits(group) for group in groups)


def said_digits(digits: str) -> str:
    """Each digit by itself; a long row in groups of three and four."""
    if len(digits) <= 8:
        return " ".join(digits)
    cuts = range(0, len(digits), 4 if len(digits) % 4 == 0 else 3)
    step = cuts.step
    groups = [digits[cut : cut + step] for cut in cuts]
    if len(groups[-1]) == 1:  # no digit stays alone
        groups[-2:] = [groups[-2] + groups[-1]]
    return ", ".join(" ".join(group) for group in groups)
