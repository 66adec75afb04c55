"""Speech of a text that is still being written."""

from __future__ import annotations

from collections import deque

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.job import Source
from voxtrace.speech.order import Order
from voxtrace.speech.ports import Marks
from voxtrace.speech.quality import first_limits
from voxtrace.speech.stream import SpeechStream
from voxtrace.speech.text.script import lines_of_pieces
from voxtrace.speech.text.segment import Piece, Segmenter


class TooMuchText(SpeechError):
    """A client sends text faster than anybody could listen to it."""

    code = "too_much_text"
    stage = "text"

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} characters wait to be spoken; send text no faster than its sound is read")
        self.limit = limit


class LiveStream(SpeechStream):
    """Speaks each piece as soon as it is certain where it ends, whatever packets the text came in.

    An order with a document brings all of its text with it.

    `start` needs a first piece: see `is_ready`.
    """

    def __init__(self, source: Source, order: Order, marks: Marks, most_waiting: int) -> None:
        """
        Args:
            most_waiting: characters that may wait to be spoken.
        """
        super().__init__(source, order, marks)
        self._segmenter = Segmenter(source.workload.pace.limits(first_limits(order.mode)))
        self._ready: deque[Piece] = deque()
        if order.document is None:
            self._lines = lines_of_pieces(iter(self._ready.popleft, None), order.reading)
        self._most_waiting = most_waiting
        self._has_started = False
        self._held_chars = 0  # in the segmenter: it is not certain yet where they are cut
        self.is_open = order.document is None  # that one is whole
        self.chars = len(order.text)  # of all text so far

    @property
    def is_ready(self) -> bool:
        """Whether there is a piece to start with."""
        return bool(self._ready) or self._order.document is not None

    def start(self) -> None:
        """See `SpeechStream.start`."""
        self._has_started = True
        super().start()

    def say(self, text: str) -> None:
        """Take more text.

        Raises:
            TooMuchText: too much of it waits already; nothing of `text` was taken.
        """
        if self.chars_left + self._held_chars + len(text) > self._most_waiting:
            raise TooMuchText(self._most_waiting)
        self.chars += len(text)
        self._held_chars += len(text)
        self._take(self._segmenter.feed(text))

    def flush(self) -> None:
        """What is here is spoken now, although it may end in mid-sentence."""
        self._take(self._segmenter.finish())

    def end(self) -> None:
        """No more text will come."""
        self.is_open = False
        self.flush()
        if self._has_started:
            self._note_all_made()
            self._wake_reader()

    def _take(self, pieces: list[Piece]) -> None:
        self._ready.extend(pieces)
        chars = sum(len(piece.text) for piece in pieces)
        self.chars_left += chars
        self._held_chars -= chars
        if pieces and self._has_started:
            self._go_on()
            self._wake_reader()
