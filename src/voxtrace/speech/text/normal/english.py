"""English."""

from __future__ import annotations

from dataclasses import replace

from voxtrace.speech.text.normal.language import AddressWords, Currency, Date, Language, Noun, Time

_MONTHS = tuple("January February March April May June July August September October November December".split())
_WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
_SHORT = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10,
          "nov": 11, "dec": 12}  # fmt: skip
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_PARTS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth",
          10: "tenth", 12: "twelfth", 16: "sixteenth", 20: "twentieth", 32: "thirty-second", 64: "sixty-fourth",
          100: "hundredth"}  # fmt: skip
DECADES = {f"{tens}0": f"{word[:-1]}ies" for tens, word in enumerate(_TENS) if tens > 1}


def _below_100(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _year(year: int) -> str:
    """In pairs, as a year is said; espeak-ng itself says "nineteen hundred eighty four"."""
    century, rest = divmod(year, 100)
    if not (1100 <= year <= 2099) or (century == 20 and rest < 10) or rest == 0:
        return str(year)
    return f"{_below_100(century)} {_below_100(rest) if rest > 9 else f'oh {_ONES[rest]}'}"


def decade(digits: str) -> str:
    """What "1990s" or "90s" is called."""
    century, tens = digits[:-2], digits[-2:]
    if tens == "00":
        return f"{_below_100(int(century))} hundreds" if int(century) % 10 else f"{digits[:-3]} thousands"
    word = DECADES.get(tens, "tens")
    return f"{_below_100(int(century))} {word}" if century else word


def suffix(number: int) -> str:
    """The "st" of 1st."""
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _ordinal(number: int, _form: str) -> str:
    # espeak-ng reads 1st to 999th well, and stumbles over a round thousand.
    if number >= 1000 and number % 1000 == 0 and number < 1_000_000:
        return f"{number // 1000} thousandth"
    return f"{number}{suffix(number)}"


def _date(date: Date, _before: str) -> str:
    month = _MONTHS[date.month - 1] if date.month else ""
    day = _ordinal(date.day, "") if date.day else ""
    both = f"{month} {day}".strip()
    return f"{both}{', ' if day else ' '}{_year(date.year)}".strip() if date.year else both


def _british_date(date: Date, before: str) -> str:
    if not (date.day and date.month):
        return _date(date, before)
    article = "" if before.rstrip().lower().endswith("the") else "the "
    month = f"{article}{_ordinal(date.day, '')} of {_MONTHS[date.month - 1]}"
    return f"{month}, {_year(date.year)}" if date.year else month


def _time(time: Time) -> str:
    said = str(time.hour)
    if time.minute:
        said += f" {time.minute}" if time.minute > 9 else f" oh {time.minute}"
    elif not time.half:
        said += " o'clock"
    if time.second is not None:
        said += f" and {time.second} second{'s' * (time.second != 1)}"
    return f"{said} {time.half}" if time.half else said


def _fraction(numerator: int, denominator: int) -> str:
    if denominator in (10, 100) and numerator > 1:
        return f"{numerator} out of {denominator}"
    part = _PARTS.get(denominator, "")
    if not part:
        return ""
    many = "halves" if part == "half" else f"{part}s"
    return f"one {part}" if numerator == 1 else f"{numerator} {many}"


def _mixed(whole: str, numerator: int, denominator: int) -> str:
    part = _fraction(numerator, denominator)
    return f"{whole} and {part.replace('one ', 'a ')}" if numerator == 1 else f"{whole} and {part}"


def _noun(one: str) -> Noun:
    return Noun(one, f"{one}s")


def _same(word: str) -> Noun:
    return Noun(word, word)


_CENT = _noun("cent")
_CURRENCIES = {
    "USD": Currency(_noun("dollar"), _CENT), "EUR": Currency(_noun("euro"), _CENT),
    "GBP": Currency(_noun("pound"), Noun("penny", "pence")), "JPY": Currency(Noun("yen", "yen")),
    "CNY": Currency(Noun("yuan", "yuan")), "INR": Currency(_noun("rupee"), Noun("paisa", "paise")),
    "CHF": Currency(_noun("Swiss franc"), _noun("centime")), "RUB": Currency(_noun("rouble"), _noun("kopeck")),
    "KRW": Currency(Noun("won", "won")), "BTC": Currency(_noun("bitcoin")), "BRL": Currency(Noun("real", "reais")),
    "AUD": Currency(_noun("Australian dollar"), _CENT), "CAD": Currency(_noun("Canadian dollar"), _CENT),
    "NZD": Currency(_noun("New Zealand dollar"), _CENT), "HKD": Currency(_noun("Hong Kong dollar"), _CENT),
    "SGD": Currency(_noun("Singapore dollar"), _CENT), "US": Currency(_noun("US dollar"), _CENT),
    "MXN": Currency(_noun("Mexican peso"), Noun("centavo", "centavos")), "PLN": Currency(Noun("zloty", "zlotys")),
    "SEK": Currency(Noun("Swedish krona", "Swedish kronor")),
    "NOK": Currency(Noun("Norwegian krone", "Norwegian kroner")),
    "DKK": Currency(Noun("Danish krone", "Danish kroner")), "TRY": Currency(Noun("lira", "lira")),
    "ILS": Currency(_noun("shekel")),
}  # fmt: skip
_PREFIXES = {"n": "nano", "µ": "micro", "m": "milli", "c": "centi", "k": "kilo", "M": "mega", "G": "giga", "T": "tera"}
_UNITS = {
    **{f"{p}m": _noun(f"{_PREFIXES[p]}meter") for p in "nµmck"}, "dm": _noun("decimeter"), "m": _noun("meter"),
    **{f"{p}g": _noun(f"{_PREFIXES[p]}gram") for p in "µmk"}, "g": _noun("gram"), "t": _noun("ton"),
    **{f"{p}s": _noun(f"{_PREFIXES[p]}second") for p in "nµm"}, "s": _noun("second"), "sec": _noun("second"),
    "tbsp": _noun("tablespoon"), "tsp": _noun("teaspoon"), "min": _noun("minute"), "mins": _noun("minute"),
    "h": _noun("hour"), "hr": _noun("hour"), "hrs": _noun("hour"),
    "ml": _noun("milliliter"), "mL": _noun("milliliter"), "cl": _noun("centiliter"), "dl": _noun("deciliter"),
    "l": _noun("liter"), "L": _noun("liter"), "ha": _noun("hectare"),
    **{f"{p}B": _noun(f"{n}byte") for p, n in {**_PREFIXES, "K": "kilo", "P": "peta"}.items() if p in "kKMGTP"},
    **{f"{p}iB": _noun(f"{n}byte") for p, n in {"K": "kibi", "M": "mebi", "G": "gibi", "T": "tebi"}.items()},
    **{f"{p}bit": _noun(f"{_PREFIXES[p]}bit") for p in "kMG"},
    **{f"{p}bps": Noun(f"{_PREFIXES[p]}bit per second", f"{_PREFIXES[p]}bits per second") for p in "kMG"},
    **{f"{p}Hz": _same(f"{_PREFIXES[p]}hertz") for p in "kMG"}, "Hz": Noun("hertz", "hertz"),
    **{f"{p}W": _noun(f"{_PREFIXES[p]}watt") for p in "mkMG"}, "W": _noun("watt"), "V": _noun("volt"),
    **{f"{p}Wh": _noun(f"{_PREFIXES[p]}watt hour") for p in "kMG"}, "Wh": _noun("watt hour"),
    "kV": _noun("kilovolt"), "mV": _noun("millivolt"), "mA": _noun("milliamp"), "mAh": _noun("milliamp hour"),
    "Pa": _noun("pascal"), "kPa": _noun("kilopascal"), "hPa": _noun("hectopascal"), "bar": Noun("bar", "bar"),
    "kJ": _noun("kilojoule"), "cal": _noun("calorie"), "kcal": _noun("kilocalorie"), "Ω": _noun("ohm"),
    "kΩ": _noun("kilohm"), "dB": _noun("decibel"), "px": _noun("pixel"), "dpi": Noun("dots per inch", "dots per inch"),
    "fps": Noun("frame per second", "frames per second"),
    "rpm": Noun("revolution per minute", "revolutions per minute"),
    "mph": Noun("mile per hour", "miles per hour"), "mpg": Noun("mile per gallon", "miles per gallon"),
    "ppm": Noun("part per million", "parts per million"), "ft": Noun("foot", "feet"), "yd": _noun("yard"),
    "mi": _noun("mile"), "lb": _noun("pound"), "lbs": _noun("pound"), "oz": _noun("ounce"),
    "sqft": Noun("square foot", "square feet"), "″": Noun("inch", "inches"), "′": Noun("foot", "feet"),
    **{f"{p}m²": _noun(f"square {n}meter") for p, n in {"": "", "k": "kilo", "c": "centi", "m": "milli"}.items()},
    **{f"{p}m³": _noun(f"cubic {n}meter") for p, n in {"": "", "k": "kilo", "c": "centi", "m": "milli"}.items()},
    "°C": Noun("degree Celsius", "degrees Celsius"), "°F": Noun("degree Fahrenheit", "degrees Fahrenheit"),
    "°": _noun("degree"), "x": Noun("times", "times"), "k": Noun("thousand", "thousand"),
    "km/h": Noun("kilometer per hour", "kilometers per hour"), "kmh": Noun("kilometer per hour", "kilometers per hour"),
}  # fmt: skip

_MAGNITUDES = {
    "k": Noun("thousand", "thousand"),
    "m": Noun("million", "million"),
    "mn": Noun("million", "million"),
    "mm": Noun("million", "million"),
    "b": Noun("billion", "billion"),
    "bn": Noun("billion", "billion"),
    "t": Noun("trillion", "trillion"),
    "tn": Noun("trillion", "trillion"),
    "thousand": Noun("thousand", "thousand"),
    "million": Noun("million", "million"),
    "billion": Noun("billion", "billion"),
    "trillion": Noun("trillion", "trillion"),}  # fmt: skip
_WORDS = {
    "vs.": "versus",
    "approx.": "approximately",
    "dept.": "department",
    "e.g.": "for example",
    "i.e.": "that is",
    "Ph.D.": "P H D",
    "w/o": "without",
    "w/": "with",
    "c/o": "care of",
    "n/a": "not applicable",
    "N/A": "not applicable",
    "incl.": "including",
    "min.": "minimum",
    "max.": "maximum",
    "cf.": "compare",
    "govt.": "government",}  # fmt: skip
_TITLES = {
    "Mr.": "Mister",
    "Mrs.": "Missus",
    "Ms.": "Miz",
    "Dr.": "Doctor",
    "Prof.": "Professor",
    "St.": "Saint",
    "Rev.": "Reverend",
    "Gen.": "General",
    "Col.": "Colonel",
    "Sgt.": "Sergeant",
    "Capt.": "Captain",
    "Lt.": "Lieutenant",
    "Hon.": "Honorable",
    "Gov.": "Governor",
    "Pres.": "President",
    "Sen.": "Senator",
    "Rep.": "Representative",
    "Mt.": "Mount",
    "Ft.": "Fort",
    "Jr.": "Junior",
    "Sr.": "Senior",}  # fmt: skip
_BEFORE_NUMBERS = {
    "No.": "number",
    "no.": "number",
    "Nos.": "numbers",
    "nos.": "numbers",
    "№": "number",
    "p.": "page",
    "pp.": "pages",
    "Vol.": "volume",
    "vol.": "volume",
    "Fig.": "figure",
    "fig.": "figure",
    "Figs.": "figures",
    "Ch.": "chapter",
    "ch.": "chapter",
    "Sec.": "section",
    "sec.": "section",
    "Eq.": "equation",
    "eq.": "equation",
    "Art.": "article",
    "art.": "article",
    "ca.": "circa",
    "c.": "circa",
    "ext.": "extension",
    "Ext.": "extension",}  # fmt: skip
_SIGNS = {
    "=": "equals",
    "≈": "is approximately",
    "≠": "is not equal to",
    "≤": "is at most",
    "≥": "is at least",
    "<": "is less than",
    ">": "is greater than",
    "->": "to",
    "→": "to",
    "=>": "leads to",
    "⇒": "leads to",
    "<-": "from",
    "←": "from",
    "<->": "to and from",
    "↔": "to and from",
    "↑": "up",
    "↓": "down",
    "×": "times",
    "*": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "√": "the square root of",
    "‰": "per mille",
    "∞": "infinity",
    "~": "about",
    "==": "equals",
    "!=": "is not equal to",
    "<=": "is at most",
    ">=": "is at least",
    "&&": "and",
    "||": "or",
    "+": "plus",
    "&": "and",
    "-": "minus",
    "™": "",
    "®": "",
    "©": "copyright",
    "#": "sharp",
    "¢": "cents",
    "∑": "sum",
    "∆": "delta",
    "∈": "in",}  # fmt: skip
_ADDRESS = AddressWords(
    dot="dot",
    slash="slash",
    dash="dash",
    underscore="underscore",
    at="at",
    colon="colon",
    and_so_on="and so on",
    hashtag="hashtag",
)

ENGLISH = Language(
    code="en",
    decimal=".",
    month_first=True,
    months=_MONTHS,
    month_names={name.lower(): number for number, name in enumerate(_MONTHS, 1)} | _SHORT,
    upto="to",
    score="to",
    fraction=_fraction,
    mixed=_mixed,
    over="over",
    date=_date,
    time=_time,
    year=_year,
    year_words=frozenset(
        "in since by until till before after around circa from of during year early late mid spring summer autumn "
        "fall winter to through c ca ©".split()
    )
    | frozenset(name.lower() for name in _MONTHS)
    | frozenset(_SHORT),
    before_days=frozenset({"on", "until", "since"}),
    weekdays=dict(zip("Mon Tue Wed Thu Fri Sat Sun".split(), _WEEKDAYS, strict=True)),
    ordinal=_ordinal,
    currencies=_CURRENCIES,
    price="{main} and {cents}",
    magnitudes=_MAGNITUDES,
    units=_UNITS,
    per="per",
    times="times",
    by="by",
    number_sign="number",
    words=_WORDS,
    titles=_TITLES,
    before_numbers=_BEFORE_NUMBERS,
    signs=_SIGNS,
    address=_ADDRESS,
    powers=("squared", "cubed", "to the power of"),
    queens=frozenset({"elizabeth", "mary", "catherine", "victoria"}),
    chapters=frozenset(
        "chapter part volume act book section phase type class level stage article title war episode season appendix "
        "table figure bowl scene division category grade round step unit".split()
    ),
    rulers=frozenset(
        "henry edward george charles james william richard louis philip john paul pius benedict francis "
        "napoleon frederick nicholas alexander peter leo gregory innocent clement ramesses ferdinand".split()
    ),
)
BRITISH = replace(ENGLISH, month_first=False, date=_british_date)
