"""French."""

from __future__ import annotations

from dataclasses import replace

from voxtrace.speech.text.normal.language import AddressWords, Currency, Date, Language, Noun, Time

_MONTHS = tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split())
_WEEKDAYS = tuple("lundi mardi mercredi jeudi vendredi samedi dimanche".split())
_SHORT = {"janv": 1, "févr": 2, "fév": 2, "avr": 4, "juil": 7, "sept": 9, "oct": 10, "nov": 11, "déc": 12}
_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}
_PARTS = {2: "demi", 3: "tiers", 4: "quart"}


def _ordinal(number: int, form: str) -> str:
    # espeak-ng says the e of "2e" by itself, and "2ème" as it should be.
    if number == 1:
        return "première" if form == "f" else "premier"
    return f"{number}ème"


def _date(date: Date, _before: str) -> str:
    day = ("1er" if date.day == 1 else str(date.day)) if date.day else ""
    month = _MONTHS[date.month - 1] if date.month else ""
    return " ".join(part for part in (day, month, str(date.year) if date.year else "") if part)


def _time(time: Time) -> str:
    hours = {0: "zéro heure", 1: "une heure", 21: "vingt et une heures"}.get(time.hour, f"{time.hour} heures")
    said = f"{hours} {time.minute}" if time.minute else hours
    if time.second is not None:
        said += f" et {'une seconde' if time.second == 1 else f'{time.second} secondes'}"
    return said


def _fraction(numerator: int, denominator: int) -> str:
    if denominator > 20 and denominator not in (100, 1000):
        return ""
    part = _PARTS.get(denominator, f"{denominator}ème")
    many = part if part.endswith("s") else f"{part}s"
    return f"un {part}" if numerator == 1 else f"{numerator} {many}"


def _mixed(whole: str, numerator: int, denominator: int) -> str:
    part = "demi" if (numerator, denominator) == (1, 2) else _fraction(numerator, denominator)
    return f"{whole} et {part}"


def _of_money(magnitude: str, currency: str) -> str:
    if magnitude == "mille":
        return " "
    return " d'" if currency[0] in "aeiou" else " de "


def _noun(one: str, *, feminine: bool = False) -> Noun:
    return Noun(one, " ".join(f"{word}s" for word in one.split()), feminine)


def _fem(one: str) -> Noun:
    return _noun(one, feminine=True)


_CENT = _noun("centime")
_CURRENCIES = {
    "EUR": Currency(_noun("euro"), _CENT), "USD": Currency(_noun("dollar"), Noun("cent", "cents")),
    "GBP": Currency(Noun("livre sterling", "livres sterling", feminine=True), Noun("penny", "pence")),
    "JPY": Currency(Noun("yen", "yens")), "CNY": Currency(_noun("yuan")), "INR": Currency(_fem("roupie")),
    "CHF": Currency(_noun("franc suisse"), _CENT), "RUB": Currency(_noun("rouble"), _noun("kopeck")),
    "KRW": Currency(Noun("won", "wons")), "BTC": Currency(_noun("bitcoin")), "BRL": Currency(Noun("real", "reals")),
    "US": Currency(_noun("dollar américain"), Noun("cent", "cents")), "PLN": Currency(_noun("zloty")),
    "AUD": Currency(_noun("dollar australien"), Noun("cent", "cents")),
    "CAD": Currency(_noun("dollar canadien"), Noun("cent", "cents")), "MXN": Currency(_noun("peso mexicain")),
    "NZD": Currency(_noun("dollar néo-zélandais"), Noun("cent", "cents")), "ILS": Currency(_noun("shekel")),
    "HKD": Currency(Noun("dollar de Hong Kong", "dollars de Hong Kong"), Noun("cent", "cents")),
    "SGD": Currency(Noun("dollar de Singapour", "dollars de Singapour"), Noun("cent", "cents")),
    "SEK": Currency(_fem("couronne suédoise")), "NOK": Currency(_fem("couronne norvégienne")),
    "DKK": Currency(_fem("couronne danoise")), "TRY": Currency(_fem("livre turque")),
}  # fmt: skip
_PREFIXES = {"n": "nano", "µ": "micro", "m": "milli", "c": "centi", "k": "kilo", "M": "méga", "G": "giga", "T": "téra"}
_BYTES = {"k": "kilo", "K": "kilo", "M": "méga", "G": "giga", "T": "téra", "P": "péta"}
_UNITS = {
    **{f"{p}m": _noun(f"{_PREFIXES.get(p, '')}mètre") for p in ["", *"nµmck"]}, "dm": _noun("décimètre"),
    **{f"{p}g": _noun(f"{_PREFIXES.get(p, '')}gramme") for p in ["", *"µmk"]}, "t": _fem("tonne"),
    **{f"{p}s": _fem(f"{_PREFIXES.get(p, '')}seconde") for p in ["", *"nµm"]}, "sec": _fem("seconde"),
    "min": _fem("minute"), "mn": _fem("minute"), "h": _fem("heure"), "j": _noun("jour"), "ha": _noun("hectare"),
    "ml": _noun("millilitre"), "mL": _noun("millilitre"), "cl": _noun("centilitre"), "dl": _noun("décilitre"),
    "l": _noun("litre"), "L": _noun("litre"), "kmh": Noun("kilomètre heure", "kilomètres heure"),
    **{f"{p}{o}": _noun(f"{n}octet") for p, n in _BYTES.items() for o in "oB"}, "o": _noun("octet"),
    **{f"{p}iB": _noun(f"{n}octet") for p, n in {"K": "kibi", "M": "mébi", "G": "gibi", "T": "tébi"}.items()},
    **{f"{p}bit": _noun(f"{_PREFIXES[p]}bit") for p in "kMG"}, "x": Noun("fois", "fois", feminine=True),
    **{f"{p}bps": Noun(f"{_PREFIXES[p]}bit par seconde", f"{_PREFIXES[p]}bits par seconde") for p in "kMG"},
    **{f"{p}Hz": Noun(f"{_PREFIXES.get(p, '')}hertz", f"{_PREFIXES.get(p, '')}hertz") for p in ["", *"kMG"]},
    "k": Noun("mille", "mille"),
    **{f"{p}W": _noun(f"{_PREFIXES.get(p, '')}watt") for p in ["", *"mkMG"]}, "V": _noun("volt"),
    **{f"{p}Wh": Noun(f"{_PREFIXES.get(p, '')}watt-heure", f"{_PREFIXES.get(p, '')}watt-heures") for p in ["", *"kMG"]},
    "kV": _noun("kilovolt"), "mV": _noun("millivolt"), "mA": _noun("milliampère"), "mAh": _noun("milliampère-heure"),
    "Pa": _noun("pascal"), "kPa": _noun("kilopascal"), "hPa": _noun("hectopascal"), "bar": _noun("bar"),
    "kJ": _noun("kilojoule"), "cal": _fem("calorie"), "kcal": _fem("kilocalorie"), "Ω": _noun("ohm"),
    "dB": _noun("décibel"),
    "px": _noun("pixel"), "fps": Noun("image par seconde", "images par seconde", feminine=True), "″": _noun("pouce"),
    "km/h": Noun("kilomètre heure", "kilomètres heure"), "mph": Noun("mile par heure", "miles par heure"),
    **{f"{p}m²": Noun(f"{n}mètre carré", f"{n}mètres carrés") for p, n in {"": "", "k": "kilo", "c": "centi"}.items()},
    **{f"{p}m³": Noun(f"{n}mètre cube", f"{n}mètres cubes") for p, n in {"": "", "k": "kilo", "c": "centi"}.items()},
    "°C": Noun("degré Celsius", "degrés Celsius"), "°F": Noun("degré Fahrenheit", "degrés Fahrenheit"),
    "°": _noun("degré"), "′": _noun("pied"), "tr/min": Noun("tour par minute", "tours par minute"),
}  # fmt: skip
_MILLION = _noun("million")
_MILLIARD = _noun("milliard")

_MAGNITUDES = {
    "k": Noun("mille", "mille"),
    "mille": Noun("mille", "mille"),
    "m": _MILLION,
    "million": _MILLION,
    "millions": _MILLION,
    "md": _MILLIARD,
    "mds": _MILLIARD,
    "mrd": _MILLIARD,
    "bn": _MILLIARD,
    "milliard": _MILLIARD,
    "milliards": _MILLIARD,}  # fmt: skip
_WORDS = {
    "p. ex.": "par exemple",
    "p.ex.": "par exemple",
    "c.-à-d.": "c'est-à-dire",
    "av. J.-C.": "avant Jésus-Christ",
    "apr. J.-C.": "après Jésus-Christ",
    "ap. J.-C.": "après Jésus-Christ",
    "J.-C.": "Jésus-Christ",
    "env.": "environ",
    "max.": "maximum",
    "min.": "minimum",
    "qqch.": "quelque chose",
    "tél.": "téléphone",
    "Tél.": "Téléphone",
    "av.": "avenue",
    "bd.": "boulevard",
    "UE": "U E",
    "USB": "U S B", "XL": "X L",
    "IA": "I A",
    "URL": "U R L",
    "SVP": "s'il vous plaît",
    "HT": "hors taxes",
    "TTC": "toutes taxes comprises",
    "vs.": "versus",}  # fmt: skip
_TITLES = {
    "M.": "Monsieur",
    "MM.": "Messieurs",
    "Dr.": "Docteur",
    "Pr.": "Professeur",
    "Mme.": "Madame",
    "Mlle.": "Mademoiselle",
    "St.": "Saint",
    "Ste.": "Sainte",}  # fmt: skip
_BEFORE_NUMBERS = {
    "n°": "numéro",
    "N°": "numéro",
    "nº": "numéro",
    "Nº": "numéro",
    "№": "numéro",
    "no.": "numéro",
    "p.": "page",
    "pp.": "pages",
    "vol.": "volume",
    "chap.": "chapitre",
    "fig.": "figure",
    "art.": "article",
    "§": "paragraphe",
    "éd.": "édition",
    "t.": "tome",
    "tél.": "téléphone",}  # fmt: skip
_SIGNS = {
    "=": "égale",
    "≈": "environ égal à",
    "≠": "différent de",
    "≤": "inférieur ou égal à",
    "≥": "supérieur ou égal à",
    "<": "inférieur à",
    ">": "supérieur à",
    "->": "vers",
    "→": "vers",
    "=>": "donc",
    "⇒": "donc",
    "<-": "de",
    "←": "de",
    "<->": "aller-retour",
    "↔": "aller-retour",
    "↑": "vers le haut",
    "↓": "vers le bas",
    "×": "fois",
    "*": "fois",
    "÷": "divisé par",
    "±": "plus ou moins",
    "√": "racine de",
    "‰": "pour mille",
    "∞": "l'infini",
    "~": "environ",
    "==": "égale",
    "!=": "différent de",
    "<=": "inférieur ou égal à",
    ">=": "supérieur ou égal à",
    "&&": "et",
    "||": "ou",
    "+": "plus",
    "&": "et",
    "-": "moins",
    "™": "",
    "®": "",
    "©": "copyright",
    "#": "dièse",
    "¢": "cents",
    "§": "paragraphe",
    "∑": "somme",
    "∆": "delta",
    "∈": "dans",}  # fmt: skip
_ADDRESS = AddressWords(
    dot="point",
    slash="slash",
    dash="tiret",
    underscore="tiret bas",
    at="arobase",
    colon="deux points",
    and_so_on="et cetera",
    hashtag="hashtag",
)

FRENCH = Language(
    code="fr",
    decimal=",",
    spaces_group=True,
    months=_MONTHS,
    month_names={name: number for number, name in enumerate(_MONTHS, 1)} | _SHORT,
    before_noun={"1": ("un", "une")}
    | {f"{tens}1": (f"{tens}1", f"{word} et une") for tens, word in _TENS.items()}
    | {"71": ("71", "71")},
    one_below_two=True,
    minus="moins",
    speaks_minus=False,
    upto="à",
    score="à",
    fraction=_fraction,
    mixed=_mixed,
    over="sur",
    date=_date,
    time=_time,
    before_days=frozenset({"le", "du", "au"}),
    weekdays=dict(zip("lun mar mer jeu ven sam dim".split(), _WEEKDAYS, strict=True)),
    ordinal=_ordinal,
    currencies=_CURRENCIES,
    of_money=_of_money,
    magnitudes=_MAGNITUDES,
    units=_UNITS,
    per="par",
    times="fois",
    by="par",
    number_sign="numéro",
    words=_WORDS,
    titles=_TITLES,
    before_numbers=_BEFORE_NUMBERS,
    signs=_SIGNS,
    address=_ADDRESS,
    powers=("au carré", "au cube", "puissance"),
    one_feminine=r"(?:heure|minute|seconde|semaine|année|journée|nuit|fois|personne|page|tasse|cuillère|pomme|femme|fille"
    r"|chose|place|voiture|maison|question|réponse|option|étape|bouteille|livre sterling)",
    queens=frozenset({"élisabeth", "catherine", "marie"}),
    chapters=frozenset(
        "chapitre partie volume tome acte livre section phase type classe niveau article titre tableau "
        "page option étape numéro question".split()
    ),
    rulers=frozenset(
        "louis henri charles philippe françois napoléon jean paul pie benoît léon grégoire georges "
        "édouard guillaume frédéric alexandre nicolas pierre clovis".split()
    ),
)
SWISS_FRENCH = replace(FRENCH, decimal=".")
