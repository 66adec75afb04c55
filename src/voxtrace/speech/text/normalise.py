"""What a voice is to say for what is written: numbers, money, dates, addresses, markup and signs as words.

Pure, and a function of one piece's text alone. Plain prose comes back as it is, and soon: somebody waits for
the first piece.
"""

from __future__ import annotations

import re

from voxtrace.speech.text.normal.languages import LANGUAGES, language_of
from voxtrace.speech.text.normal.passes import load_tables, rewritten
from voxtrace.speech.text.offsets import Edit, Normalised
from voxtrace.speech.text.say_as import SAY_AS, UnknownSayAs, say_as

# Goes into the keys of every cache of speech: raised when any text is read otherwise than before.
NORMALISER_VERSION = "2"

__all__ = [
    "NORMALISER_VERSION",
    "SAY_AS",
    "Edit",
    "Normalised",
    "UnknownSayAs",
    "load_languages",
    "normalise",
    "say_as",
]

# Anything else than letters, spaces and the signs of a sentence.
_ODD = re.compile("[^A-Za-z ,.;:!?'\"()À-ÖØ-öø-ÿœŒ’‘“”„«»…¿¡–—-]")
# Two capitals, or one that may be a number; in English "I" is no reason to look closer.
_CAPITALS = re.compile(r"[A-Z](?:[A-Z]|(?<= [VX])(?!\w))")
_CAPITALS_WITH_I = re.compile(r"[A-Z](?:[A-Z]|(?<= [IVX])(?:(?!\w)|er))")


def normalise(text: str, language: str) -> Normalised:
    """What is to be spoken for one piece of text.

    Args:
        text: a piece; never cut inside a number or an address.
        language: a BCP 47 tag such as "en-us", "es-419" or "ja". Of one that is not known here only what
            holds in every language is rewritten.
    """
    capitals = _CAPITALS if language[:2] == "en" else _CAPITALS_WITH_I
    if _ODD.search(text) is None and text.find(".", 0, -2) < 0 and capitals.search(text) is None:
        return Normalised(text)
    return rewritten(text, language_of(language))


def load_languages() -> None:
    """Make what the first text in each language would otherwise wait for: up to 2 ms of one, 6 ms of all."""
    for language in LANGUAGES:
        load_tables(language)
