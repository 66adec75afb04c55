"""Which language's data a BCP 47 tag asks for."""

from __future__ import annotations

from functools import lru_cache

from voxtrace.speech.text.normal.english import BRITISH, ENGLISH
from voxtrace.speech.text.normal.french import FRENCH, SWISS_FRENCH
from voxtrace.speech.text.normal.german import GERMAN, SWISS_GERMAN
from voxtrace.speech.text.normal.language import Language
from voxtrace.speech.text.normal.spanish import AMERICAN_SPANISH, PESOS, SOUTHERN_PESOS, SPANISH

# Of a language that has no data: only what is the same everywhere.
ANY = Language(code="", decimal=".")
JAPANESE = Language(code="ja", decimal=".")

_BY_TAG = {
    "en": BRITISH, "en-us": ENGLISH, "en-ca": ENGLISH, "en-ph": ENGLISH,
    "es": SPANISH, "es-419": AMERICAN_SPANISH, "es-us": AMERICAN_SPANISH, "es-mx": PESOS, "es-do": PESOS,
    **{f"es-{place}": AMERICAN_SPANISH for place in ("gt", "hn", "ni", "pa", "pe", "pr", "sv")},
    **{f"es-{place}": SOUTHERN_PESOS for place in ("ar", "cl", "co", "uy")},
    "fr": FRENCH, "fr-ch": SWISS_FRENCH,
    "de": GERMAN, "de-ch": SWISS_GERMAN, "de-li": SWISS_GERMAN,
    "ja": JAPANESE,
}  # fmt: skip


LANGUAGES = tuple(dict.fromkeys((*_BY_TAG.values(), ANY)))


@lru_cache(maxsize=256)
def language_of(tag: str) -> Language:
    """The data of a tag such as "en-us", or of its language alone; of an unknown one, almost none."""
    parts = tag.replace("_", "-").lower().split("-")
    if parts == ["en"]:
        return ENGLISH  # nobody who says only "en" would hear 11/28 as the eleventh of something
    while parts:
        if found := _BY_TAG.get("-".join(parts)):
            return found
        parts.pop()
    return ANY
