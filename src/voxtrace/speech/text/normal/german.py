"""German."""

from __future__ import annotations

from dataclasses import replace

from voxtrace.speech.text.normal.language import AddressWords, Currency, Date, Language, Noun, Time

_MONTHS = tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split())
_WEEKDAYS = tuple("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split())
_SHORT = {"jan": 1, "jän": 1, "jänner": 1, "feb": 2, "mär": 3, "mrz": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8,
          "sep": 9, "sept": 9, "okt": 10, "nov": 11, "dez": 12}  # fmt: skip
_ONES = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn"
).split()
_TENS = "null zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_IRREGULAR = {"ein": "ers", "drei": "drit", "sieben": "sieb", "acht": "ach"}  # the stem of the ordinal, less its "t"
# The word before says the ending: "am dritten", "der dritte", else "dritter".
_WEAK_N = frozenset(
    "am im vom zum beim dem den des bis ab seit einem einen eines jedem jeden jedes diesem diesen".split()
)
_WEAK = frozenset("der die das zur jede dieser diese dieses eine und".split())


def _below_100(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_ONES[ones]}und{_TENS[tens]}" if ones else _TENS[tens]


def _below_1000(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    return (f"{_ONES[hundreds]}hundert" if hundreds else "") + (_below_100(rest) if rest or not hundreds else "")


def _year(year: int) -> str:
    """espeak-ng says "ein tausend neunhundert"; a year is said in hundreds."""
    if not 1100 <= year <= 1999:
        return str(year)
    century, rest = divmod(year, 100)
    last = "eins" if rest == 1 else _below_100(rest)
    return f"{_below_100(century)}hundert{last if rest else ''}"


def _ordinal(number: int, form: str) -> str:
    """The word, because espeak-ng ends a sentence behind "3."; `form` is the word in front of it, or an ending."""
    if number >= 1_000_000:
        return f"{number}."
    thousands, rest = divmod(number, 1000)
    head = f"{_below_1000(thousands)}tausend" if thousands else ""
    stem = head + (_below_1000(rest) if rest or not head else "")
    last = rest % 100
    if 0 < last < 20:
        for word, other in _IRREGULAR.items():
            if _ONES[last] == word:
                stem = stem[: -len(word)] + other
        stem += "t"
    else:
        stem += "st" if number else "t"
    before = form.lower()
    ending = "en" if before in _WEAK_N else "e" if before in _WEAK or before == "e" else "er"
    return stem + ending


def _date(date: Date, before: str) -> str:
    words = before.split()[-2:]
    last = words[-1] if words else ""
    if last.endswith(","):  # "am Freitag, 3. Mai"
        last = words[0] if len(words) > 1 and last.endswith("tag,") else ""
    day = _ordinal(date.day, last) if date.day else ""
    month = _MONTHS[date.month - 1] if date.month else ""
    return " ".join(part for part in (day, month, _year(date.year) if date.year else "") if part)


def _time(time: Time) -> str:
    said = "ein Uhr" if time.hour == 1 else f"{time.hour} Uhr"
    if time.minute:
        said += f" {time.minute}"
    if time.second is not None:
        said += " und eine Sekunde" if time.second == 1 else f" und {time.second} Sekunden"
    return said


def _fraction(numerator: int, denominator: int) -> str:
    if denominator == 2:
        return "ein halb" if numerator == 1 else f"{numerator} halbe"
    if denominator > 100:
        return ""
    part = f"{_ordinal(denominator, 'e')}l".capitalize()
    return f"ein {part}" if numerator == 1 else f"{numerator} {part}"


def _mixed(whole: str, numerator: int, denominator: int) -> str:
    if (numerator, denominator) == (1, 2):
        if whole == "1":
            return "eineinhalb"
        return f"{_below_100(int(whole))}einhalb" if int(whole) < 100 else f"{whole} einhalb"
    return f"{whole} {_fraction(numerator, denominator)}"


def _same(word: str, *, feminine: bool = False) -> Noun:
    return Noun(word, word, feminine)


def _die(one: str) -> Noun:
    return Noun(one, f"{one}n", feminine=True)


_CENT = _same("Cent")
_CURRENCIES = {
    "EUR": Currency(_same("Euro"), _CENT), "USD": Currency(_same("Dollar"), _CENT),
    "GBP": Currency(_same("Pfund"), _same("Pence")), "JPY": Currency(_same("Yen")), "CNY": Currency(_same("Yuan")),
    "CHF": Currency(_same("Franken"), _same("Rappen")), "INR": Currency(Noun("Rupie", "Rupien", feminine=True)),
    "RUB": Currency(_same("Rubel"), Noun("Kopeke", "Kopeken", feminine=True)), "KRW": Currency(_same("Won")),
    "BTC": Currency(_same("Bitcoin")), "US": Currency(_same("US-Dollar"), _CENT), "BRL": Currency(_same("Real")),
    "AUD": Currency(Noun("australischer Dollar", "australische Dollar"), _CENT),
    "CAD": Currency(Noun("kanadischer Dollar", "kanadische Dollar"), _CENT),
    "NZD": Currency(_same("Neuseeland-Dollar"), _CENT), "HKD": Currency(_same("Hongkong-Dollar"), _CENT),
    "SGD": Currency(_same("Singapur-Dollar"), _CENT), "PLN": Currency(_same("Zloty")),
    "MXN": Currency(Noun("mexikanischer Peso", "mexikanische Peso")), "TRY": Currency(_same("Lira", feminine=True)),
    "SEK": Currency(Noun("schwedische Krone", "schwedische Kronen", feminine=True)),
    "NOK": Currency(Noun("norwegische Krone", "norwegische Kronen", feminine=True)),
    "DKK": Currency(Noun("dänische Krone", "dänische Kronen", feminine=True)), "ILS": Currency(_same("Schekel")),
}  # fmt: skip
_PREFIXES = {"n": "Nano", "µ": "Mikro", "m": "Milli", "c": "Zenti", "k": "Kilo", "M": "Mega", "G": "Giga", "T": "Tera"}


def _with(prefix: str, word: str) -> str:
    return _PREFIXES[prefix] + word.lower() if prefix else word


_UNITS = {
    **{f"{p}m": _same(_with(p, "Meter")) for p in ["", *"nµmck"]}, "dm": _same("Dezimeter"),
    **{f"{p}g": _same(_with(p, "Gramm")) for p in ["", *"µmk"]}, "t": _die("Tonne"),
    **{f"{p}s": _die(_with(p, "Sekunde")) for p in ["", *"nµm"]}, "Sek.": _die("Sekunde"), "Sek": _die("Sekunde"),
    "TL": _same("Teelöffel"), "EL": _same("Esslöffel"), "min": _die("Minute"), "Min.": _die("Minute"),
    "Min": _die("Minute"), "h": _die("Stunde"), "Std.": _die("Stunde"),
    "Std": _die("Stunde"), "ml": _same("Milliliter"), "cl": _same("Zentiliter"), "dl": _same("Deziliter"),
    "l": _same("Liter"), "L": _same("Liter"), "ha": _same("Hektar"), "Pf.": _same("Pfennig"),
    **{f"{p}B": _same(f"{n}byte") for p, n in {**_PREFIXES, "K": "Kilo", "P": "Peta"}.items() if p in "kKMGTP"},
    **{f"{p}iB": _same(f"{n}byte") for p, n in {"K": "Kibi", "M": "Mebi", "G": "Gibi", "T": "Tebi"}.items()},
    **{f"{p}bit": _same(f"{_PREFIXES[p]}bit") for p in "kMG"}, "x": _same("mal"), "k": _same("tausend"),
    **{f"{p}bps": _same(f"{_PREFIXES[p]}bit pro Sekunde") for p in "kMG"}, "kmh": _same("Kilometer pro Stunde"),
    **{f"{p}Hz": _same(_with(p, "Hertz")) for p in ["", *"kMG"]},
    **{f"{p}W": _same(_with(p, "Watt")) for p in ["", *"mkMG"]},
    **{f"{p}Wh": _die(_with(p, "Wattstunde")) for p in ["", *"kMG"]},
    "V": _same("Volt"), "kV": _same("Kilovolt"), "mV": _same("Millivolt"), "mA": _same("Milliampere"),
    "mAh": Noun("Milliamperestunde", "Milliamperestunden", feminine=True), "Pa": _same("Pascal"),
    "kPa": _same("Kilopascal"),
    "hPa": _same("Hektopascal"), "bar": _same("Bar"), "kJ": _same("Kilojoule"), "PS": _same("P S"),
    "cal": Noun("Kalorie", "Kalorien", feminine=True), "kcal": Noun("Kilokalorie", "Kilokalorien", feminine=True),
    "Ω": _same("Ohm"), "kΩ": _same("Kiloohm"), "dB": _same("Dezibel"), "px": _same("Pixel"),
    "fps": Noun("Bild pro Sekunde", "Bilder pro Sekunde"), "mph": _die("Meile"), "″": _same("Zoll"), "′": _same("Fuß"),
    **{f"{p}m²": _same(f"Quadrat{n}meter") for p, n in {"": "", "k": "kilo", "c": "zenti", "m": "milli"}.items()},
    **{f"{p}m³": _same(f"Kubik{n}meter") for p, n in {"": "", "k": "kilo", "c": "zenti", "m": "milli"}.items()},
    "qm": _same("Quadratmeter"), "°C": _same("Grad Celsius"), "°F": _same("Grad Fahrenheit"), "°": _same("Grad"),
    "U/min": Noun("Umdrehung pro Minute", "Umdrehungen pro Minute", feminine=True),
}  # fmt: skip
_MILLION = Noun("Million", "Millionen", feminine=True)
_MILLIARD = Noun("Milliarde", "Milliarden", feminine=True)

_MAGNITUDES = {
    "k": Noun("tausend", "tausend"),
    "Tsd.": Noun("tausend", "tausend"),
    "tausend": Noun("tausend", "tausend"),
    "m": _MILLION,
    "mio": _MILLION,
    "mio.": _MILLION,
    "million": _MILLION,
    "millionen": _MILLION,
    "mrd": _MILLIARD,
    "mrd.": _MILLIARD,
    "bn": _MILLIARD,
    "milliarde": _MILLIARD,
    "milliarden": _MILLIARD,}  # fmt: skip
_WORDS = {
    "z. B.": "zum Beispiel",
    "z.B.": "zum Beispiel",
    "d. h.": "das heißt",
    "d.h.": "das heißt",
    "u. a.": "unter anderem",
    "u.a.": "unter anderem",
    "u. U.": "unter Umständen",
    "u.U.": "unter Umständen",
    "i. d. R.": "in der Regel",
    "i.d.R.": "in der Regel",
    "o. Ä.": "oder Ähnliches",
    "o.Ä.": "oder Ähnliches",
    "u. Ä.": "und Ähnliches",
    "u.Ä.": "und Ähnliches",
    "v. Chr.": "vor Christus",
    "n. Chr.": "nach Christus",
    "v.Chr.": "vor Christus",
    "n.Chr.": "nach Christus",
    "m. E.": "meines Erachtens",
    "m.E.": "meines Erachtens",
    "z. T.": "zum Teil",
    "z.T.": "zum Teil",
    "s. o.": "siehe oben",
    "s.o.": "siehe oben",
    "s. u.": "siehe unten",
    "s.u.": "siehe unten",
    "usw.": "und so weiter",
    "bzw.": "beziehungsweise",
    "ca.": "circa",
    "evtl.": "eventuell",
    "ggf.": "gegebenenfalls",
    "inkl.": "inklusive",
    "exkl.": "exklusive",
    "vgl.": "vergleiche",
    "sog.": "sogenannte",
    "max.": "maximal",
    "min.": "minimal",
    "geb.": "geboren",
    "gest.": "gestorben",
    "Jh.": "Jahrhundert",
    "Jhd.": "Jahrhundert",
    "Mio.": "Millionen",
    "Mrd.": "Milliarden",
    "Tsd.": "tausend",
    "Tel.": "Telefon",
    "allg.": "allgemein",
    "bspw.": "beispielsweise",
    "insb.": "insbesondere",
    "einschl.": "einschließlich",
    "zzgl.": "zuzüglich",
    "Hbf.": "Hauptbahnhof",
    "EU": "E U",
    "USB": "U S B", "XL": "X L",
    "IT": "I T",
    "AG": "A G",
    "ARD": "A R D",
    "API": "A P I",
    "USA": "U S A",
    "GmbH": "G m b H",
    "KI": "K I",
    "URL": "U R L",
    "MwSt.": "Mehrwertsteuer",
    "Str.": "Straße",
    "gem.": "gemäß",
    "etc.": "et cetera",
    "i. A.": "im Auftrag",}  # fmt: skip
_TITLES = {
    "Dr.": "Doktor",
    "Prof.": "Professor",
    "Hr.": "Herr",
    "Hrn.": "Herrn",
    "Fr.": "Frau",
    "St.": "Sankt",
    "Dipl.-Ing.": "Diplomingenieur",}  # fmt: skip
_BEFORE_NUMBERS = {
    "Nr.": "Nummer",
    "nr.": "Nummer",
    "№": "Nummer",
    "S.": "Seite",
    "Abb.": "Abbildung",
    "Kap.": "Kapitel",
    "Abs.": "Absatz",
    "Art.": "Artikel",
    "Bd.": "Band",
    "Tab.": "Tabelle",
    "Ziff.": "Ziffer",
    "Tel.": "Telefon",
    "Abschn.": "Abschnitt",
    "Str.": "Straße",}  # fmt: skip
_SIGNS = {
    "=": "gleich",
    "≈": "ungefähr",
    "≠": "ist nicht gleich",
    "≤": "höchstens",
    "≥": "mindestens",
    "<": "kleiner als",
    ">": "größer als",
    "->": "zu",
    "→": "zu",
    "=>": "daraus folgt",
    "⇒": "daraus folgt",
    "<-": "von",
    "←": "von",
    "<->": "hin und zurück",
    "↔": "hin und zurück",
    "↑": "aufwärts",
    "↓": "abwärts",
    "×": "mal",
    "*": "mal",
    "÷": "geteilt durch",
    "±": "plus minus",
    "√": "Wurzel aus",
    "‰": "Promille",
    "∞": "unendlich",
    "~": "etwa",
    "==": "gleich",
    "!=": "ist nicht gleich",
    "<=": "höchstens",
    ">=": "mindestens",
    "&&": "und",
    "||": "oder",
    "+": "plus",
    "&": "und",
    "-": "minus",
    "™": "",
    "®": "",
    "©": "Copyright",
    "#": "sharp",
    "¢": "Cent",
    "∑": "Summe",
    "∆": "Delta",
    "∈": "in",}  # fmt: skip
_ADDRESS = AddressWords(
    dot="Punkt",
    slash="Schrägstrich",
    dash="Bindestrich",
    underscore="Unterstrich",
    at="ät",
    colon="Doppelpunkt",
    and_so_on="und so weiter",
    hashtag="Hashtag",
)

GERMAN = Language(
    code="de",
    decimal=",",
    spaces_group=True,
    months=_MONTHS,
    month_names={name.lower(): number for number, name in enumerate(_MONTHS, 1)} | _SHORT,
    before_noun={"1": ("ein", "eine")},
    upto="bis",
    score="zu",
    fraction=_fraction,
    mixed=_mixed,
    over="durch",
    date=_date,
    time=_time,
    year=_year,
    year_words=frozenset(
        "in seit wurde starb von vom bis ab jahr jahre jahres anfang ende mitte frühling frühjahr sommer herbst winter "
        "vor nach um ©".split()
    )
    | frozenset(name.lower() for name in _MONTHS)
    | frozenset(_SHORT),
    weekdays=dict(zip("Mo Di Mi Do Fr Sa So".split(), _WEEKDAYS, strict=True)),
    ordinal=_ordinal,
    currencies=_CURRENCIES,
    magnitudes=_MAGNITUDES,
    units=_UNITS,
    per="pro",
    times="mal",
    by="mal",
    number_sign="Nummer",
    words=_WORDS,
    titles=_TITLES,
    before_numbers=_BEFORE_NUMBERS,
    signs=_SIGNS,
    address=_ADDRESS,
    powers=("Quadrat", "hoch 3", "hoch"),
    one_feminine=r"[A-ZÄÖÜ]\w{1,24}(?:e|ung|heit|keit|ion|tät|schaft)",
    one_masculine=r"[A-ZÄÖÜ]\w{2,24}",
    queens=frozenset({"elisabeth", "katharina", "maria", "viktoria"}),
    chapters=frozenset(
        "kapitel teil band akt buch abschnitt phase typ klasse stufe artikel titel tabelle weltkrieg nummer "
        "schritt option".split()
    ),
    rulers=frozenset(
        "heinrich friedrich wilhelm ludwig karl otto maximilian rudolf leopold joseph georg "
        "albrecht johannes paul pius benedikt franziskus leo gregor napoleon alexander nikolaus peter".split()
    ),
)
SWISS_GERMAN = replace(GERMAN, decimal=".")
