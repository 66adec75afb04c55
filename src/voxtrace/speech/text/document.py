"""A text with marks, after its marks were read: what is spoken, in which manner, and where nothing is."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

PARAGRAPH_MS = 300  # between two paragraphs, besides the pause of the sentence that ends

_CLOSING = "\"'”’»›)]}）」』】》"
_PAUSES = frozenset(".!?…:;,。！？…：；、，")
_SQUARE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff00-\uff60]")  # its sentences end with "。" and no space
_TAIL_CHARS = 16


class SayAs(NamedTuple):
    """What a text is, as its author says."""

    interpret_as: str
    format: str


class Manner(NamedTuple):
    """How a text is spoken."""

    rate: float = 1.0  # 1: as fast as was asked for outside of the text
    language: str = ""  # BCP 47; "": that of the voice
    say_as: SayAs | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Text that is spoken in one manner. Its n-th character stands for source[begins[n]:ends[n]]."""

    text: str
    begins: Sequence[int]
    ends: Sequence[int]
    manner: Manner


class Rest(NamedTuple):
    """Here nothing is spoken. 0 ms: the pause that a punctuation mark asks for is not made."""

    ms: int
    at: int  # in the source


@dataclass(frozen=True, slots=True)
class Document:
    """All of a text."""

    source: str  # as its author wrote it
    items: tuple[Run | Rest, ...]

    @property
    def chars(self) -> int:
        """Characters that are spoken, before they are normalised."""
        return sum(len(item.text) for item in self.items if isinstance(item, Run))


def asks_for_pause(text: str) -> bool:
    """Whether it ends with a punctuation mark at which a speaker pauses."""
    return text.rstrip().rstrip(_CLOSING).rstrip()[-1:] in _PAUSES if text else False


class DocumentWriter:
    """Takes a text from its beginning to its end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._items: list[Run | Rest] = []
        self._manner = Manner()
        self._text: list[str] = []  # of the run that is not ended
        self._begins, self._ends = array("L"), array("L")
        self._tail = ""  # of what is spoken
        self._end = 0  # of that in the source
        self._has_space = True  # in front of what comes
        self._in_sentence = False
        self._rest_ms = 0  # to come before the next text
        self._ends_paragraph = self._is_tight = False

    def speak_in(self, manner: Manner) -> None:
        """What comes is spoken like that."""
        if manner != self._manner:
            self._end_run()
            self._manner = manner

    def put(self, text: str, begins: Sequence[int], ends: Sequence[int]) -> None:
        """A word, or what lies between two."""
        if text.isspace() and "\u00a0" not in text:
            if self._has_space:
                return  # indents are no pauses
        else:
            self._write_rest(begins[0])
            self._tail = (self._tail + text)[-_TAIL_CHARS:]
            self._end, self._in_sentence = ends[-1], True
        self._append(text, begins, ends)

    def part_from_digit(self, at: int) -> None:
        """What comes is a word of its own, also in "10<sub alias='kilometres'>km</sub>"."""
        if not self._has_space and self._tail[-1:].isdigit():
            self._append(" ", (at,), (at,))

    def rest(self, ms: int) -> None:
        """Speak nothing for a time; 0: do not even pause."""
        self._rest_ms += ms
        self._ends_paragraph, self._is_tight = False, not ms

    @property
    def rest_ms(self) -> int:
        """The silence that comes before the next text, as far as it was asked for."""
        return self._rest_ms

    def end_sentence(self) -> None:
        """Here a sentence ends, with a mark or without."""
        if not self._in_sentence:
            return
        self._in_sentence = False
        if asks_for_pause(self._tail):
            self._append(" ", (self._end,), (self._end,))
            return
        if self._text and self._text[-1] == " ":  # the mark stands at the word
            del self._text[-1], self._begins[-1], self._ends[-1]
        mark = "。" if _SQUARE.match(self._tail[-1:]) else ". "
        self._tail += mark
        self._append(mark, (self._end,) * len(mark), (self._end,) * len(mark))

    def end_paragraph(self) -> None:
        """Here a paragraph ends."""
        self.end_sentence()
        self._ends_paragraph = bool(self._tail)

    def finish(self) -> Document:
        """The text is over."""
        self._end_run()
        if self._rest_ms:
            self._items.append(Rest(self._rest_ms, len(self._source)))
        return Document(self._source, tuple(self._items))

    def _append(self, text: str, begins: Sequence[int], ends: Sequence[int]) -> None:
        self._text.append(text)
        self._begins.extend(begins)
        self._ends.extend(ends)
        self._has_space = text[-1] == " "

    def _write_rest(self, at: int) -> None:
        if not (self._rest_ms or self._ends_paragraph or self._is_tight):
            return
        ms = self._rest_ms or (PARAGRAPH_MS if self._ends_paragraph else 0)
        if ms or asks_for_pause(self._tail):
            self._end_run()
            self._items.append(Rest(ms, at))
        self._rest_ms, self._ends_paragraph, self._is_tight = 0, False, False

    def _end_run(self) -> None:
        if self._text:
            self._items.append(Run("".join(self._text), self._begins, self._ends, self._manner))
            self._text, self._begins, self._ends = [], array("L"), array("L")
