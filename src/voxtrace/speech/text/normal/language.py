"""What differs from one language to the next, as one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Run = tuple[int, int, str]  # characters of a text, and what they become


class Noun(NamedTuple):
    """A thing that is counted."""

    one: str
    many: str
    feminine: bool = False


class Currency(NamedTuple):
    """Money: its unit, and the hundredth of it where there is one."""

    main: Noun
    minor: Noun | None = None


class Date(NamedTuple):
    """A day; a part that was not written is 0."""

    year: int
    month: int
    day: int


class Time(NamedTuple):
    """A time of day, with what was written behind it, such as "pm"."""

    hour: int
    minute: int
    second: int | None = None
    half: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressWords:
    """How the signs in an address are called."""

    dot: str
    slash: str
    dash: str
    underscore: str
    at: str
    colon: str
    and_so_on: str
    hashtag: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Language:
    """Data, and the few sentences whose order differs."""

    code: str
    decimal: str  # "." or ","; the other one groups thousands
    spaces_group: bool = False  # "1 234" is a number
    month_first: bool = False
    months: tuple[str, ...] = ()
    month_names: Mapping[str, int] = field(default_factory=dict)  # as written, in lower case, without a stop
    # Numbers that sound otherwise in front of a noun: (masculine, feminine), by their digits.
    before_noun: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    one_below_two: bool = False  # French: 1,5 is singular
    minus: str = "minus"
    speaks_minus: bool = True  # espeak-ng says the sign by itself
    upto: str = ""  # between the ends of a range
    score: str = ""  # between the numbers of a result or a ratio
    fraction: Callable[[int, int], str] | None = None  # numerator, denominator: "" where there is no word for it
    mixed: Callable[[str, int, int], str] | None = None  # whole, numerator, denominator
    over: str = "/"  # between the numbers of another fraction
    date: Callable[[Date, str], str] | None = None  # the date and the text before it
    time: Callable[[Time], str] | None = None
    year: Callable[[int], str] = str
    year_words: frozenset[str] = frozenset()  # a number of four digits behind one of these is a year
    weekdays: Mapping[str, str] = field(default_factory=dict)  # as they are shortened in "Mon-Fri"
    before_days: frozenset[str] = frozenset()  # "28/11" behind one of these is a date
    ordinal: Callable[[int, str], str] | None = None  # number and form, as "m" or "f"
    currencies: Mapping[str, Currency] = field(default_factory=dict)  # by ISO 4217 code
    dollar: str = "USD"  # what a mere "$" is
    of_money: Callable[[str, str], str] | None = None  # between "million" and the currency: " " where it is none
    price: str = "{main} {minor}"  # "3 euros 50"; {cents} is the minor unit with its name
    magnitudes: Mapping[str, Noun] = field(default_factory=dict)
    units: Mapping[str, Noun] = field(default_factory=dict)
    per: str = ""
    times: str = ""  # of "3 × 4"
    by: str = ""  # of "1920x1080"
    number_sign: str = ""  # "number", of "#5"
    words: Mapping[str, str] = field(default_factory=dict)  # abbreviations and acronyms, as written
    titles: Mapping[str, str] = field(default_factory=dict)  # abbreviations in front of a name
    before_numbers: Mapping[str, str] = field(default_factory=dict)  # abbreviations in front of a number
    signs: Mapping[str, str] = field(default_factory=dict)
    address: AddressWords | None = None
    powers: tuple[str, str, str] = ("", "", "")  # squared, cubed, to the power of
    chapters: frozenset[str] = frozenset()  # a Roman numeral behind one of these is a number
    rulers: frozenset[str] = frozenset()  # and behind one of these an ordinal
    queens: frozenset[str] = frozenset()
    # Nouns in front of which "1" is no numeral but the article, as regular expressions.
    one_feminine: str = ""
    one_masculine: str = ""


def counted(number: str, noun: Noun, language: Language) -> str:
    """A number in digits, as the language writes it, and the thing that there are so many of."""
    whole, _, part = number.partition(language.decimal)
    value = whole.lstrip("-")
    is_one = not part and value == "1"
    if language.one_below_two:
        is_one = value in ("0", "1")
    words = language.before_noun.get(value) if not part else None
    said = number if words is None else number[: len(number) - len(value)] + words[noun.feminine]
    return f"{said} {noun.one if is_one else noun.many}"
