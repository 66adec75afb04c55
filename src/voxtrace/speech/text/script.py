"""From a text to the lines that engines speak: cut into pieces, each normalised when it is asked for.

Every line knows which characters of the text, as its author sent it, it stands for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from voxtrace.speech.text.document import Document, Rest, Run, asks_for_pause
from voxtrace.speech.text.normalise import normalise
from voxtrace.speech.text.say_as import say_as
from voxtrace.speech.text.segment import Limits, Piece, Segmenter, pieces_of

# What a tag may leave alone, as in "<break/>."; an engine would say "dot".
_MARKS = " \t\r\n.,;:!?…。、，；：！？\"'”’»›)]}）」』】》"


WHOLE_CHARS = 80  # of what is spoken for a `say-as`: 5 s of speech


class Origin(Protocol):
    """Where what is spoken comes from."""

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """The characters of its text that these spoken characters stand for."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How the text of one request is read."""

    language: str = ""  # BCP 47, of the voice
    normalises: bool = True


AS_WRITTEN = Reading(normalises=False)


class Line(NamedTuple):
    """What is spoken in one go."""

    text: str  # for the engine; "": here nothing can be spoken
    begin: int  # of what it stands for, in the source
    end: int
    has_pause: bool  # ends where a speaker pauses
    origin: Origin
    shift: int = 0  # of the origin's text in the source
    chars: int = 0  # of what was to be read
    rate: float = 1.0  # 1: as fast as was asked for outside of the text
    rest_ms: int = 0  # silence after it

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """The characters of the source that characters of `text` stand for."""
        first, last = self.origin.source_span(begin, end)
        return first + self.shift, last + self.shift


class Verbatim(NamedTuple):
    """A text that is spoken as it is written; an `Origin`."""

    text: str

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """See `Origin`."""
        return begin, end


def lines_of(text: str, document: Document | None, ramp: Sequence[Limits], reading: Reading) -> Iterator[Line]:
    """All of a text that is known whole, each line made when it is asked for."""
    if document is not None:
        return lines_of_document(document, ramp, reading)
    return lines_of_pieces(pieces_of(text, ramp), reading)


def lines_of_pieces(pieces: Iterable[Piece], reading: Reading) -> Iterator[Line]:
    """A plain text, of which all pieces, joined, consist."""
    begin = 0
    for text, has_pause in pieces:
        said = normalise(text, reading.language) if reading.normalises else Verbatim(text)
        end = begin + len(text)
        spoken = said.text if said.text.strip() else ""
        yield Line(spoken, begin, end, has_pause, said, begin, end - begin)
        begin = end


def lines_of_document(document: Document, ramp: Sequence[Limits], reading: Reading) -> Iterator[Line]:
    """A text with marks. A rest, and another rate, end a piece; all other marks are read within it."""
    count = end = 0
    for runs, rest in _passages(document.items):
        tape, segmenter = _Tape(reading), Segmenter(ramp[min(count, len(ramp) - 1) :])
        for run in runs:
            for piece in segmenter.feed(tape.take_in(run)):
                line = tape.line(piece, end)
                count, end = count + 1, line.end
                yield line
        for piece in segmenter.finish():
            line = tape.line(piece, end)
            count, end = count + 1, line.end
            pauses = asks_for_pause(line.text) and (rest is None or rest.ms > 0)
            yield line._replace(has_pause=pauses, rest_ms=rest.ms if rest else 0)
        if not runs and rest is not None:
            yield Line("", end, end, False, Verbatim(""), rest_ms=rest.ms)


def _passages(items: Sequence[Run | Rest]) -> Iterator[tuple[list[Run], Rest | None]]:
    """What lies between two rests is one passage, as long as it is spoken at one rate and in one language."""
    runs: list[Run] = []
    for item in items:
        if isinstance(item, Rest):
            yield runs, item
            runs = []
        else:
            if runs and item.manner[:2] != runs[-1].manner[:2]:
                yield runs, None
                runs = []
            runs.append(item)
    if runs:
        yield runs, None


class _Strip:
    """One run, as it is cut into pieces."""

    def __init__(self, run: Run, language: str) -> None:
        self.run = run
        self.said = said = None if (asked := run.manner.say_as) is None else say_as(run.text, *asked, language)
        self.text = run.text if said is None else said.text
        self.taken = 0

    @property
    def shown(self) -> str:
        """The text as far as its cutting goes: what an author calls one thing is cut only where it is very long."""
        if self.said is None or len(self.text) > WHOLE_CHARS:
            return self.text
        return ("x" if self.text[:1].islower() else "X") * len(self.text)

    def cut(self, chars: int, reading: Reading) -> _Portion:
        begin = self.taken
        self.taken = end = begin + chars
        raw, run = self.text[begin:end], self.run
        if self.said is not None:  # it is what is spoken already
            return _Portion(raw, raw, self.said, begin, 0, run, len(run.text) if begin == 0 else 0)
        language = run.manner.language or reading.language
        said = normalise(raw, language) if reading.normalises else Verbatim(raw)
        return _Portion(raw, said.text, said, 0, begin, run, chars)


class _Portion(NamedTuple):
    """The part of a piece that comes from one run."""

    raw: str  # as it was cut
    text: str  # as it is spoken
    said: Origin
    before: int  # spoken characters of `said` in front of it
    shift: int  # of `said`'s text in the run's
    run: Run
    chars: int

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """See `Origin`."""
        run = self.run
        first, last = self.said.source_span(begin + self.before, end + self.before)
        first, last = first + self.shift, last + self.shift
        if first >= len(run.begins):
            return run.ends[-1], run.ends[-1]
        return run.begins[first], run.ends[last - 1] if last > first else run.begins[first]

    def extent(self) -> tuple[int, int] | None:
        """What it stands for, without spaces at its edges; None where there is nothing else."""
        if not self.raw.strip():
            return None
        if self.run.manner.say_as is not None:
            return self.source_span(0, len(self.text))
        first = self.shift + len(self.raw) - len(self.raw.lstrip())
        return self.run.begins[first], self.run.ends[self.shift + len(self.raw.rstrip()) - 1]


class _Tape:
    """The runs of one passage, from which pieces are taken."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._strips: deque[_Strip] = deque()
        self._unspoken = 0  # characters of runs that became nothing

    def take_in(self, run: Run) -> str:
        """One run more; the text that is to be cut."""
        strip = _Strip(run, run.manner.language or self._reading.language)
        if strip.text:
            self._strips.append(strip)
        else:
            self._unspoken += len(run.text)
        return strip.shown

    def line(self, piece: Piece, after: int) -> Line:
        """The next piece, as it is spoken; it stands for nothing in front of `after`."""
        portions: list[_Portion] = []
        left = len(piece.text)
        while left:
            strip = self._strips[0]
            chars = min(left, len(strip.text) - strip.taken)
            portions.append(strip.cut(chars, self._reading))
            left -= chars
            if strip.taken == len(strip.text):
                self._strips.popleft()
        origin = _Joined(portions)
        spoken = origin.text if origin.text.strip(_MARKS) else ""
        extents = [extent for portion in portions if (extent := portion.extent())]
        begin = max(extents[0][0] if extents else after, after)
        end = max(extents[-1][1] if extents else after, begin)
        chars = sum(portion.chars for portion in portions) + self._unspoken
        self._unspoken = 0
        rate = portions[0].run.manner.rate
        return Line(spoken, begin, end, piece.has_pause, origin, 0, chars, rate)


class _Joined:
    """Portions as one text."""

    def __init__(self, portions: Sequence[_Portion]) -> None:
        self._portions = [portion for portion in portions if portion.text]
        self._begins: list[int] = []
        self.text, ended_in_space = "", True
        for portion in portions:
            if portion.text:
                if self.text and _need_space(self.text[-1], portion, ended_in_space):
                    self.text += " "
                self._begins.append(len(self.text))
                self.text += portion.text
            is_apart = portion.run.manner.say_as is not None or portion.raw[-1:].isspace()
            ended_in_space = is_apart or (ended_in_space and not portion.text)

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """See `Origin`."""
        if not self._portions:
            return 0, 0
        first = self._span_in(begin, min(begin + 1, end))
        return first[0], max(first[0], self._span_in(end - 1, end)[1]) if end > begin else first[0]

    def _span_in(self, begin: int, end: int) -> tuple[int, int]:
        number = max(bisect_right(self._begins, begin) - 1, 0)
        at, portion = self._begins[number], self._portions[number]
        begin = max(0, min(begin - at, len(portion.text)))
        return portion.source_span(begin, max(begin, min(end - at, len(portion.text))))


def _need_space(before: str, portion: _Portion, ended_in_space: bool) -> bool:
    """Whether two portions would run into one word."""
    if before.isspace() or portion.text[0].isspace():
        return False
    spelt = portion.run.manner.say_as is not None or ended_in_space or portion.raw[0].isspace()
    return spelt and portion.text[0].isalnum()
