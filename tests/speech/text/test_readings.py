"""What is read how, language by language: readings/*.tsv holds a source and what is spoken for it on each line."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxtrace.speech.text.normal.numerals import ones_of
from voxtrace.speech.text.normal.words import abbreviations_of
from voxtrace.speech.text.normalise import SAY_AS, load_languages, normalise, say_as

_FOLDER = Path(__file__).parent / "readings"
READINGS = [
    (file.stem, *(part.encode("latin-1", "backslashreplace").decode("unicode_escape") for part in line.split("\t")))
    for file in sorted(_FOLDER.glob("*.tsv"))
    for line in file.read_text(encoding="utf-8").splitlines()
]
# Read anew, "&lt;b&gt;" is a tag.
READ_ONCE = {"AT&T and R&D &amp; co &lt;b&gt;"}


@pytest.mark.parametrize(("language", "source", "spoken"), READINGS)
def test_it_is_read_as_a_speaker_would(language, source, spoken):
    assert normalise(source, language).text == spoken


@pytest.mark.parametrize("language", sorted({language for language, *_ in READINGS}))
def test_no_text_waits_for_tables_once_they_are_loaded(language):
    load_languages()
    tables = (abbreviations_of, ones_of)
    made = [each.cache_info().misses for each in tables]

    for _, source, _ in (each for each in READINGS if each[0] == language):
        normalise(source, language)

    assert [each.cache_info().misses for each in tables] == made


@pytest.mark.parametrize(("language", "source", "spoken"), READINGS)
def test_what_was_read_is_not_read_otherwise_the_second_time(language, source, spoken):
    if source in READ_ONCE:
        pytest.skip("it holds markup that was meant to be seen")

    assert normalise(spoken, language).text.split() == spoken.split()


@pytest.mark.parametrize(
    ("text", "interpret_as", "form", "language", "spoken"),
    [
        ("ABC-1", "characters", "", "en-us", "A, B, C, dash, 1"),
        ("B2B", "spell-out", "", "de", "B, 2, B"),
        ("12345", "digits", "", "en", "1 2 3 4 5"),
        ("1,234", "cardinal", "", "en", "1234"),
        ("1.234,5", "number", "", "de", "1234,5"),
        ("-5", "cardinal", "", "fr", "moins 5"),
        ("XIV", "cardinal", "", "en", "14"),
        ("3", "ordinal", "", "en", "3rd"),
        ("3", "number", "ordinal", "de", "dritte"),
        ("21", "ordinal", "f", "es", "vigésima primera"),
        ("1", "ordinal", "", "fr", "premier"),
        ("11/28/2026", "date", "mdy", "en-us", "November 28th, twenty twenty-six"),
        ("05/04/2026", "date", "dmy", "en-us", "April 5th, twenty twenty-six"),
        ("28.11.2026", "date", "dmy", "de", "achtundzwanzigster November 2026"),
        ("2026-11", "date", "ym", "fr", "novembre 2026"),
        ("28/11", "date", "dm", "es", "28 de noviembre"),
        ("11/2026", "date", "my", "en", "November twenty twenty-six"),
        ("20261128", "date", "ymd", "en", "November 28th, twenty twenty-six"),
        ("Nov 5", "date", "md", "en", "November 5th"),
        ("1984", "date", "y", "en", "nineteen eighty-four"),
        ("1:59am", "time", "hms12", "en", "1 59 am"),
        ("1430", "time", "hms24", "en", "14 30"),
        ("14h05", "time", "", "fr", "14 heures 5"),
        ("+1 (555) 123-4567", "telephone", "1", "en", "plus 1, 5 5 5, 1 2 3, 4 5 6 7"),
        ("$42.01", "currency", "USD", "en", "42 dollars and 1 cent"),
        ("42.01", "currency", "USD", "en", "42 dollars and 1 cent"),
        ("EUR 5", "currency", "", "de", "5 Euro"),
        ("5km", "unit", "", "en", "5 kilometers"),
        ("km/h", "unit", "", "es", "kilómetros por hora"),
        ("1 1/2", "fraction", "", "de", "eineinhalb"),
        ("1+2/9", "fraction", "", "en", "1 and 2 ninths"),
        ("hello", "date", "mdy", "en", "hello"),
    ],
)
def test_say_as_needs_no_guessing(text, interpret_as, form, language, spoken):
    assert say_as(text, interpret_as, form, language).text == spoken


def test_a_spoken_word_leads_back_to_what_was_written_for_it():
    source = "It **costs** $3.50 today"
    spoken = normalise(source, "en-us")
    cents = spoken.text.index("cents")
    begin, end = spoken.source_span(cents, cents + 5)

    assert source[begin:end] == "$3.50"


_HEADING = {"English": "en-us", "German": "de", "French": "fr", "Spanish": "es"}


def promised():
    """The rows of the tables in docs/text.md, with the language of their chapter."""
    page = Path(__file__).parents[3] / "docs" / "text.md"
    language = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            language = _HEADING.get(line[3:], "")
        elif language and line.startswith("| ") and not line.startswith("| written"):
            yield language, *(cell.strip() for cell in line.strip("|").split("|"))


@pytest.mark.parametrize(("language", "source", "spoken"), list(promised()))
def test_the_documentation_says_what_is_read(language, source, spoken):
    assert normalise(source, language).text == spoken


def test_the_documentation_names_every_kind_of_say_as():
    page = (Path(__file__).parents[3] / "docs" / "text.md").read_text(encoding="utf-8")

    assert [kind for kind in SAY_AS if f"`{kind}`" not in page] == []
