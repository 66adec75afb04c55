"""SSML's `say-as`: the author says what a text is."""

from __future__ import annotations

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.text.offsets import Normalised

# What `interpret-as` may be; the names of the W3C note on say-as, and those that the large speech services added.
SAY_AS = (
    "cardinal",
    "characters",
    "currency",
    "date",
    "digits",
    "fraction",
    "number",
    "ordinal",
    "spell-out",
    "telephone",
    "time",
    "unit",
)


class UnknownSayAs(SpeechError):
    """SSML asks to say something as a kind that is not known."""

    code = "unknown_say_as"
    stage = "text"

    def __init__(self, interpret_as: str) -> None:
        super().__init__(f'no interpret-as="{interpret_as}"; there are: {", ".join(SAY_AS)}')
        self.interpret_as, self.known = interpret_as, SAY_AS


def say_as(text: str, interpret_as: str, form: str, language: str) -> Normalised:
    """What is to be spoken for the text of a `say-as`.

    Args:
        text: what the element holds.
        interpret_as: what it is, one of `SAY_AS`.
        form: its `format`, such as "mdy" of a date; "" where there is none.
        language: a BCP 47 tag.

    Raises:
        UnknownSayAs: `interpret_as` is none of `SAY_AS`.
    """
    if interpret_as not in SAY_AS:
        raise UnknownSayAs(interpret_as)
    return Normalised(text)
