"""Phonemes for neural voices, from espeak-ng in the same process (GPL-3, so it stays in engine processes)."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from typing import NamedTuple

from voxtrace.speech.engines import espeak_library as espeak
from voxtrace.speech.text.abbreviations import ALWAYS_ABBREVIATED

# espeakPHONEMES_IPA, and bit 7: the character in bits 8 to 23 ties the letters of one sound (speak_lib.h).
IPA = 0x02
TIE = "^"
TIED_IPA = IPA | 1 << 7 | ord(TIE) << 8
# "(en)" around words that espeak speaks with another language's rules.
_LANGUAGE_SWITCH = re.compile(r"\([^)]*\)")
# The mark that ended a clause: espeak has read up to one character beyond it.
_END = re.compile(r"([,.!?;:\u2014\u2026])[,.!?;:\u2014\u2026\"'\u201d\u00bb)\]]*\s*\S?$")
_LAST_END = re.compile(r"([,.!?;:\u2014\u2026])[\"'\u201d\u00bb)\]]*\s*$")

_NO_SOUNDS = "ˈˌːˑʲʰ"  # letters to Unicode


class Clause(NamedTuple):
    """What is said without a pause, and the punctuation mark behind it."""

    phonemes: str
    mark: str  # "" where there is none
    end: int = 0  # characters of the text that were read by then


class Phonemizer:
    """Text to IPA in one language."""

    def __init__(self) -> None:
        self._library, _ = espeak.start_library()
        self._files = espeak.voice_files(self._library)

    def knows(self, language: str) -> bool:
        """Whether espeak-ng has a voice of that name or language."""
        return espeak.use_voice(self._library, self._files.get(language, language))

    def letters_alone(self, word: str, language: str) -> list[int]:
        """The sounds of each group of a word that stands alone."""
        said = " ".join(clause.phonemes for clause in self.clauses(word, language))
        return [letters_in(each) for each in said.split(" ")]

    def clauses(self, text: str, language: str, *, tied: bool = False) -> Iterator[Clause]:
        """The clauses of a text; `tied` joins the letters of one sound with "^".

        Raises:
            LookupError: espeak-ng has no such language.
        """
        file = self._files.get(language, language)
        if espeak.VOICE_IN_USE.name != file and not espeak.use_voice(self._library, file):
            raise LookupError(f"espeak-ng has no language {language!r}")
        # NUL ends a text for C; what is behind it would be lost in silence.
        encoded = text.replace("\0", " ").encode()
        buffer = ctypes.create_string_buffer(encoded)
        start = ctypes.addressof(buffer)
        position = ctypes.c_void_p(start)
        while position.value is not None:
            phonemes = self._library.espeak_TextToPhonemes(
                ctypes.byref(position), espeak.CHARS_UTF8, TIED_IPA if tied else IPA
            )
            is_last = position.value is None
            end = len(encoded) if position.value is None else position.value - start
            source = encoded[:end].decode("utf-8", "ignore")
            if said := _LANGUAGE_SWITCH.sub("", (phonemes or b"").decode("utf-8", "replace")).strip():
                yield Clause(said, mark_of(source, is_last=is_last), len(source))


def holds_sound(phonemes: str) -> bool:
    """Whether there is a sound in it, and not only marks of stress, length and punctuation."""
    return any(each.isalpha() and each not in _NO_SOUNDS for each in phonemes)


def letters_in(phonemes: str) -> int:
    """How many sounds there are in it, more or less."""
    return sum(each.isalpha() and each not in _NO_SOUNDS for each in phonemes)


def mark_of(source: str, *, is_last: bool) -> str:
    """The mark that ends a clause of espeak's, `source` being the text up to there; an abbreviation's stop is none."""
    found = (_LAST_END if is_last else _END).search(source)
    if found is None:
        return ""
    word = source[: found.start()].rsplit(maxsplit=1)[-1:]
    if found[1] == "." and word and word[0].lower() in ALWAYS_ABBREVIATED:
        return ""
    return found[1]
