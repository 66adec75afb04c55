"""Dates and years."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.clock import said_time
from voxtrace.speech.text.normal.english import decade
from voxtrace.speech.text.normal.language import Date, Language, Run, Time

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DATE = re.compile(
    r"""
    (?<![\w.,/:$€£-])(?:
      (?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})
        (?:[T\ ](?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,9}+)?+)?+
           (?:Z|[+-]\d\d:?\d\d)?+)?+
    | (?P<a>\d{1,2})(?P<t>[-/.])(?P<b>\d{1,2})(?P=t)(?P<yy>\d{4}|\d{2})
    | (?P<day>\d{1,2})\.(?P<month>\d{1,2})\.
    )(?![\w/-]|[.,]\d|\.\w)
    """,
    re.VERBOSE,
)
_WRITTEN = re.compile(
    r"""
    (?<![\w.,/:$€£-])(?:
      (?P<day>\d{1,2})(?P<mark>\.|er|º|st|nd|rd|th)?+[ \u00a0](?:(?:of|de)[ ])?(?P<month>[^\W\d_]{3,12})(?P<stop>\.)?
        (?:(?P<join>,?[ ]|[ ](?:de|del)[ ])(?P<year>\d{4})(?![\d.,]\d|[\w%]))?
    )(?!\w)
    """,
    re.VERBOSE,
)
_MONTH_FIRST = re.compile(
    r"(?<!\w)(?P<month>[^\W\d_]{3,9})\.?[ \u00a0](?P<day>\d{1,2})(?P<mark>st|nd|rd|th)?+"
    r"(?:,?[ ](?P<year>\d{4})(?![\d.,]\d|[\w%]))?(?![\w:/%]|[.,]\d|[ ]?[%°€$£])"
)
# "el 28/11" and "on 11/28", but not "el 1/3 de la gente".
_SHORT = re.compile(
    r"(?<!\w)(?P<before>[^\W\d_]{2,5}) (?P<a>\d{1,2})/(?P<b>\d{1,2})(?![\w/]|[.,]\d| (?:de|del|of|des?)\b)"
)
_WEEKDAYS = re.compile(r"(?<!\w)(?P<first>[^\W\d_]{2,3})\.?\s?[–-]\s?(?P<last>[^\W\d_]{2,3})(?!\w)")
_YEAR = re.compile(r"(?<![\w.,/:$€£#-])(?P<year>1[1-9]\d\d|20\d\d)(?![\w%/]|[.,:-]\d|[ \u00a0]?[%°€$£])")
_DECADE = re.compile(r"(?<![\w.,/:$€£#])(?P<mark>['’])?(?P<years>1[1-9]\d0|20\d0|[2-9]0)['’]?s(?!\w)")
_OF_DECADE = frozenset("the their his her my our your early late mid in".split())
_JAHRE = re.compile(r"(?<![\w.,/:-])(?P<century>1[1-9])(?P<rest>\d0)er(?!\w)")
_WORD_BEFORE = re.compile(r"([^\W\d_]{1,12}|©)['’]?\.?[\s\u00a0–-]{1,3}\Z")
_WORD_AFTER = re.compile(r"[ \u00a0]([^\W\d_]{2,20})")
_NOT_COUNTED = frozenset(
    "was is has as its this yes across always perhaps thus les des ils was als bis des es las los".split()
)


def dates(text: str, language: Language) -> list[Run]:
    """Dates in digits, and those with the month's name."""
    if language.date is None:
        return []
    runs = [run for found in _DATE.finditer(text) if (run := _numeric(found, language))]
    for found in _WRITTEN.finditer(text):
        if run := _written(found, language):
            runs.append(run)
    for found in _SHORT.finditer(text):
        if found["before"].lower() in language.before_days and (said := _short(found, language)):
            runs.append((found.start("a"), found.end(), said))
    if language.code == "en":
        for found in _MONTH_FIRST.finditer(text):
            if run := _written(found, language):
                runs.append(run)
    return runs


def read_numbers(numbers: tuple[int, int, int], order: str) -> Date | None:
    """The date that three numbers mean in an order such as "mdy"; None where there is no such day."""
    values = dict(zip(order, numbers, strict=True))
    year, month, day = values["y"], values["m"], values["d"]
    if year < 100:
        year += 2000 if year < 50 else 1900
    return Date(year, month, day) if 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] else None


def _numeric(found: re.Match[str], language: Language) -> Run | None:
    assert language.date is not None
    before = found.string[max(0, found.start() - 30) : found.start()]
    if found["day"]:
        date: Date | None = None
        if language.code == "de":
            date = read_numbers((2000, int(found["month"]), int(found["day"])), "ymd")
            date = date and date._replace(year=0)
    elif found["y"]:
        date = read_numbers((int(found["y"]), int(found["m"]), int(found["d"])), "ymd")
    else:
        if len(found["yy"]) == 2 and found["t"] == "." and language.code != "de":
            return None  # "1.2.30" is rather a version
        numbers = int(found["a"]), int(found["b"]), int(found["yy"])
        first, second = ("mdy", "dmy") if language.month_first else ("dmy", "mdy")
        date = read_numbers(numbers, first) or read_numbers(numbers, second)
    if date is None:
        return None
    said = language.date(date, before)
    if found["hour"]:
        second_of_time = None if found["second"] in (None, "00") else int(found["second"])
        said += ", " + said_time(Time(int(found["hour"]), int(found["minute"]), second_of_time), language)
    return found.start(), found.end(), said


def _short(found: re.Match[str], language: Language) -> str:
    """A day and a month in digits; "" where they are none."""
    assert language.date is not None
    numbers = 2000, int(found["a"]), int(found["b"])
    first, second = ("ymd", "ydm") if language.month_first else ("ydm", "ymd")
    date = read_numbers(numbers, first) or read_numbers(numbers, second)
    return language.date(date._replace(year=0), "") if date else ""


def _written(found: re.Match[str], language: Language) -> Run | None:
    """A day and the name of a month, where espeak-ng would not say it so."""
    assert language.date is not None
    month = language.month_names.get(found["month"].lower(), 0)
    day = int(found["day"])
    if not month or not 1 <= day <= _DAYS[month - 1]:
        return None
    if found["month"].islower() and language.code in ("en", "de"):
        return None  # "5 may" is no date
    before = found.string[max(0, found.start() - 30) : found.start()]
    if found.re is _MONTH_FIRST or language.code in ("de", "es", "fr"):
        said = language.date(Date(int(found["year"] or 0), month, day), before)
    else:
        name = language.months[month - 1]
        of = " of " if " of " in found[0] else " "
        said = f"{language.ordinal(day, '')}{of}{name}" if language.ordinal else f"{day} {name}"
        said += f" {language.year(int(found['year']))}" if found["year"] else ""
    if found.re is _WRITTEN and found["stop"] and not found["year"] and found["month"].lower() in _full(language):
        said += "."  # it ended the sentence
    return None if said == found[0] else (found.start(), found.end(), said)


def _full(language: Language) -> frozenset[str]:
    return frozenset(name.lower() for name in language.months)


def weekdays(text: str, language: Language) -> list[Run]:
    """From one day of the week to another: opening hours."""
    runs: list[Run] = []
    for found in _WEEKDAYS.finditer(text):
        first, last = (language.weekdays.get(found[name]) for name in ("first", "last"))
        if first and last:
            runs.append((found.start(), found.end(), f"{first} {language.upto} {last}"))
    return runs


def decades(text: str, language: Language) -> list[Run]:
    """The nineties."""
    runs: list[Run] = []
    if language.code == "en":
        for found in _DECADE.finditer(text):
            word = _WORD_BEFORE.search(text, max(0, found.start() - 16), found.start())
            if len(found["years"]) == 4 or found["mark"] or (word and word[1].lower() in _OF_DECADE):
                runs.append((found.start(), found.end(), decade(found["years"])))
    if language.code == "de":
        for found in _JAHRE.finditer(text):
            century = language.year(int(found["century"]) * 100)
            runs.append((found.start(), found.end(), f"{century}{language.year(1100 + int(found['rest']))[10:]}er"))
    return runs


def years(text: str, language: Language) -> list[Run]:
    """Years that are not said as other numbers are."""
    runs: list[Run] = []
    for found in _YEAR.finditer(text):
        if _is_year(text, found, language):
            said = language.year(int(found["year"]))
            if said != found["year"]:
                runs.append((found.start(), found.end(), said))
    return runs


def _is_year(text: str, found: re.Match[str], language: Language) -> bool:
    """A number of four digits is a year where the word before it says so, or a bracket, or nothing is counted."""
    start, end = found.span()
    bracket = text[max(0, start - 1) : start] == "(" and text[end : end + 1] in (")", "–", ",")
    word = _WORD_BEFORE.search(text, max(0, start - 16), start)
    if bracket:
        return True
    if word is None or word[1].lower() not in language.year_words:
        return False
    counted = _WORD_AFTER.match(text, end)
    if language.code == "de":
        return not (counted and counted[1][0].isupper()) or word[1].lower() in ("jahr", "jahre", "jahres")
    return not (counted and counted[1].endswith("s") and counted[1].lower() not in _NOT_COUNTED)
