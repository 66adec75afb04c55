"""The public test kit: real parts, with only time, ids, chance and the far end of the wire replaced."""

from voxtrace.testing.clock import ManualClock
from voxtrace.testing.ids import CountedIds
from voxtrace.testing.sink import RecordingSink

__all__ = ["CountedIds", "ManualClock", "RecordingSink"]
