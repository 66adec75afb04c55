"""Abbreviations and acronyms."""

from __future__ import annotations

import re
from functools import cache

from voxtrace.speech.text.normal.language import Language, Run

_INITIALS = re.compile(r"(?<![\w.])(?:[^\W\d_]\. ?){2,4}(?=[^\W\d_]{3})")
_STREET = re.compile(r"(?<=[a-z] )(?P<short>St|Ave|Blvd|Rd|Dr)\.(?! [A-Z][a-z])")
_STRASSE = re.compile(r"(?<=[a-zäöüß])str\.(?!\w)")
_STREETS = {"St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive"}
_MIDDLE = re.compile(
    r"(?<![\w.])(?P<first>[A-ZÄÖÜÉ][a-zäöüßéèáíóúñ]{1,15}) (?P<initial>[A-ZÄÖÜÉ])\.(?= [A-ZÄÖÜÉ][a-zäöüßéè])"
)
# Things that are told apart by letters; behind other capitalised words a letter is the initial of a name.
_LETTERED = frozenset(
    "plan vitamin option part type class grade appendix section hepatitis point team group step exhibit gate terminal "
    "model category level phase block opción tipo clase parte grupo vitamine partie groupe teil gruppe typ "
    "klasse anlage punkt variante und the and das die der".split()
)


@cache
def abbreviations_of(language: Language) -> re.Pattern[str] | None:
    """All abbreviations of a language, longest first."""
    known = {**language.words, **language.titles, **language.before_numbers}
    if not known:
        return None
    first = "".join(sorted({re.escape(word[0]) for word in known}))
    words = "|".join(
        re.escape(word).replace(r"\ ", "[ \u00a0\u202f]") for word in sorted(known, key=lambda word: (-len(word), word))
    )
    return re.compile(rf"(?<![\w.&/-])(?=[{first}])(?:{words})(?!\w)(?!\.\w)")


def abbreviations(text: str, language: Language) -> list[Run]:
    """What is written short and spoken in full."""
    pattern = abbreviations_of(language)
    if pattern is None:
        return []
    runs: list[Run] = []
    for found in pattern.finditer(text):
        written = found[0].replace("\u00a0", " ").replace("\u202f", " ")
        if (said := _in_full(written, text, found.end(), language)) is not None:
            runs.append((found.start(), found.end(), said))
    if language.code == "de":
        runs += [(found.start(), found.end(), "straße") for found in _STRASSE.finditer(text)]
    if language.code == "en":
        runs += [(found.start(), found.end(), _street(found)) for found in _STREET.finditer(text)]
    return runs


def initials(text: str, _language: Language) -> list[Run]:
    """The initials of names lose the full stop, behind which espeak-ng makes a pause."""
    runs: list[Run] = []
    for found in _MIDDLE.finditer(text):
        if found["first"].lower() not in _LETTERED:
            runs.append((found.end("initial"), found.end(), ""))
    for found in _INITIALS.finditer(text):
        if found[0].isupper() and text[found.end()].isupper():
            runs.append((found.start(), found.end(), " ".join(found[0].replace(".", " ").split()) + " "))
    return runs


def _in_full(written: str, text: str, end: int, language: Language) -> str | None:
    following = text[end : end + 3].lstrip(" \u00a0\u202f")
    if (said := language.before_numbers.get(written)) and following[:1].isdecimal():
        said = said.capitalize() if written[0].isupper() and language.code != "de" else said
        return said if text[end : end + 1].isspace() else f"{said} "
    title = language.titles.get(written)
    if title is not None and following[:1].isupper() and text[end : end + 1].isspace():
        return title
    said = language.words.get(written)
    if said is None:
        return title if title and written in ("Jr.", "Sr.") and language.code == "en" else None
    if written.endswith("/"):
        return said if text[end : end + 1].isspace() else f"{said} "
    # A full stop may end the sentence as well.
    return f"{said}." if written.endswith(".") and not text[end:].strip(" \t\n\"'”’»)") else said


def _street(found: re.Match[str]) -> str:
    is_last = not found.string[found.end() :].strip()
    return _STREETS[found["short"]] + "." * is_last
