"""Ordinals, in digits and as Roman numerals, and Roman numerals for plain numbers."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.language import Language, Run

_ENGLISH = re.compile(r"(?<![\w.,])(?P<thousands>\d{1,3}),?000th(?!\w)")
_FRENCH = re.compile(r"(?<![\w.,/:])(?P<number>\d{1,4})(?P<end>ers?|ères?|res?|nde?s?|i?èmes?|es?)(?!\w)")
_SPANISH = re.compile(
    r"(?<![\w.,/:])(?P<number>\d{1,3})(?:\.?(?P<mark>º|ª|°(?=[ ]|$))"
    r"|\.?(?P<end>er|ro|ra|do|da|to|ta|mo|ma|vo|va|no|na)(?!\w))"
)
_GERMAN = re.compile(
    r"(?P<before>[^\W\d_]{1,12})? ?(?<![\w.,/:-])(?P<number>\d{1,6})\.(?P<after>[ \u00a0][^\W\d_]|(?=,))"
)
_BEFORE_ORDINAL = frozenset(
    "am im vom zum zur beim dem den des der die das ein eine einen einem eines einer jede jeder jedes jeden jedem ins "
    "dieser diese dieses diesen diesem sein seine seinen ihr ihre ihren ihrem seinem mein meine unser unsere".split()
)
_ROMAN = re.compile(
    r"(?<![\w.-])(?P<word>[^\W\d_]{2,12}) (?P<roman>[IVXL]{1,7})(?P<end>er)?(?P<stop>\.(?= ?[a-zäöü]|,))?(?![\w-])"
)
_ALONE = re.compile(
    r"(?<![\w.'’&/-])(?:II|III|IV|VII|VIII|IX|XI|XII|XIII|XIV|XV|XVI|XVII|XVIII|XIX|XXI?|XXII?I?|XXIV)(?![\w'’&/-])"
)
_DRIP = re.compile(r"\b[aA]n \Z")  # no number begins with a vowel there
_CENTURY = re.compile(r"(?<![\w.-])(?P<roman>[IVX]{1,5})(?P<end>er|re|e|ème)(?!\w)")
_CANONICAL = re.compile(r"(?=.)C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def roman_value(numeral: str) -> int:
    """The number of a Roman numeral; 0 where it is not one."""
    if not _CANONICAL.fullmatch(numeral):
        return 0
    values = [_VALUES[letter] for letter in numeral]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))


def ordinals(text: str, language: Language) -> list[Run]:
    """Ordinals in digits that espeak-ng does not read as such."""
    say = language.ordinal
    if say is None:
        return []
    if language.code == "en":
        return [(m.start(), m.end(), f"{m['thousands']} thousandth") for m in _ENGLISH.finditer(text)]
    if language.code == "fr":
        return [
            (m.start(), m.end(), _french(int(m["number"]), m["end"], say(int(m["number"]), "f")))
            for m in _FRENCH.finditer(text)
        ]
    if language.code == "es":
        runs = []
        for found in _SPANISH.finditer(text):
            mark = found["mark"] or found["end"]
            form = "f" if mark in ("ª", "ra", "da", "ta", "ma", "va", "na") else "er" if mark == "er" else "m"
            runs.append((found.start(), found.end(), say(int(found["number"]), form)))
        return runs
    return [run for found in _GERMAN.finditer(text) if (run := _german(found, language))]


def _french(number: int, end: str, feminine: str) -> str:
    many = "s" if end.endswith("s") else ""
    if number == 1:
        return (feminine if end[0] in "èr" else "premier") + many
    if number == 2 and end.startswith("nd"):
        return ("seconde" if "e" in end else "second") + many
    return f"{number}ème{many}"


def _german(found: re.Match[str], language: Language) -> Run | None:
    """A number with a full stop is an ordinal where an article stands before it, or the sentence goes on."""
    assert language.ordinal is not None
    before = (found["before"] or "").lower()
    if before not in _BEFORE_ORDINAL and not (found["after"][-1:].islower() and found.start("number") > 0):
        return None
    said = language.ordinal(
        int(found["number"]), "des" if before in ("seinem", "ihrem", "seinen", "ihren", "einer") else before
    )
    return found.start("number"), found.end("number") + 1, said


def romans(text: str, language: Language) -> list[Run]:
    """Roman numerals that are certainly such: behind a chapter's or a ruler's name, or long enough."""
    if language.ordinal is None:
        return []
    runs: list[Run] = []
    for found in _ROMAN.finditer(text):
        if said := _named(found, language):
            # In German the full stop is the ordinal's; elsewhere it is the sentence's.
            end = found.end() if language.code == "de" or not found["stop"] else found.start("stop")
            runs.append((found.start("roman"), end, said))
    if language.code == "fr":
        for found in _CENTURY.finditer(text):
            if value := roman_value(found["roman"]):
                runs.append((found.start(), found.end(), _french(value, found["end"], "première")))
    for found in _ALONE.finditer(text):
        is_drip = found[0] == "IV" and _DRIP.search(text, max(0, found.start() - 3), found.start())
        runs.append((found.start(), found.end(), "I V" if is_drip else str(roman_value(found[0]))))
    return runs


def _named(found: re.Match[str], language: Language) -> str:
    """What a Roman numeral is called behind its word; "" where it may be something else."""
    assert language.ordinal is not None
    word, value = found["word"].lower(), roman_value(found["roman"])
    if not value or found["roman"] == "L" or (found["roman"] == "I" and language.code == "en"):
        return ""
    if word in language.chapters and not found["end"]:
        return f"{value}." if language.code == "de" and found["stop"] else str(value)
    is_queen = word in language.queens
    if not (is_queen or word in language.rulers) or not found["word"][0].isupper():
        return ""
    if language.code == "en":
        return f"the {language.ordinal(value, '')}"
    if language.code == "de":
        return f"{'die' if is_queen else 'der'} {language.ordinal(value, 'der').capitalize()}"
    if language.code == "es":
        return language.ordinal(value, "f" if is_queen else "m") if value <= 10 else str(value)
    return language.ordinal(1, "f" if is_queen else "m") if value == 1 else str(value)
