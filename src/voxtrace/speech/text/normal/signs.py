"""Signs that are said as words, signs that are not said, and characters that are another form of a plain one."""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.language import Language, Run

# Full-width forms, one for one; the wave dash stays, in Japanese it is no tilde.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5E)} | {
    0x3000: 0x20,
    0xFFE5: 0xA5,
    0xFFE1: 0xA3,
    0xFFE0: 0xA2,
}
_PLAIN = _WIDE | {0x2011: 0x2D, 0x2010: 0x2D, 0xFE63: 0x2D}
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufff9-\ufffc\x00-\x08\x0e-\x1f]{1,99}"
)
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
# A row of emoji with all that joins and colours them; arrows among them are signs.
_PICTURE = (
    "\u00a9\ufe0f|\u00ae\ufe0f|[\u2049\u203c\u2139\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0"
    "\u25fb-\u25fe\u2600-\u26ff\u2700-\u2793\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u303d\u3297\u3299"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f\ufe0e\ufe0f\u200d\u20e3]"
)
_EMOJI = re.compile(f"(?P<space> ?)(?:{_PICTURE})(?:{_PICTURE}| (?={_PICTURE})){{0,99}}")
_ARROWS = dict.fromkeys(map(ord, "➔➙➜➝➞➡⟶⮕"), "→") | dict.fromkeys(map(ord, "⬅⟵"), "←") | {ord("⟹"): "⇒"}
_SMILEY = re.compile(r"(?<!\S)(?:[:;=]['’]?-?[)(DPpOo|/*3\]]|<3|[xX]D|\^_?\^)(?!\w)")
_SIGN = re.compile(
    r"""
      \s?(?:<->|<=>|->|-->|=>|[→⇒←↔↑↓])\s?
    | (?<=[\w)])\s?(?:<-|<=|>=|==|!=|&&|\|\|)\s?(?=[\w(])
    | (?<=[\w)\]%²³])\s[<>]\s(?=[\w(-])|(?<=\d)[<>](?=\d)|(?<!\S)[<>]\s?(?=\d)
    | \s?[=≈≠≤≥×÷±∈]\s?
    | [√‰∞∑∆¢™®©]
    | (?<=\s)\*(?=\s)|(?<=\d)\*(?=\d)
    | (?<=\d)\s-\s(?=\d)
    | ~(?=[$€£]?\d)
    | (?<=\b[A-Z])\#
    | (?<=[\w)])\s?&\s?(?=[\w(])
    """,
    re.VERBOSE,
)
_STROKE = re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])|(?<=\s)[/|\\^_](?=\s)|(?<=\w)[|^\\](?=\w)")


def plain_characters(text: str) -> str:
    """Full-width and other forms of plain characters as those; as many characters as before."""
    return text.translate(_PLAIN).translate(_ARROWS)


def invisible(text: str, _language: Language) -> list[Run]:
    """Characters without a shape."""
    return [(found.start(), found.end(), "") for found in _INVISIBLE.finditer(text)]


def emoji(text: str, _language: Language) -> list[Run]:
    """Emoji are silent: in the text of an assistant they are tone of voice, and their names break the sentence."""
    runs: list[Run] = [(found.start(), found.end(), found[1]) for found in _KEYCAP.finditer(text)]
    for found in _EMOJI.finditer(text):
        following = text[found.end() : found.end() + 1]
        between_words = text[max(0, found.start() - 1) : found.start()].isalnum() and following.isalnum()
        runs.append((found.start(), found.end(), " " if between_words else ""))
    return runs


def smileys(text: str, _language: Language) -> list[Run]:
    """Faces made of punctuation are as silent as emoji."""
    return [(found.start(), found.end(), "") for found in _SMILEY.finditer(text)]


def signs(text: str, language: Language) -> list[Run]:
    """Signs of mathematics, arrows and the like as words, and strokes between words as a space."""
    if not language.signs:
        return []
    runs: list[Run] = []
    for found in _SIGN.finditer(text):
        sign = found[0].strip()
        if sign == "&" and language.code not in ("es", "fr"):
            continue  # espeak-ng says it, and well
        sign = {"-->": "->", "<=>": "<->"}.get(sign, sign)
        said = language.signs.get(sign, "")
        runs.append((found.start(), found.end(), _set_apart(said, text, found)))
    runs += [(found.start(), found.end(), " ") for found in _STROKE.finditer(text)]
    return runs


def _set_apart(said: str, text: str, found: re.Match[str]) -> str:
    """With a space on each side on which a word stands."""
    if not said:
        return ""
    before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
    return " " * (before != "" and not before.isspace()) + said + " " * (after.isalnum() or after in tuple("($€£-+"))
