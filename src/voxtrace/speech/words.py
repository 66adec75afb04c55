"""When each word is spoken: where it stands in the text, and in which samples it can be heard."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

import numpy as np

from voxtrace.speech.edges import NO_SAMPLES, SILENT, Edges
from voxtrace.speech.ports import OUTPUT_RATE_HZ, Samples, Word

_RECORD = Struct("<4I")
# A word that is longer is no word; what is older is not looked at any more.
MOST_KEPT_S = 30

# A run between spaces; dashes part words that stand without a space.
_TOKEN = re.compile(r"[^\s\u2013\u2014\u2026]+")
# What hangs on a word without being part of it.
_LOOSE = "\"'`´‘’“”„‚«»‹›()[]{}<>（）「」『』【】《》.,;:!?¡¿…。、，．；：！？*_~|"
# In front of a word, "- so": they are not said, or said with it.
_LONE_SIGNS = re.compile(r"(?:[^\w\s]+\s+)+")
# Scripts without spaces: each sign may be a word of its own.
_WIDE = re.compile(r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


class SpokenWord(NamedTuple):
    """A word, and the samples of its piece in which it is heard."""

    piece: int
    text: str  # as it is spoken
    span: tuple[int, int]  # characters of the request's text
    at: int
    until: int


class Span(NamedTuple):
    """Characters of a text."""

    begin: int
    end: int


def pack_words(words: Iterable[Word]) -> bytes:
    """As they travel and as they are kept: four numbers each."""
    return b"".join(_RECORD.pack(*word) for word in words)


def unpack_words(packed: bytes) -> Iterator[Word]:
    """The reverse."""
    return (Word(*record) for record in _RECORD.iter_unpack(packed))


class Tokens:
    """The words of a text, and which of them a character belongs to."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = [Span(*each.span()) for each in _TOKEN.finditer(text)]
        self._begins = [each.begin for each in self._found]

    def __len__(self) -> int:
        return len(self._found)

    @property
    def spans(self) -> list[Span]:
        """All of them, with what hangs on them."""
        return self._found

    def at(self, position: int) -> tuple[int, int] | None:
        """Where the word around or before this character begins, and the end of its run; None before the first."""
        index = bisect_right(self._begins, position) - 1
        if index < 0:
            return None
        begin, end = self._found[index]
        is_sign = begin < position < end and _WIDE.match(self._text[position])
        return (position if is_sign else begin), end

    def reach(self, begin: int, end: int, before: int) -> int:
        """The end of what is said from `begin` on, when the next word begins at `before`.

        Runs in between that can be said, and that nobody said anything about, belong to it.
        """
        if begin < before < end:
            return before
        for each in self._found[bisect_right(self._begins, begin) : bisect_left(self._begins, before)]:
            if any(map(str.isalnum, self._text[each.begin : each.end])):
                end = each.end
        return end

    def trimmed(self, begin: int, end: int) -> Span:
        """Without the marks that hang on it; as it is when it consists of them."""
        run = self._text[begin:end]
        loose = _LONE_SIGNS.match(run)
        lead = loose.end() if loose else 0
        bare = run[lead:].strip(_LOOSE)
        if not bare:
            return Span(begin, end)
        begin += run.index(bare, lead)
        return Span(begin, begin + len(bare))


class WordLog:
    """Turns the words of an engine into those of what is sent.

    An engine says where a word begins and where the next one does; what is silent of that at either side is no
    part of the word. Then what the edges cut, and another sample rate, are taken into account.
    """

    def __init__(self, rate_hz: int, edges: Edges) -> None:
        self._rate_hz, self._edges = rate_hz, edges
        self._waiting: deque[Word] = deque()  # their sound is not complete
        self._blocks: deque[tuple[int, Samples]] = deque()  # with the number of their first sample
        self._heard = 0

    def add(self, word: Word) -> None:
        """The engine says that it is there, or will be: in samples of the engine."""
        self._waiting.append(word)

    def hear(self, block: Samples) -> None:
        """The next samples of the engine, before anything is done to them."""
        self._blocks.append((self._heard, block))
        self._heard += block.size
        oldest = self._heard - MOST_KEPT_S * self._rate_hz
        while self._blocks[0][0] + self._blocks[0][1].size <= oldest:
            self._blocks.popleft()

    def take(self) -> list[Word]:
        """The words that are complete, in samples of what is sent."""
        done = []
        while self._waiting and self._waiting[0].until <= self._heard:
            done.append(self._placed(self._waiting.popleft()))
        return done

    def finish(self, sent: int) -> list[Word]:
        """The rest, when no sample will follow; none ends behind the last of the `sent` samples."""
        words = [self._placed(each) for each in self._waiting]
        self._waiting.clear()
        return [each._replace(at=min(each.at, sent), until=min(each.until, sent)) for each in words]

    def _placed(self, word: Word) -> Word:
        sound = self._between(word.at, word.until)
        loud = np.flatnonzero((sound > SILENT) | (sound < -SILENT))
        if loud.size:
            end = self._heard if word.until > self._heard else word.until
            begin = end - sound.size
            word = word._replace(at=begin + int(loud[0]), until=begin + int(loud[-1]) + 1)
        while self._blocks and self._blocks[0][0] + self._blocks[0][1].size <= word.until:
            self._blocks.popleft()
        return word._replace(at=self._sent(word.at), until=self._sent(word.until))

    def _between(self, at: int, until: int) -> Samples:
        parts = [block[max(0, at - first) : max(0, until - first)] for first, block in self._blocks]
        return np.concatenate(parts) if parts else NO_SAMPLES

    def _sent(self, sample: int) -> int:
        return round(max(0, sample - self._edges.cut) * OUTPUT_RATE_HZ / self._rate_hz)
