"""espeak-ng's events, read as the words of the text.

Measured with 1.52: an event's position is the first character of its word, counted from 1. What becomes several
words, as "1234" or "$5.50", has an event for each, the later ones one character too far: behind a single sign that
is the space after it. Lengths are those of the part that a rule was found for ("don" of "don't"). So positions are
looked up in the text's own words, and lengths are not used. Some words it says as one ("there are"): they have one
event, and are told as one, for where the second begins nobody knows.
"""

from __future__ import annotations

from voxtrace.speech.engines.espeak_library import EVENT_END, EVENT_WORD, events_at
from voxtrace.speech.ports import Notes, Word
from voxtrace.speech.words import Tokens


class WordEvents:
    """Tells the words of one utterance, each once the next one begins."""

    def __init__(self, text: str, notes: Notes, tempo: float = 1.0) -> None:
        """
        Args:
            text: of the utterance.
            notes: who hears of the words.
            tempo: at which espeak's samples are played afterwards: half of it makes all moments twice as late.
        """
        self._text, self._notes, self._tempo = text, notes, tempo
        self._tokens: Tokens | None = None  # made when there is time: behind the first block
        self._open: tuple[int, int, int] | None = None  # its begin, the end of its run, its first sample
        self.made = 0  # samples of espeak so far

    def read(self, events: int | None, count: int) -> None:
        """The events at this address, which came with `count` samples."""
        tokens = self._tokens = self._tokens or Tokens(self._text)
        for event in events_at(events):
            kind = event.type
            if kind != EVENT_WORD and kind != EVENT_END:
                continue
            # Above 450 words a minute espeak counts before it makes the sound shorter.
            at = min(max(event.sample, self.made), self.made + count)
            if kind == EVENT_END:
                self._close(at, event.text_position)
            elif (word := tokens.at(event.text_position - 1)) is not None:
                self._begin(*word, at)
        self.made += count

    def finish(self) -> None:
        """Nothing will follow."""
        self._close(self.made)

    def _begin(self, begin: int, end: int, at: int) -> None:
        if self._open is not None and begin <= self._open[0]:
            return  # the same word goes on
        self._close(at, begin)
        self._open = (begin, end, at)

    def _close(self, at: int, before: int | None = None) -> None:
        if self._open is None:
            return
        begin, end, since = self._open
        self._open = None
        assert self._tokens is not None
        end = self._tokens.reach(begin, end, len(self._text) if before is None else before)
        begin, end = self._tokens.trimmed(begin, end)
        self._notes.word(Word(begin, end, round(since / self._tempo), round(at / self._tempo)))
