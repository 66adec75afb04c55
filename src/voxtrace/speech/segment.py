"""Cuts text into pieces to be spoken one after the other. Pure, and the same however the text arrived.

The first piece is the first clause of some length, because everybody waits for it; later pieces are
longer, because an engine speaks a whole sentence better than its parts. A cut falls where a speaker may
breathe: never inside a number, an abbreviation, an address, a bracket or a sequence of emoji.

Why any cut of the input into packets gives the same pieces: whether to cut at a place is decided from the
text before it and one character behind it, and nothing is decided before that character is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from voxtrace.speech.abbreviations import ALWAYS_ABBREVIATED


class Strength(IntEnum):
    """How good a place is for a breath."""

    WORD = 1  # between two words: only when nothing better is near
    CLAUSE = 2
    SENTENCE = 3


class Piece(NamedTuple):
    """What is spoken in one go. The texts of all pieces, joined, are the text."""

    text: str
    has_pause: bool  # ends where a speaker pauses, and not between two words


@dataclass(frozen=True, slots=True)
class Limits:
    """When a piece is long enough. Sizes are characters; one that fills a square counts as two."""

    least: int  # shorter pieces are not cut off
    clause: int  # from here on a clause will do; before, only a sentence
    most: int  # then the best place so far is taken
    words: int = 1000


# The first: a clause, at most 10 words. Then up to 20 s of speech, so that few pieces make a long text.
FIRST = Limits(least=12, clause=12, most=72, words=10)
SECOND = Limits(least=24, clause=70, most=140)
LATER = Limits(least=80, clause=160, most=240)
RAMP = (FIRST, SECOND, LATER)  # the last of these holds for all pieces that follow; a slow engine has its own

# A bracket that is not closed within so many characters is not one, as in ":(".
BRACKET_CHARS = 120

_CLOSING = "\"'”’»›)\\]}）」』】》"
_PLACE = re.compile(
    rf"""
      (?P<end>[.!?…]+[{_CLOSING}]*\s+ | [。！？]+[{_CLOSING}]*\s*)
    | (?P<clause>[,;:]+[{_CLOSING}]*\s+ | [、，；：]+[{_CLOSING}]*\s* | (?<=\s)[-–—]+\s+ | —+\s*)
    | (?P<space>\s+)
    | [([{{（「『【《)\]}}）」』】》]
    """,
    re.VERBOSE,
)
_OPEN, _CLOSE = frozenset("([{（「『【《"), frozenset(")]}）」』】》")
# What a piece must not begin with: it belongs to the word before, as in French "Bonjour !".
_NOT_FIRST = frozenset("!?;:,.%…»›)]}–—-。！？、，；：）」』】》")
_NOT_LAST = frozenset("([{«‹¿¡“„（「『【《")  # opens something that follows
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uff60]")
# Between two of these a line may be broken; small kana and the length mark stay with what they follow.
_BREAKABLE = re.compile(r"[\u3041-\u30fa\u3400-\u9fff\uac00-\ud7af]")
_CLINGING = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶー々")
_WORD_BEFORE = re.compile(r"[\w.]+\Z")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]|\d{1,2}")  # "J", "e.g", and the "5" of "5. Mai"


class Segmenter:
    """Takes text as it comes and gives pieces as soon as they are certain."""

    def __init__(self, ramp: Sequence[Limits] = RAMP) -> None:
        self._ramp = ramp
        self._text = ""
        self._count = 0

    def feed(self, text: str) -> list[Piece]:
        """The pieces that `text` completes; after each of them more is known to follow."""
        self._text += text
        pieces: list[Piece] = []
        start = 0
        while (cut := _find_cut(self._text, start, _limits(self._ramp, self._count))) is not None:
            position, strength = cut
            pieces.append(Piece(self._text[start:position], strength > Strength.WORD))
            start = position
            self._count += 1
        self._text = self._text[start:]
        return pieces

    def finish(self) -> list[Piece]:
        """The rest; the last piece ends with the text."""
        rest, self._text = self._text, ""
        return [Piece(rest, has_pause=True)] if rest else []


def pieces_of(text: str, ramp: Sequence[Limits] = RAMP) -> Iterator[Piece]:
    """The pieces of a text that is known whole, each cut when it is asked for: nobody waits for the last one."""
    start = count = 0
    while (cut := _find_cut(text, start, _limits(ramp, count))) is not None:
        position, strength = cut
        yield Piece(text[start:position], strength > Strength.WORD)
        start, count = position, count + 1
    if start < len(text):
        yield Piece(text[start:], has_pause=True)


def segment(text: str) -> list[Piece]:
    """All pieces of a text that is known whole. An empty text has none."""
    return list(pieces_of(text))


def _limits(ramp: Sequence[Limits], count: int) -> Limits:
    return ramp[min(count, len(ramp) - 1)]


def _find_cut(text: str, start: int, limits: Limits) -> tuple[int, Strength] | None:
    """Where the piece that begins at `start` ends; None when that is not certain yet, or never will be."""
    too_long = _where_too_long(text, start, limits.most)
    best: tuple[int, Strength] | None = None
    brackets: list[int] = []
    size, words, measured = 0, 0, start
    for place in _PLACE.finditer(text, start):
        position = place.end()
        if too_long is not None and position > too_long:
            forced = best or _cut_between_squares(text, start + limits.least, too_long)
            if forced is not None:
                return forced
        if position >= len(text):
            break  # the character behind it is not here
        _count_brackets(place, brackets)
        size += _size(text[measured:position])
        words, measured = words + place.group()[-1].isspace(), position
        strength = _strength(text, start, place)
        if strength is None or (brackets and position - brackets[0] < BRACKET_CHARS):
            continue
        if (
            _is_enough(strength, size, limits)
            or words >= limits.words
            or (too_long is not None and position > too_long)
        ):
            return position, strength
        if size >= limits.least and (best is None or strength >= best[1]):
            best = position, strength
    if too_long is None:
        return None
    return best or _cut_between_squares(text, start + limits.least, too_long)


def _is_enough(strength: Strength, size: int, limits: Limits) -> bool:
    if strength is Strength.SENTENCE:
        return size >= limits.least
    return strength is Strength.CLAUSE and size >= limits.clause


def _strength(text: str, start: int, place: re.Match[str]) -> Strength | None:
    """How good the place is; None where it may not be cut."""
    mark, following = place.group(), text[place.end()]
    before = text[place.start() - 1] if place.start() > start else " "
    if place.lastgroup is None or following in _NOT_FIRST or before in _NOT_LAST:
        return None
    if not mark[-1].isspace() and _is_in_address(text, start, place.start()):
        return None
    if place.lastgroup == "space":
        if before.isdigit() and following.isdigit():
            return None  # "1 234"
        lines = mark.count("\n")
        return Strength.SENTENCE if lines > 1 else Strength.CLAUSE if lines else Strength.WORD
    if place.lastgroup == "end":
        return _strength_of_end(text[start : place.start()], mark, following)
    return Strength.CLAUSE


def _strength_of_end(before: str, mark: str, following: str) -> Strength | None:
    """A full stop is not always the end of a sentence."""
    if mark.rstrip() == ".":
        word = _WORD_BEFORE.search(before[-24:])
        if word and (word[0].lower() in ALWAYS_ABBREVIATED or _INITIALS.fullmatch(word[0])):
            return None
        if following.islower():
            return Strength.WORD  # "approx. five"
    return Strength.SENTENCE


def _is_in_address(text: str, start: int, position: int) -> bool:
    token = text[max(start, position - 200) : position].rsplit(maxsplit=1)[-1:]
    return bool(token) and ("://" in token[0] or token[0].startswith("www."))


def _count_brackets(place: re.Match[str], brackets: list[int]) -> None:
    for offset, character in enumerate(place.group()):
        if character in _OPEN:
            brackets.append(place.start() + offset)
        elif character in _CLOSE and brackets:
            brackets.pop()


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text) + len(_WIDE.findall(text))


def _where_too_long(text: str, start: int, most: int) -> int | None:
    """The first position before which more than `most` lies, once a character behind it is known."""
    window = text[start : start + most + 2]
    if window.isascii():
        return start + most + 1 if len(window) == most + 2 else None
    size = 0
    for position, character in enumerate(window, start):
        size += 2 if _WIDE.match(character) else 1
        if size > most:
            return position + 1 if position + 1 < len(text) else None
    return None


def _cut_between_squares(text: str, least: int, most: int) -> tuple[int, Strength] | None:
    """The last place before `most` where a text without spaces may be cut at all."""
    for position in range(most, least, -1):
        before, after = text[position - 1], text[position]
        if _BREAKABLE.match(before) and _BREAKABLE.match(after) and after not in _CLINGING:
            return position, Strength.WORD
    return None
