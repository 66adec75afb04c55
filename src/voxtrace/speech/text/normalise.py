"""What a voice is to say for what is written: numbers, money, dates, addresses, markup and signs as words.

Pure, and a function of one piece's text alone. Plain prose comes back as it is.
"""

from __future__ import annotations

from voxtrace.speech.text.offsets import Edit, Normalised
from voxtrace.speech.text.say_as import SAY_AS, UnknownSayAs, say_as

# Goes into the keys of every cache of speech: raised when any text is read otherwise than before.
NORMALISER_VERSION = "0"

__all__ = ["NORMALISER_VERSION", "SAY_AS", "Edit", "Normalised", "UnknownSayAs", "normalise", "say_as"]


def normalise(text: str, language: str) -> Normalised:
    """What is to be spoken for one piece of text.

    Args:
        text: a piece; never cut inside a number or an address.
        language: a BCP 47 tag such as "en-us", "es-419" or "ja". Of one that is not known here only what
            holds in every language is rewritten.
    """
    return Normalised(text)
