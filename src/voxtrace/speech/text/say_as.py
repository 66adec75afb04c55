"""SSML's `say-as`: the author says what a text is, and it need not be guessed."""

from __future__ import annotations

import re
from collections.abc import Callable

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.text.normal import clock, numerals, phones, quantities
from voxtrace.speech.text.normal.calendar import read_numbers
from voxtrace.speech.text.normal.language import Date, Language, Time
from voxtrace.speech.text.normal.languages import language_of
from voxtrace.speech.text.normal.numbers import NUMBER, plainly
from voxtrace.speech.text.normal.ordinals import roman_value
from voxtrace.speech.text.normal.passes import rewritten
from voxtrace.speech.text.offsets import Edit, Normalised

_NUMBER = re.compile(rf"(?P<minus>[-−])?\s?(?P<number>{NUMBER})")
_ORDER = re.compile(r"(?=[ymd]{1,3}\Z)(?:([ymd])(?!.*\1)){1,3}")
_DIGITS = re.compile(r"\d{1,8}")
_WORDS = re.compile(r"[^\W\d_]{3,12}")
_COMPACT = {"y": 4, "m": 2, "d": 2}  # digits in a date without separators
_TIME = re.compile(
    r"(?P<hour>[01]?\d|2[0-4])[:.h]?(?P<minute>[0-5]\d)?(?:[:.](?P<second>[0-5]\d))?\s?(?P<half>[aApP]\.?\s?[mM]\.?)?"
)
_FRACTION = re.compile(r"(?:(?P<whole>\d{1,6})[ +]{1,3})?(?P<top>\d{1,6})\s?[/⁄]\s?(?P<bottom>\d{1,6})")
_AMOUNT = re.compile(
    rf"(?P<number>{NUMBER})\s?(?P<code>[A-Za-z]{{3}})?|(?P<code_>[A-Za-z]{{3}})\s?(?P<number_>{NUMBER})"
)

Reading = Callable[[str, str, Language], str | None]  # text, format, language; None where the text is not of that kind


class UnknownSayAs(SpeechError):
    """SSML asks to say something as a kind that is not known."""

    code = "unknown_say_as"
    stage = "text"

    def __init__(self, interpret_as: str) -> None:
        super().__init__(f'no interpret-as="{interpret_as}"; there are: {", ".join(SAY_AS)}')
        self.interpret_as, self.known = interpret_as, SAY_AS


def say_as(text: str, interpret_as: str, form: str, language: str) -> Normalised:
    """What is to be spoken for the text of a `say-as`; it is final, and not for `normalise` to read again.

    Args:
        text: what the element holds; where it is not what it is said to be, it is read as other text.
        interpret_as: what it is, one of `SAY_AS`.
        form: its `format`, such as "mdy" of a date, or the code of a currency; "" where there is none.
        language: a BCP 47 tag.

    Raises:
        UnknownSayAs: `interpret_as` is none of `SAY_AS`.
    """
    reading = _READINGS.get(interpret_as)
    if reading is None:
        raise UnknownSayAs(interpret_as)
    data = language_of(language)
    said = reading(text.strip(), form.strip().lower(), data)
    if said is None:
        return rewritten(text, data)
    return Normalised(said, (Edit(0, len(text), 0, len(said)),))


def _characters(text: str, _form: str, language: Language) -> str:
    """Letters with a comma between: espeak-ng takes a single "A" among words for the article."""
    words = language.address
    names = {} if words is None else {
        ".": words.dot, "/": words.slash, "-": words.dash, "_": words.underscore, "@": words.at, ":": words.colon,
    }  # fmt: skip
    names = {**{sign: said for sign, said in language.signs.items() if len(sign) == 1 and said}, **names}
    return ", ".join(names.get(letter, letter.upper()) for letter in text if not letter.isspace())


def _digits(text: str, _form: str, language: Language) -> str | None:
    if not any(character.isdecimal() for character in text):
        return None
    minus = f"{language.minus} " if text[0] in "-−" else ""
    return minus + ", ".join(" ".join(group) for group in _DIGITS.findall(text))


def _cardinal(text: str, _form: str, language: Language) -> str | None:
    if (value := roman_value(text)) and text.isupper():
        return str(value)
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return (f"{language.minus} " if found["minus"] else "") + plainly(found["number"], language)


def _ordinal(text: str, form: str, language: Language) -> str | None:
    digits = "".join(filter(str.isdecimal, text)) or str(roman_value(text.strip(".")) or "")
    if not digits or len(digits) > 9 or language.ordinal is None:
        return None
    return language.ordinal(int(digits), "f" if form.startswith("f") else form or "e")


def _number(text: str, form: str, language: Language) -> str | None:
    """As `format` says; a cardinal where it says nothing."""
    kinds: dict[str, Reading] = {"ordinal": _ordinal, "digits": _digits, "telephone": _telephone, "fraction": _fraction}
    return kinds.get(form, _cardinal)(text, "", language)


def _date(text: str, form: str, language: Language) -> str | None:
    """The parts in the order that `format` names; without one as in other text."""
    if language.date is None or not _ORDER.fullmatch(form):
        return None
    values = dict.fromkeys("ymd", 0)
    numbers = _DIGITS.findall(text)
    if len(numbers) == 1 and len(numbers[0]) == sum(_COMPACT[part] for part in form):
        numbers = _cut(numbers[0], form)
    for name in _WORDS.findall(text.lower()):
        if month := language.month_names.get(name):
            values["m"], form = month, form.replace("m", "")
            break
    if len(numbers) != len(form):
        return None
    values |= {part: int(number) for part, number in zip(form, numbers, strict=True)}
    whole = read_numbers((values["y"] or 2000, values["m"] or 1, values["d"] or 1), "ymd")
    if whole is None:
        return None
    parts = (whole.year if values["y"] else 0, values["m"], values["d"])
    return language.date(Date(*parts), "") or None


def _cut(digits: str, order: str) -> list[str]:
    parts = []
    for part in order:
        parts.append(digits[: _COMPACT[part]])
        digits = digits[_COMPACT[part] :]
    return parts


def _time(text: str, _form: str, language: Language) -> str | None:
    found = _TIME.fullmatch(text)
    if found is None or language.time is None:
        return None
    second = None if found["second"] is None else int(found["second"])
    half = (found["half"] or "").lower()
    time = Time(int(found["hour"]), int(found["minute"] or 0), second, half)
    said = clock.said_time(time, language)
    return said if not half or said.endswith(half) else f"{said} {half}"


def _telephone(text: str, _form: str, language: Language) -> str | None:
    has_digits = any(character.isdecimal() for character in text)
    return phones.said_telephone(text, language) if has_digits else None


def _currency(text: str, form: str, language: Language) -> str | None:
    """An amount with its sign; or a mere number, and `format` or a code beside it names the currency."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    code = (found["code"] or found["code_"] or form).upper()
    currency = quantities.currency_of(code, language)
    if currency is None:
        return None
    return quantities.said_amount(found["number"] or found["number_"], "", currency, language)


def _unit(text: str, _form: str, language: Language) -> str | None:
    """A unit without a number; with one it is read as in other text."""
    written, _, per = text.partition("/")
    noun = quantities.unit_of(written, per, language)
    return noun.many if noun else None


def _fraction(text: str, _form: str, language: Language) -> str | None:
    found = _FRACTION.fullmatch(text)
    return numerals.said_fraction(found, language) if found and language.fraction and language.mixed else None


# What `interpret-as` may be: the names of the W3C's note on say-as, and those that large speech services added.
_READINGS: dict[str, Reading] = {
    "cardinal": _cardinal,
    "characters": _characters,
    "currency": _currency,
    "date": _date,
    "digits": _digits,
    "fraction": _fraction,
    "number": _number,
    "ordinal": _ordinal,
    "spell-out": _characters,
    "telephone": _telephone,
    "time": _time,
    "unit": _unit,
    "verbatim": _characters,
}
SAY_AS = tuple(_READINGS)
