"""What espeak-ng makes of a text that was read is what it makes of the sentence written out in words."""

from __future__ import annotations

import re

import pytest

from voxtrace.speech.engines.espeak_phonemes import Phonemizer
from voxtrace.speech.text.normalise import normalise

WRITTEN_OUT = [
    ("en-us", "On 11/28/2026 at 3:05pm", "On November twenty-eighth, twenty twenty-six at three oh five pm"),
    (
        "en-us",
        "It costs $1,234.56, or €1.2m.",
        "It costs one thousand two hundred thirty-four dollars and fifty-six cents, or one point two million euros.",
    ),
    (
        "en-us",
        "In 1984, 3–5 km at -5°C",
        "In nineteen eighty-four, three to five kilometers at minus five degrees Celsius",
    ),
    (
        "en-us",
        "**Dr. Smith** met Henry VIII at 5 Main St. today",
        "Doctor Smith met Henry the eighth at five Main Street today",
    ),
    ("en-us", "See https://www.example.com/docs?a=1 😀", "See example dot com slash docs, and so on"),
    ("en-us", "1/2 cup & 3½ tsp → done", "one half cup and three and a half teaspoons to done"),
    ("en-us", "[R&D](https://a.io/x_y) &amp; `x²`", "R and D and x squared"),
    (
        "de",
        "Am 28.11.2026 um 15:30 Uhr",
        "Am achtundzwanzigsten November zweitausend sechsundzwanzig um fünfzehn Uhr dreißig",
    ),
    ("de", "Das kostet 3,50 € bzw. 1 $", "Das kostet drei Euro fünfzig beziehungsweise ein Dollar"),
    (
        "de",
        "Ludwig XIV. starb am 1. September 1715",
        "Ludwig der Vierzehnte starb am ersten September siebzehnhundertfünfzehn",
    ),
    (
        "de",
        "Nr. 5: 20 °C, 5 km/h, z. B. hier",
        "Nummer fünf: zwanzig Grad Celsius, fünf Kilometer pro Stunde, zum Beispiel hier",
    ),
    ("fr-fr", "Le 1er mai à 15h30, -5 °C", "Le premier mai à quinze heures trente, moins cinq degrés Celsius"),
    (
        "fr-fr",
        "M. Dupont paie 3,50 € au XXe siècle",
        "Monsieur Dupont paie trois euros cinquante au vingtième siècle",
    ),
    (
        "fr-fr",
        "n° 5 : 1 234,5 km & 21 h",
        "numéro cinq : mille deux cent trente-quatre virgule cinq kilomètres et vingt et une heures",
    ),
    (
        "es",
        "El 3/11/2030 a las 15:30, -5 °C",
        "El tres de noviembre de dos mil treinta a las quince y treinta, menos cinco grados Celsius",
    ),
    ("es", "La Sra. López paga 21 € en el 1er piso", "La Señora López paga veintiún euros en el primer piso"),
    ("es", "Felipe II, EE. UU. y 1 kg", "Felipe segundo, Estados Unidos y un kilogramo"),
]
# Accents and word boundaries differ between "28" and "twenty-eight", and nobody hears it.
UNHEARD = re.compile("[ˈˌ ]")


@pytest.fixture(scope="module")
def phonemizer():
    return Phonemizer()


@pytest.mark.parametrize(("language", "source", "words"), WRITTEN_OUT)
def test_it_sounds_like_the_sentence_in_words(phonemizer, language, source, words):
    def heard(text):
        return "|".join(UNHEARD.sub("", clause.phonemes) for clause in phonemizer.clauses(text, language))

    assert heard(normalise(source, language).text) == heard(words)
