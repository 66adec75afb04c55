"""Numbers that stand for themselves: ranges, results, fractions, powers, sizes, versions."""

from __future__ import annotations

import re
from functools import cache

from voxtrace.speech.text.normal.language import Language, Run
from voxtrace.speech.text.normal.numbers import NO_DIGIT_BEFORE, NUMBER, SPACE, parts_of, plainly

_WORD_BEFORE = re.compile(r"(?<!\w)([^\W\d_]{1,20}) \Z")
_VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5),
    "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8), "⅑": (1, 9),
    "⅒": (1, 10),
}  # fmt: skip
_RANGE = re.compile(
    rf"(?<![\w.,:/-])(?P<first>{NUMBER})(?P<sign>%?)(?P<dash>-|{SPACE}?[–—]{SPACE}?)(?P<second>{NUMBER})(?![\d/:-]|[–—]\d)"
)
_RATIO = re.compile(r"(?<![\w.,:/-])(?P<first>\d{1,3}):(?P<second>\d{1,3})(?![\w:/-]|[.,]\d)")
_FRACTION = re.compile(
    rf"{NO_DIGIT_BEFORE}(?<![\w/-])(?:(?P<whole>\d{{1,3}}){SPACE})?(?P<top>\d{{1,4}})[/⁄](?P<bottom>\d{{1,4}})(?![\w/]|[.,]\d)"
)
_SIGN_OF_FRACTION = re.compile(rf"(?:(?P<whole>\d{{1,3}}){SPACE}?)?(?P<sign>[{''.join(_VULGAR)}])")
_UNIT_BEHIND = re.compile(rf"{SPACE}(?P<unit>[^\W\d_]{{2,5}})(?!\w)")
_SIZE = re.compile(
    rf"{NO_DIGIT_BEFORE}(?!0 ?[xX])(?P<first>{NUMBER})(?P<unit>cm|mm|m|px)?{SPACE}?(?P<sign>[x×]){SPACE}?(?={NUMBER})"
)
# Nothing is 0 by something: "0x1F" is a number in base 16. Longer ones are keys, which nobody follows by ear.
_HEXADECIMAL = re.compile(r"(?<![\w.,])0[xX](?P<digits>[\dA-Fa-f]{1,16})(?!\w|[.,]\d)")
_FEET = re.compile(r"(?<![\w.,])(?P<feet>\d{1,2})['’′] ?\d{1,2}(?P<inches>[\"”″]|'')")
_POWER = re.compile(r"(?<=[\w)])(?:\^(?P<exponent>-?\d{1,4})|(?P<raised>[²³]))(?!\w)")
_VERSION = re.compile(
    r"(?<![\w.,/])(?P<v>[vV])?(?P<numbers>\d{1,5}(?:\.\d{1,5}){1,5}+)(?::(?P<port>\d{1,5}))?(?![\w/]|[.,]\d)"
)
_NUMBER_SIGN = re.compile(r"(?<![\w&#])#(?=\d)")
_FOREIGN = re.compile(rf"{NO_DIGIT_BEFORE}(?<![\w/:-])(?P<number>{NUMBER})(?![\w/:]|[.,]\d)")
_NEGATIVE = re.compile(r"(?<![\w.,)\]%–-])(?:[-−](?=\d)|−\s?(?=\d))")


def ranges(text: str, language: Language) -> list[Run]:
    """From a number to another one, and results of games."""
    runs: list[Run] = []
    for found in _RANGE.finditer(text):
        first, second = (int(parts_of(found[name], language)[0]) for name in ("first", "second"))
        word = language.upto
        if found["dash"] == "-" and first >= second and language.score and len(found["second"]) >= len(found["first"]):
            word = language.score
        if word:
            years = 1100 <= first <= 2099 and (1100 <= second <= 2099 or len(found["second"]) == 2)
            if years and found["first"].isdecimal() and found["second"].isdecimal():
                last = language.year(second) if second > 100 else found["second"]
                said = f"{language.year(first)} {language.upto} {last}"
                runs.append((found.start(), found.end(), said))
            else:
                runs.append((found.start("dash"), found.end("dash"), f" {word} "))
    if language.score:
        for found in _RATIO.finditer(text):
            runs.append((found.end("first"), found.start("second"), f" {language.score} "))
    return sorted(runs)


def fractions(text: str, language: Language) -> list[Run]:
    """Parts of a whole, in digits or as one sign, and the unit behind them."""
    runs: list[Run] = []
    if language.fraction is None or language.mixed is None:
        return runs
    for found in _SIGN_OF_FRACTION.finditer(text):
        numbers = _VULGAR[found["sign"]]
        whole = found["whole"] and language.mixed(found["whole"], *numbers)
        runs.append((found.start(), found.end(), whole or language.fraction(*numbers)))
    for found in _FRACTION.finditer(text):
        runs.append((found.start(), found.end(), said_fraction(found, language)))
    for begin, end, _ in list(runs):
        unit = _UNIT_BEHIND.match(text, end)
        if unit and (noun := language.units.get(unit["unit"])):
            is_part = text[begin:end].count(" ") == 0 and not text[begin:end][:-1].isdecimal()
            runs.append((unit.start("unit"), unit.end(), noun.one if is_part else noun.many))
    return sorted(runs)


def said_fraction(found: re.Match[str], language: Language) -> str:
    """A fraction; where there is no word for it, its two numbers."""
    assert language.fraction is not None
    assert language.mixed is not None
    top, bottom = int(found["top"]), int(found["bottom"])
    whole = found["whole"] or ""
    if 0 < top < bottom and (part := language.fraction(top, bottom)):
        return language.mixed(whole, top, bottom) if whole else part
    lead = f"{whole} " if whole else ""
    if (top, bottom) in ((24, 7), (50, 50), (9, 11)) or top == bottom:
        return f"{lead}{top} {bottom}"
    return f"{lead}{top} {language.over} {bottom}"


def sizes(text: str, language: Language) -> list[Run]:
    """One length by another, feet with inches, and numbers in base 16, digit by digit."""
    runs: list[Run] = []
    if not language.by:
        return runs
    for found in _SIZE.finditer(text):
        sign = found.end("unit") if found["unit"] else found.end("first")
        runs.append((sign, found.end(), f" {language.times if found['sign'] == '×' else language.by} "))
    for found in _HEXADECIMAL.finditer(text):
        # In capitals, because "a" is a word.
        runs.append((*found.span(), f"0 x {' '.join(found['digits'].upper())}"))
    for found in _FEET.finditer(text):
        is_apart = text[found.end("feet") + 1] == " "
        runs.append((found.end("feet"), found.end("feet") + 1, "′" if is_apart else "′ "))
        runs.append((found.end() - len(found["inches"]), found.end(), "″"))
    return sorted(runs)


def powers(text: str, language: Language) -> list[Run]:
    """What a number is raised to, "#5", and versions."""
    runs: list[Run] = []
    if not language.by:
        return runs
    squared, cubed, power = language.powers
    for found in _POWER.finditer(text):
        exponent = {"²": "2", "³": "3"}.get(found["raised"] or "", found["exponent"])
        said = {"2": squared, "3": cubed}.get(exponent, f"{power} {exponent.replace('-', f'{language.minus} ')}")
        runs.append((found.start(), found.end(), f" {said}"))
    for found in _NUMBER_SIGN.finditer(text):
        runs.append((found.start(), found.end(), f"{language.number_sign} "))
    for found in _VERSION.finditer(text):
        if run := _version(found, language):
            runs.append(run)
    return sorted(runs)


def _version(found: re.Match[str], language: Language) -> Run | None:
    assert language.address is not None
    parts = found["numbers"].split(".")
    grouped = language.decimal == "," and all(len(part) == 3 for part in parts[1:])
    if not found["v"] and (len(parts) < 3 or grouped):
        return None
    version = {"es": "versión ", "de": "Version "}.get(language.code, "version ") if found["v"] else ""
    point = language.address.dot if len(parts) == 4 or language.code != "en" else "point"
    port = f" {language.address.colon} {found['port']}" if found["port"] else ""
    return found.start(), found.end(), version + f" {point} ".join(parts) + port


@cache
def ones_of(language: Language) -> re.Pattern[str] | None:
    """A single one in front of a noun whose gender is known."""
    if not language.one_feminine:
        return None
    either = rf"(?P<feminine>{language.one_feminine})" + (
        rf"|(?:{language.one_masculine})" if language.one_masculine else ""
    )
    return re.compile(rf"(?<![\w.,:/-])1(?= (?:{either})(?!\w))")


def ones(text: str, language: Language) -> list[Run]:
    """The article for a single one: espeak-ng says "eins Stunde"."""
    pattern = ones_of(language)
    if pattern is None:
        return []
    words = language.before_noun["1"]
    return [
        (found.start(), found.end(), words[found["feminine"] is not None])
        for found in pattern.finditer(text)
        if not _is_name(text, found.start(), language)
    ]


def _is_name(text: str, place: int, language: Language) -> bool:
    """Whether the number belongs to the word before it: "Kapitel 1", "la opción 1"."""
    word = _WORD_BEFORE.search(text, max(0, place - 22), place)
    if word is None:
        return False
    begins = word.start() == 0 or text[word.start() - 2 : word.start()] in (". ", "! ", "? ", ": ")
    return word[1].lower() in language.chapters or (language.code == "de" and word[1][0].isupper() and not begins)


def plain_numbers(text: str, language: Language) -> list[Run]:
    """Numbers that another language groups, and the minus sign where espeak-ng leaves it out."""
    runs: list[Run] = []
    for found in _FOREIGN.finditer(text):
        number = found["number"]
        if "." in number and "," in number and number.rfind(language.decimal) < number.rfind(_other(language)):
            runs.append((found.start(), found.end(), plainly(number, language)))
        elif language.decimal == "." and language.code == "es" and "," in number:
            # espeak-ng knows the grouping of Spain only.
            runs.append((found.start(), found.end(), plainly(number, language)))
    if not language.speaks_minus:
        runs += [(found.start(), found.end(), f"{language.minus} ") for found in _NEGATIVE.finditer(text)]
    return sorted(runs)


def _other(language: Language) -> str:
    return "," if language.decimal == "." else "."
