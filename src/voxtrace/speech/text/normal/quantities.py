"""Money and units."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.language import Currency, Language, Noun, Run, counted
from voxtrace.speech.text.normal.numbers import NO_DIGIT_BEFORE, NUMBER, SPACE, parts_of, plainly

_SIGNS = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₿": "BTC", "₺": "TRY",
    "₪": "ILS",
    "US$": "US", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD",
    "R$": "BRL", "MX$": "MXN", "S/": "PEN", "zł": "PLN", "Fr.": "CHF", "SFr.": "CHF", "kr": "SEK",
}  # fmt: skip
_CODES = "EUR|USD|GBP|JPY|CNY|CHF|INR|RUB|KRW|BTC|BRL|AUD|CAD|NZD|HKD|SGD|MXN|PLN|SEK|NOK|DKK|TRY|ILS|ARS|CLP|COP|PEN"
_DOLLARS = r"(?:US|AU|CA|NZ|HK|MX|[ACRS])\$"
_BEFORE = rf"(?:{_DOLLARS}|S/(?=\d)|[$€£¥₹₽₩₿₺₪]|\b(?:{_CODES})\b|\bS?Fr\.(?={SPACE}?\d))"
_BEHIND = rf"(?:{_DOLLARS}|[$€£¥₹₽₩₿₺₪]|(?:{_CODES}|zł)\b|Fr\.(?!{SPACE}?\w))"
_SIZE = (
    r"(?:[kKmMbBtT]|[MmTtbB][nN]|MM|M(?:io|rd)s?|M[Dd]s?|[mM]illion(?:en|s)?|[mM]illones|[mM]illón|[mM]illiarden?|[mM]illiards?"
    r"|[bB]illion|[tT]rillion|[bB]ill(?:ón|ones)|mil|mille|tausend|thousand)"
)
_MONEY = re.compile(
    rf"""
    (?P<minus>(?<![\w.,)-])[-−–])?+(?:
      (?P<sign>(?<![\w$]){_BEFORE}){SPACE}?(?P<less>[-−–](?=\d))?+(?P<first>{NUMBER}|\.\d\d(?!\d))
        (?:(?P<range>{SPACE}?[-–]{SPACE}?)(?P=sign)?(?P<second>{NUMBER}))?+(?:{SPACE}?(?P<size>{_SIZE})\b\.?+)?+
    | {NO_DIGIT_BEFORE}(?<!\w)(?P<first_>{NUMBER})(?:(?P<range_>{SPACE}?[-–]{SPACE}?)(?P<second_>{NUMBER}))?+
        (?:{SPACE}?(?P<size_>{_SIZE})\b\.?+)?{SPACE}?(?P<sign_>{_BEHIND})
    )(?!\w)(?:/(?P<per>[^\W\d_]{{1,12}})(?!\w|/))?+
    """,
    re.VERBOSE,
)
_ONE_OF = re.compile(r"\b[aA]n? \Z")
_UNIT = re.compile(
    rf"{NO_DIGIT_BEFORE}(?<![\w/$€£])(?P<minus>(?<!\S)[-−–])?(?P<number>{NUMBER})(?P<hyphen>-)?(?P<space>{SPACE}?)"
    r"(?P<unit>[°µ\u03bcΩ″′]?[^\W\d_]{0,5}[²³23]?(?:\.(?=\s\w))?)"
    r"(?:/(?P<many>\d{1,4})?[ \u00a0]?(?P<per>[^\W\d_]{1,12}[²³]?))?(?![\w/²³])"
)
_SIMILAR = str.maketrans("\u03bc\u2126", "µΩ")
_TERM = re.compile(r"\s?[-+*/=^²)]")
# With a space in between these are rather something else: gate 12 V, 5 A day, 10 x 3, a 5 k run.
_ONLY_TIGHT = frozenset({"x", "k", "V", "W", "′", "″"})


def money(text: str, language: Language) -> list[Run]:
    """Amounts with a sign or a code of currency."""
    if not language.currencies:
        return []
    return [run for found in _MONEY.finditer(text) if (run := _amount(found, language))]


def _amount(found: re.Match[str], language: Language) -> Run | None:
    tail = "" if found["sign"] else "_"
    sign, first, second = found[f"sign{tail}"], found[f"first{tail}"], found[f"second{tail}"]
    currency = currency_of(sign, language)
    if currency is None:
        return None
    said = said_amount(first, found[f"size{tail}"] or "", currency, language)
    if said is None:
        return None
    if second:
        other = said_amount(second, found[f"size{tail}"] or "", currency, language)
        said = f"{plainly(first, language)} {language.upto} {other}"
    before = found.string[max(0, found.start() - 3) : found.start()]
    if language.code == "en" and not second and _ONE_OF.search(before):
        said = said.replace(currency.main.many, currency.main.one)  # "a 5 dollar bill"
    if found["minus"] or (found["sign"] and found["less"]):
        said = f"{language.minus} {said}"
    if found["per"]:
        said += f" {language.per} {_per_word(found['per'], language)}"
    return found.start(), found.end(), said


def currency_of(sign: str, language: Language) -> Currency | None:
    """The currency of a sign or code."""
    code = language.dollar if sign == "$" else _SIGNS.get(sign, sign)
    return language.currencies.get(code)


def said_amount(written: str, size: str, currency: Currency, language: Language) -> str | None:
    """An amount and its currency in words; None where `size` is not a magnitude in this language."""
    number = plainly(written, language)
    if size:
        magnitude = language.magnitudes.get(size) or language.magnitudes.get(size.lower())
        if magnitude is None:
            return None
        great = counted(number, magnitude, language)
        of = language.of_money(magnitude.one, currency.main.many) if language.of_money else " "
        return great + of + currency.main.many
    whole, part = parts_of(written, language)
    if len(part) == 2 and currency.minor:
        hundredths = part.lstrip("0")
        main = counted(whole, currency.main, language)
        if not hundredths:
            return main
        cents = counted(hundredths, currency.minor, language)
        if not whole.strip("0"):
            return cents
        return language.price.format(main=main, minor=hundredths, cents=cents)
    return counted(number, currency.main, language)


def _per_word(written: str, language: Language) -> str:
    unit = language.units.get(written)
    return unit.one if unit else written


def units(text: str, language: Language) -> list[Run]:
    """Numbers with a unit behind them."""
    if not language.units:
        return []
    return [run for found in _UNIT.finditer(text) if (run := _measured(found, language))]


def _measured(found: re.Match[str], language: Language) -> Run | None:
    written, end = found["unit"], found.end()
    noun = unit_of(written, found["per"] or "", language, found["many"] or "")
    if noun is None or (found["space"] and written in _ONLY_TIGHT):
        return None
    if written == "x" and _TERM.match(found.string, end):
        return None  # "2x + 1"
    number = plainly(found["number"], language)
    # "a 5-km run" counts no kilometres.
    said = f"{number} {noun.one}" if found["hyphen"] else counted(number, noun, language)
    if found["minus"]:
        said = f"{language.minus} {said}"
    return found.start(), end, said


def unit_of(written: str, per: str, language: Language, many: str = "") -> Noun | None:
    """The unit of a sign, or of two with a stroke between them, as in "l/100 km"; None where it is not one."""
    written = written.translate(_SIMILAR)
    if written[-1:] in ("2", "3") and len(written) > 1 and written[-2] == "m":
        written = written[:-1] + "²³"[int(written[-1]) - 2]
    if per and (both := language.units.get(f"{written}/{per}")):
        return both
    noun = language.units.get(written)
    if noun is None or not per:
        return noun
    below = _per_word(per, language)
    if many:
        below = f"{many} {language.units[per].many if per in language.units else per}"
    return Noun(f"{noun.one} {language.per} {below}", f"{noun.many} {language.per} {below}", noun.feminine)
