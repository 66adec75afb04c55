"""A sink that remembers what a tracker delivered."""

from __future__ import annotations

from voxtrace.events import Event, Unreadable
from voxtrace.events.codec import decode
from voxtrace.tracker import Batch


class RecordingSink:
    """Give it to a `Tracker` as its sink, flush the tracker, and look at what arrived.

    While `failure` is set every batch is refused with it, as by a full disk or a dead collector:

        sink = RecordingSink()
        tracker = Tracker("stt", sink=sink)
        tracker.mark("speech_end", request_id="r1")
        tracker.flush()

        assert sink.names == ["speech_end"]
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []  # those that were taken
        self.refused: list[Batch] = []  # those that were not, once for each attempt
        self.failure: BaseException | None = None

    def __call__(self, batch: Batch) -> None:
        """Take a batch.

        Raises:
            Exception: whatever `failure` is.
        """
        if self.failure is not None:
            self.refused.append(batch)
            raise self.failure
        self.batches.append(batch)

    @property
    def lines(self) -> list[bytes]:
        """All lines that arrived, in order."""
        return [line for batch in self.batches for line in batch.lines.splitlines()]

    @property
    def events(self) -> list[Event]:
        """All events that arrived, in order.

        Raises:
            AssertionError: a line can't be read as an event.
        """
        events: list[Event] = []
        for line in self.lines:
            event = decode(line)
            if isinstance(event, Unreadable):
                raise AssertionError(f"the tracker wrote a line that can't be read ({event.reason}): {line[:200]!r}")
            events.append(event)
        return events

    @property
    def names(self) -> list[str]:
        """The names of all events that arrived, in order."""
        return [event.name for event in self.events]
