"""Cuts text into pieces to be spoken one after the other. Pure, and the same however the text arrived.

The first piece is the first clause of some length, because everybody waits for it; later pieces are
longer, because an engine speaks a whole sentence better than its parts. A cut falls where a speaker may
breathe: never inside a number, an abbreviation, an address, a bracket, a quotation or a sequence of emoji.

Why any cut of the input into packets gives the same pieces: whether to cut at a place is decided from the
text before it and one character behind it, and nothing is decided before that character is there.

Why it takes linear time: each place is looked at once, from at most a few hundred characters around it, and
a piece has an end, at HARD_CHARS, even where no place is any good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from voxtrace.speech.text.abbreviations import ALWAYS_ABBREVIATED


class Strength(IntEnum):
    """How good a place is for a breath."""

    NUMBER = 0  # between a number and its neighbour, which may be its unit: when there is nothing else
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

# A bracket or a quotation that is not closed within so many characters is not one, as in ":(".
BRACKET_CHARS = 120
# No piece is longer, whatever it would cut: an engine takes no megabyte at a time.
HARD_CHARS = 1000
TOKEN_CHARS = 200  # how far back a look at the word before a place goes

_CLOSING = "\"'”’»›)\\]}）」』】》*_~"  # with the marks of Markdown's emphasis
_PLACE = re.compile(
    rf"""
      (?P<end>[.!?…]{{1,99}}[{_CLOSING}]{{0,9}}\s{{1,99}} | [。！？]{{1,99}}[{_CLOSING}]{{0,9}}\s{{0,99}})
    | (?P<clause>[,;:]{{1,9}}[{_CLOSING}]{{0,9}}\s{{1,99}} | [、，；：]{{1,9}}[{_CLOSING}]{{0,9}}\s{{0,99}}
                 | (?<=\s)[-–—]{{1,9}}\s{{1,99}} | —{{1,9}}\s{{0,99}})
    | (?P<space>\s{{1,99}})
    | [([{{（「『【《«“„)\]}}）」』】》»”]
    """,
    re.VERBOSE,
)
# No place in it but single spaces between words, as in most short answers: told at once, and not space by space.
_WORDS_ONLY = re.compile(r"[A-Za-z']+(?: [A-Za-z']+)*[.!?]?")
_PAIRS = {"(": ")", "[": "]", "{": "}", "（": "）", "「": "」", "『": "』", "【": "】", "《": "》", "«": "»", "“": "”"}
_PAIRS["„"] = "“"  # German; in English the same sign opens
_QUOTES = frozenset("«“„")  # that open only in front of a word: German writes »so«
# What a piece must not begin with: it belongs to the word before, as in French "Bonjour !".
_NOT_FIRST = frozenset("!?;:,.%…»›)]}–—-。！？、，；：）」』】》\u200d\ufe0f")
_NOT_LAST = frozenset("([{«‹¿¡“„（「『【《")  # opens something that follows
_MONEY = frozenset("$€£¥₹#-−+±~≈§")  # in front of a number
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uff60]")
# Between two of these a line may be broken; small kana and the length mark stay with what they follow.
_BREAKABLE = re.compile(r"[\u3041-\u30fa\u3400-\u9fff\uac00-\ud7af]")
_CLINGING = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶー々")
_WORD_BEFORE = re.compile(r"[\w.]+\Z")
_INITIALS = re.compile(r"(?:[^\W\d_]\.){0,9}[^\W\d_]|\d{1,2}")  # "J", "e.g", and the "5" of "5. Mai"
# Belongs to the sign before it: joiners, variation selectors, skin tones, accents, the second half of a flag.
_JOINED = re.compile(
    "[\u200d\ufe00-\ufe0f\u0300-\u036f\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f]"
)


class _Scan:
    """Looks for the end of one piece, each place once, also when the text comes in parts."""

    def __init__(self, start: int, limits: Limits) -> None:
        self.start = self._position = self._measured = start
        self._limits = limits
        self._size = self._words = 0
        self._brackets: list[tuple[str, int]] = []  # what would close it, where it was opened
        self._best: tuple[int, Strength] | None = None
        self._too_long: int | None = None
        self._has_tried_squares = False

    def shift(self, characters: int) -> None:
        """So many characters in front of the piece were thrown away."""
        self.start -= characters
        self._position -= characters
        self._measured -= characters
        self._too_long = None  # is found again
        self._brackets = [(closer, position - characters) for closer, position in self._brackets]
        if self._best is not None:
            self._best = self._best[0] - characters, self._best[1]

    def find(self, text: str) -> tuple[int, Strength] | None:
        """Where the piece ends; None when that is not certain yet, or never will be."""
        if self._position == self.start and self._is_one_piece(text):
            return None
        if self._too_long is None:
            self._too_long = _where_too_long(text, self.start, self._limits.most)
        for place in _PLACE.finditer(text, self._position, self.start + HARD_CHARS + TOKEN_CHARS):
            position = place.end()
            if self._is_too_long(position) and (forced := self._forced(text)):
                return forced
            if position >= len(text) or position - self.start > HARD_CHARS:
                break  # the character behind it is not here
            self._position = position
            if cut := self._look_at(text, place):
                return cut
        if self._too_long is not None and (forced := self._forced(text)):
            return forced
        if len(text) - self.start > HARD_CHARS + TOKEN_CHARS:
            return _cut_anywhere(text, self.start, self.start + HARD_CHARS), Strength.NUMBER
        return None

    def _is_one_piece(self, text: str) -> bool:
        """Of a text that looks like it: nothing that follows is a place to cut, and it is not too long."""
        if len(text) - self.start > self._limits.most or _WORDS_ONLY.fullmatch(text, self.start) is None:
            return False
        return text.count(" ", self.start) < self._limits.words

    def _is_too_long(self, position: int) -> bool:
        return self._too_long is not None and position > self._too_long

    def _look_at(self, text: str, place: re.Match[str]) -> tuple[int, Strength] | None:
        position, limits = place.end(), self._limits
        _count_brackets(place, self._brackets)
        self._size += _size(text[self._measured : position])
        self._words += text[position - 1].isspace()
        self._measured = position
        strength = _strength(text, self.start, place)
        if strength is None or (self._brackets and position - self._brackets[0][1] < BRACKET_CHARS):
            return None
        if (
            _is_enough(strength, self._size, limits)
            or (self._words >= limits.words and strength > Strength.NUMBER)
            or self._is_too_long(position)
        ):
            return position, strength
        if self._size >= limits.least and (self._best is None or strength >= self._best[1]):
            self._best = position, strength
        return None

    def _forced(self, text: str) -> tuple[int, Strength] | None:
        """The best that there was in a piece that is too long; looked for between squares once."""
        assert self._too_long is not None
        if self._best is None and not self._has_tried_squares:
            self._has_tried_squares = True
            self._best = _cut_between_squares(text, self.start + self._limits.least, self._too_long)
        return self._best


class Segmenter:
    """Takes text as it comes and gives pieces as soon as they are certain."""

    def __init__(self, ramp: Sequence[Limits] = RAMP) -> None:
        self._ramp = ramp
        self._text = ""
        self._count = 0
        self._scan = _Scan(0, ramp[0])

    def feed(self, text: str) -> list[Piece]:
        """The pieces that `text` completes; after each of them more is known to follow."""
        if gone := self._scan.start:
            self._scan.shift(gone)
        self._text = self._text[gone:] + text
        pieces: list[Piece] = []
        while (cut := self._scan.find(self._text)) is not None:
            position, strength = cut
            pieces.append(Piece(self._text[self._scan.start : position], strength > Strength.WORD))
            self._count += 1
            self._scan = _Scan(position, _limits(self._ramp, self._count))
        return pieces

    def finish(self) -> list[Piece]:
        """The rest; the last piece ends with the text."""
        rest, self._text = self._text[self._scan.start :], ""
        self._scan = _Scan(0, _limits(self._ramp, self._count))
        return [Piece(rest, has_pause=True)] if rest else []


def pieces_of(text: str, ramp: Sequence[Limits] = RAMP, count: int = 0) -> Iterator[Piece]:
    """The pieces of a text that is known whole, each cut when it is asked for: nobody waits for the last one.

    Args:
        text: of which all pieces, joined, consist.
        ramp: how long each piece may be.
        count: how many pieces stand before this text.
    """
    start = 0
    while (cut := _Scan(start, _limits(ramp, count)).find(text)) is not None:
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
        lines = mark.count("\n")
        if lines:
            return Strength.SENTENCE if lines > 1 else Strength.CLAUSE
        if before.isdigit() and following.isdigit():
            return None  # "1 234"
        tight = before.isdigit() or following.isdigit() or before in _MONEY or following in _MONEY
        return Strength.NUMBER if tight else Strength.WORD
    if place.lastgroup == "end":
        return _strength_of_end(text[max(start, place.start() - 24) : place.start()], mark, following)
    return Strength.CLAUSE


def _strength_of_end(before: str, mark: str, following: str) -> Strength | None:
    """A full stop is not always the end of a sentence."""
    if mark.rstrip() == ".":
        word = _WORD_BEFORE.search(before)
        if word and (word[0].lower() in ALWAYS_ABBREVIATED or _INITIALS.fullmatch(word[0])):
            return None
        if following.islower():
            return Strength.WORD  # "approx. five"
    return Strength.SENTENCE


def _is_in_address(text: str, start: int, position: int) -> bool:
    token = text[max(start, position - TOKEN_CHARS) : position].rsplit(maxsplit=1)[-1:]
    return bool(token) and ("://" in token[0] or token[0].startswith("www."))


def _count_brackets(place: re.Match[str], brackets: list[tuple[str, int]]) -> None:
    for offset, character in enumerate(place.group()):
        position = place.start() + offset
        if brackets and brackets[-1][0] == character:
            brackets.pop()
        elif character in _PAIRS and (character not in _QUOTES or _may_open(place.string, position)):
            brackets.append((_PAIRS[character], position))


def _may_open(text: str, position: int) -> bool:
    return position == 0 or text[position - 1].isspace() or text[position - 1] in _NOT_LAST


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


def _cut_anywhere(text: str, start: int, most: int) -> int:
    """Before `most`, and not inside one sign where that can be avoided."""
    for position in range(most, max(start, most - TOKEN_CHARS), -1):
        if not _JOINED.match(text[position]) and text[position - 1] != "\u200d":
            return position
    return most
