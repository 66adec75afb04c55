"""Times of day."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.language import Language, Run, Time
from voxtrace.speech.text.normal.numbers import SPACE

_HALF = r"a\.\ ?m\.|p\.\ ?m\.|[ap]m\b|[AP]M\b|A\.M\.|P\.M\."
_CLOCK = re.compile(
    rf"""
    (?<![\w:.,])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?+
    (?:{SPACE}?(?P<half>{_HALF}|(?P<uhr>Uhr|h(?:rs?)?|horas|heures)\b))?(?![\w:])
    """,
    re.VERBOSE,
)
_DOTTED = re.compile(rf"(?<![\w:.,])(?P<hour>[01]?\d|2[0-4])(?:\.(?P<minute>[0-5]\d))?{SPACE}(?P<uhr>Uhr)\b")
_WITH_H = re.compile(rf"(?<![\w:.,])(?P<hour>[01]?\d|2[0-4]){SPACE}?h(?:{SPACE}?(?P<minute>[0-5]\d))?(?!\w|/)")
# "9:00-17:00": what stands between two times.
_BETWEEN = re.compile(
    rf"(?<=[\dhmM.]){SPACE}?[-–—]{SPACE}?(?=(?:[01]?\d|2[0-4])(?::[0-5]\d|h[0-5]\d|{SPACE}?(?:[ap]\.?m|[AP]\.?M)\b))"
)
_BEFORE_IS_TIME = re.compile(r"(?:\d[:h][0-5]\d|\d\ ?(?:[ap]\.?m|[AP]\.?M)\.?|(?<!\d)\d{1,2})\Z", re.VERBOSE)


def times(text: str, language: Language) -> list[Run]:
    """Times of day, and what stands between two of them."""
    if language.time is None:
        return []
    runs = [(found.start(), found.end(), said_clock(found, language)) for found in _CLOCK.finditer(text)]
    if language.code == "de":
        for found in _DOTTED.finditer(text):
            if found["minute"] or found["hour"] == "1":
                runs.append((found.start(), found.end(), said_time(_time_of(found), language)))
    if language.code in ("fr", "es"):
        for found in _WITH_H.finditer(text):
            time = _time_of(found)
            said = said_time(time, language)
            if language.code == "es" and not time.minute:
                said = "1 hora" if time.hour == 1 else f"{time.hour} horas"
            runs.append((found.start(), found.end(), said))
    for found in _BETWEEN.finditer(text):
        if _BEFORE_IS_TIME.search(text, max(0, found.start() - 6), found.start()):
            runs.append((found.start(), found.end(), f" {language.upto} "))
    return sorted(runs)


def said_clock(found: re.Match[str], language: Language) -> str:
    """A time with a colon, and what is written behind it."""
    time = _time_of(found)
    half = "" if found["uhr"] or not found["half"] else found["half"]
    said = said_time(time._replace(half=half), language)
    # What was left of the words behind it, where the language does not speak them.
    return said if not half or half in said else f"{said} {half}"


def said_time(time: Time, language: Language) -> str:
    """A time of day in the language's words."""
    assert language.time is not None
    return language.time(time)


def _time_of(found: re.Match[str]) -> Time:
    second = found.groupdict().get("second")
    return Time(int(found["hour"]), int(found["minute"] or 0), None if second is None else int(second))
