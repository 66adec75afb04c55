"""Spanish, of Spain and of the Americas."""

from __future__ import annotations

from dataclasses import replace

from voxtrace.speech.text.normal.language import AddressWords, Currency, Date, Language, Noun, Time

_MONTHS = tuple("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split())
_WEEKDAYS = tuple("lunes martes miércoles jueves viernes sábado domingo".split())
_SHORT = {"ene": 1, "feb": 2, "mar": 3, "abr": 4, "jun": 6, "jul": 7, "ago": 8, "sep": 9, "sept": 9, "set": 9,
          "setiembre": 9, "oct": 10, "nov": 11, "dic": 12}  # fmt: skip
_TENS = {3: "treinta", 4: "cuarenta", 5: "cincuenta", 6: "sesenta", 7: "setenta", 8: "ochenta", 9: "noventa"}
_ORDINALS = (
    "primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo undécimo duodécimo decimotercero "
    "decimocuarto decimoquinto decimosexto decimoséptimo decimoctavo decimonoveno vigésimo"
).split()
_ORDINAL_TENS = {20: "vigésimo", 30: "trigésimo", 40: "cuadragésimo", 50: "quincuagésimo", 60: "sexagésimo",
                 70: "septuagésimo", 80: "octogésimo", 90: "nonagésimo", 100: "centésimo"}  # fmt: skip
_PARTS = {2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno",
          10: "décimo", 12: "doceavo", 16: "dieciseisavo", 20: "veinteavo", 100: "centésimo",
          1000: "milésimo"}  # fmt: skip


def _ordinal(number: int, form: str) -> str:
    """`form`: "f", "m", or "er" of the short form in front of a noun, as in "primer piso"."""
    tens = number // 10 * 10
    if 1 <= number <= 20:
        word = _ORDINALS[number - 1]
    elif tens in _ORDINAL_TENS and (number == tens or number < 100):
        word = f"{_ORDINAL_TENS[tens]} {_ORDINALS[number - tens - 1]}" if number > tens else _ORDINAL_TENS[tens]
    else:
        return str(number)
    if form == "f":
        return " ".join(f"{part[:-1]}a" for part in word.split())
    return word[:-1] if form == "er" and number % 10 in (1, 3) else word


def _date(date: Date, _before: str) -> str:
    month = _MONTHS[date.month - 1] if date.month else ""
    parts = (str(date.day) if date.day else "", month, str(date.year) if date.year else "")
    return " de ".join(part for part in parts if part)


def _american_date(date: Date, before: str) -> str:
    said = _date(date, before)
    return f"primero{said[1:]}" if date.day == 1 else said


def _time(time: Time) -> str:
    said = "una" if time.hour == 1 else str(time.hour)
    if time.minute:
        said += f" y {time.minute}"
    elif not time.half:
        said += " en punto" if 1 <= time.hour <= 12 else " horas"
    if time.second is not None:
        said += f" y {'un segundo' if time.second == 1 else f'{time.second} segundos'}"
    return f"{said} {time.half}" if time.half else said


def _fraction(numerator: int, denominator: int) -> str:
    part = _PARTS.get(denominator, "")
    if not part:
        return ""
    return f"un {part}" if numerator == 1 else f"{numerator} {part}s"


def _mixed(whole: str, numerator: int, denominator: int) -> str:
    part = "medio" if (numerator, denominator) == (1, 2) else _fraction(numerator, denominator)
    return f"{whole} y {part}"


def _of_money(magnitude: str, _currency: str) -> str:
    return " de " if magnitude.startswith("mill") else " "


def _noun(one: str, *, feminine: bool = False) -> Noun:
    return Noun(one, " ".join(word + ("s" if word[-1] in "aeiouéó" else "es") for word in one.split()), feminine)


def _fem(one: str) -> Noun:
    return _noun(one, feminine=True)


def _all(one: str) -> Noun:
    return Noun(one, f"{one}s")


_CENT = _noun("céntimo")
_CENTAVO = _noun("centavo")
_CURRENCIES = {
    "EUR": Currency(_noun("euro"), _CENT), "USD": Currency(Noun("dólar", "dólares"), _CENTAVO),
    "GBP": Currency(_fem("libra"), Noun("penique", "peniques")), "JPY": Currency(Noun("yen", "yenes")),
    "CNY": Currency(Noun("yuan", "yuanes")), "INR": Currency(_fem("rupia")),
    "BTC": Currency(Noun("bitcoin", "bitcoins")),
    "CHF": Currency(_noun("franco suizo"), _CENT), "RUB": Currency(_noun("rublo"), _noun("kopek")),
    "KRW": Currency(Noun("won", "wones")),
    "US": Currency(Noun("dólar estadounidense", "dólares estadounidenses"), _CENTAVO),
    "AUD": Currency(Noun("dólar australiano", "dólares australianos"), _CENTAVO),
    "CAD": Currency(Noun("dólar canadiense", "dólares canadienses"), _CENTAVO),
    "NZD": Currency(Noun("dólar neozelandés", "dólares neozelandeses"), _CENTAVO),
    "HKD": Currency(Noun("dólar de Hong Kong", "dólares de Hong Kong"), _CENTAVO),
    "SGD": Currency(Noun("dólar de Singapur", "dólares de Singapur"), _CENTAVO),
    "BRL": Currency(Noun("real", "reales")),
    "MXN": Currency(_noun("peso mexicano"), _CENTAVO), "PESO": Currency(_noun("peso"), _CENTAVO),
    "ARS": Currency(_noun("peso argentino"), _CENTAVO), "CLP": Currency(_noun("peso chileno")),
    "COP": Currency(_noun("peso colombiano")), "PEN": Currency(Noun("sol", "soles"), _CENT),
    "PLN": Currency(Noun("zloty", "zlotys")),
    "SEK": Currency(_fem("corona sueca")), "NOK": Currency(_fem("corona noruega")),
    "DKK": Currency(_fem("corona danesa")),
    "TRY": Currency(_fem("lira turca")), "ILS": Currency(Noun("séquel", "séqueles")),
}  # fmt: skip
_PREFIXES = {"n": "nanó", "µ": "micró", "m": "milí", "c": "centí", "k": "kiló", "M": "mega", "G": "giga", "T": "tera"}
_PLAIN = {"n": "nano", "µ": "micro", "m": "mili", "c": "centi", "k": "kilo", "M": "mega", "G": "giga", "T": "tera"}
_UNITS = {
    "m": _noun("metro"), **{f"{p}m": _noun(f"{_PREFIXES[p]}metro") for p in "nµmck"}, "dm": _noun("decímetro"),
    **{f"{p}g": _noun(f"{_PLAIN.get(p, '')}gramo") for p in ["", *"µmk"]}, "t": _fem("tonelada"),
    **{f"{p}s": _noun(f"{_PLAIN.get(p, '')}segundo") for p in ["", *"nµm"]}, "seg": _noun("segundo"),
    "min": _noun("minuto"), "h": _fem("hora"), "hs": _fem("hora"), "ha": _fem("hectárea"),
    "ml": _noun("mililitro"), "mL": _noun("mililitro"), "cl": _noun("centilitro"), "dl": _noun("decilitro"),
    "l": _noun("litro"), "L": _noun("litro"), "x": Noun("vez", "veces", feminine=True), "k": Noun("mil", "mil"),
    **{f"{p}B": _all(f"{n}byte") for p, n in {**_PLAIN, "K": "kilo", "P": "peta"}.items() if p in "kKMGTP"},
    **{f"{p}iB": _all(f"{n}byte") for p, n in {"K": "kibi", "M": "mebi", "G": "gibi", "T": "tebi"}.items()},
    **{f"{p}bit": _all(f"{_PLAIN[p]}bit") for p in "kMG"},
    **{f"{p}bps": Noun(f"{_PLAIN[p]}bit por segundo", f"{_PLAIN[p]}bits por segundo") for p in "kMG"},
    **{f"{p}Hz": _noun(f"{_PLAIN.get(p, '')}hercio") for p in ["", *"kMG"]},
    **{f"{p}W": _noun(f"{_PLAIN.get(p, '')}vatio") for p in ["", *"mkMG"]}, "V": _noun("voltio"),
    **{f"{p}Wh": Noun(f"{_PLAIN.get(p, '')}vatio hora", f"{_PLAIN.get(p, '')}vatios hora") for p in ["", *"kMG"]},
    "kV": _noun("kilovoltio"), "mV": _noun("milivoltio"), "mA": _noun("miliamperio"),
    "mAh": Noun("miliamperio hora", "miliamperios hora"), "Pa": _noun("pascal"), "kPa": _noun("kilopascal"),
    "hPa": _noun("hectopascal"), "bar": _noun("bar"), "kJ": _noun("kilojulio"), "cal": _fem("caloría"),
    "kcal": _fem("kilocaloría"), "Ω": _noun("ohmio"), "dB": _noun("decibelio"), "px": Noun("píxel", "píxeles"),
    "fps": Noun("fotograma por segundo", "fotogramas por segundo"),
    "mph": Noun("milla por hora", "millas por hora", feminine=True),
    "kmh": Noun("kilómetro por hora", "kilómetros por hora"), "″": _fem("pulgada"), "′": _noun("pie"),
    "ft": _noun("pie"),
    "lb": _fem("libra"), "oz": _fem("onza"), "°": _noun("grado"),
    **{f"{p}m²": _noun(f"{n}metro cuadrado") for p, n in {"": "", "k": "kiló", "c": "centí"}.items()},
    **{f"{p}m³": _noun(f"{n}metro cúbico") for p, n in {"": "", "k": "kiló", "c": "centí"}.items()},
    "°C": Noun("grado Celsius", "grados Celsius"), "°F": Noun("grado Fahrenheit", "grados Fahrenheit"),
    "rpm": Noun("revolución por minuto", "revoluciones por minuto", feminine=True),
}  # fmt: skip
_MILLION = Noun("millón", "millones")

_MAGNITUDES = {
    "k": Noun("mil", "mil"),
    "mil": Noun("mil", "mil"),
    "m": _MILLION,
    "mm": _MILLION,
    "millón": _MILLION,
    "millones": _MILLION,
    "bn": Noun("mil millones", "mil millones"),
    "billón": Noun("billón", "billones"),
    "billones": Noun("billón", "billones"),}  # fmt: skip
_WORDS = {
    "p. ej.": "por ejemplo",
    "p.ej.": "por ejemplo",
    "P. ej.": "Por ejemplo",
    "EE. UU.": "Estados Unidos",
    "EE.UU.": "Estados Unidos",
    "EE UU": "Estados Unidos",
    "EEUU": "Estados Unidos",
    "a. C.": "antes de Cristo",
    "d. C.": "después de Cristo",
    "a.C.": "antes de Cristo",
    "d.C.": "después de Cristo",
    "aprox.": "aproximadamente",
    "tel.": "teléfono",
    "Tel.": "Teléfono",
    "avda.": "avenida",
    "Avda.": "Avenida",
    "máx.": "máximo",
    "mín.": "mínimo",
    "dcha.": "derecha",
    "izq.": "izquierda",
    "UE": "U E",
    "USB": "U S B", "XL": "X L",
    "API": "A P I",
    "IA": "I A",
    "JJ. OO.": "Juegos Olímpicos",
    "JJ.OO.": "Juegos Olímpicos",
    "RR. HH.": "Recursos Humanos",
    "RR.HH.": "Recursos Humanos",
    "S. A.": "S A",
    "S.A.": "S A",
    "URL": "U R L",
    "vs.": "versus",
    "Uds.": "ustedes",
    "Ud.": "usted",
    "Vd.": "usted",
    "Vds.": "ustedes",
    "c/": "calle",
    "C/": "Calle",}  # fmt: skip
_TITLES = {
    "Sr.": "Señor",
    "Sra.": "Señora",
    "Srta.": "Señorita",
    "Sres.": "Señores",
    "Dr.": "Doctor",
    "Dra.": "Doctora",
    "D.": "Don", "D.ª": "Doña",
    "Dña.": "Doña",
    "Prof.": "Profesor",
    "Profa.": "Profesora",
    "Ing.": "Ingeniero",
    "Lic.": "Licenciado",
    "Sto.": "Santo",
    "Sta.": "Santa",
    "Gral.": "General",}  # fmt: skip
_BEFORE_NUMBERS = {
    "n.º": "número",
    "N.º": "número",
    "nº": "número",
    "Nº": "número",
    "n°": "número",
    "N°": "número",
    "№": "número",
    "núm.": "número",
    "Núm.": "Número",
    "pág.": "página",
    "págs.": "páginas",
    "p.": "página",
    "pp.": "páginas",
    "art.": "artículo",
    "cap.": "capítulo",
    "vol.": "volumen",
    "fig.": "figura",
    "tel.": "teléfono",}  # fmt: skip
_SIGNS = {
    "=": "igual a",
    "≈": "aproximadamente",
    "≠": "distinto de",
    "≤": "menor o igual que",
    "≥": "mayor o igual que",
    "<": "menor que",
    ">": "mayor que",
    "->": "a",
    "→": "a",
    "=>": "por tanto",
    "⇒": "por tanto",
    "<-": "de",
    "←": "de",
    "<->": "ida y vuelta",
    "↔": "ida y vuelta",
    "↑": "arriba",
    "↓": "abajo",
    "×": "por",
    "*": "por",
    "÷": "dividido por",
    "±": "más o menos",
    "√": "raíz de",
    "‰": "por mil",
    "∞": "infinito",
    "~": "unos",
    "==": "igual a",
    "!=": "distinto de",
    "<=": "menor o igual que",
    ">=": "mayor o igual que",
    "&&": "y",
    "||": "o",
    "+": "más",
    "&": "y",
    "-": "menos",
    "™": "",
    "®": "",
    "©": "copyright",
    "#": "sostenido",
    "¢": "centavos",
    "½": "medio",
    "∑": "suma",
    "∆": "delta",
    "∈": "en",}  # fmt: skip
_ADDRESS = AddressWords(
    dot="punto",
    slash="barra",
    dash="guion",
    underscore="guion bajo",
    at="arroba",
    colon="dos puntos",
    and_so_on="etcétera",
    hashtag="hashtag",
)

SPANISH = Language(
    code="es",
    decimal=",",
    spaces_group=True,
    months=_MONTHS,
    month_names={name: number for number, name in enumerate(_MONTHS, 1)} | _SHORT,
    before_noun={"1": ("un", "una"), "21": ("veintiún", "veintiuna")}
    | {f"{tens}1": (f"{word} y un", f"{word} y una") for tens, word in _TENS.items()},
    minus="menos",
    speaks_minus=False,
    upto="a",
    score="a",
    fraction=_fraction,
    mixed=_mixed,
    over="sobre",
    date=_date,
    time=_time,
    before_days=frozenset({"el", "del", "al"}),
    weekdays=dict(zip("lun mar mié jue vie sáb dom".split(), _WEEKDAYS, strict=True)),
    ordinal=_ordinal,
    currencies=_CURRENCIES,
    of_money=_of_money,
    price="{main} con {cents}",
    magnitudes=_MAGNITUDES,
    units=_UNITS,
    per="por",
    times="por",
    by="por",
    number_sign="número",
    words=_WORDS,
    titles=_TITLES,
    before_numbers=_BEFORE_NUMBERS,
    signs=_SIGNS,
    address=_ADDRESS,
    powers=("al cuadrado", "al cubo", "elevado a"),
    one_feminine=r"(?!d[ií]a\b|problema|tema\b|sistema|programa|mapa\b|idioma|clima\b|planeta|para\b|hasta\b|contra\b)"
    r"[^\W\d_]{2,24}a(?:ción|d)?|[^\W\d_]{2,24}(?:ción|dad|sión)",
    one_masculine=r"[^\W\d_]{2,24}[oler]|d[ií]a|mes|problema|sistema|programa|mapa|idioma",
    queens=frozenset({"isabel", "juana", "catalina", "maría"}),
    chapters=frozenset(
        "siglo capítulo parte volumen tomo acto libro sección fase tipo clase nivel artículo título tabla "
        "opción número página paso línea pregunta".split()
    ),
    rulers=frozenset(
        "felipe carlos alfonso fernando enrique juan pedro luis jaime sancho pablo pío benedicto león gregorio "
        "napoleón alejandro nicolás jorge francisco".split()
    ),
)
AMERICAN_SPANISH = replace(SPANISH, decimal=".", date=_american_date)
PESOS = replace(AMERICAN_SPANISH, dollar="PESO")
# Where the comma is the decimal sign: the south, and what "$" is there.
SOUTHERN_PESOS = replace(SPANISH, date=_american_date, dollar="PESO")
