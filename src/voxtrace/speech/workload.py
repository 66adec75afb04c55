"""What all streams together ask of the engines, and how fast these are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from voxtrace.speech.pace import Pace
from voxtrace.units import NANOS_PER_MILLI

# A continuation is begun so much before its listener runs dry, besides what the engines need.
SPARE_NS = 50 * NANOS_PER_MILLI


class Speaking(Protocol):
    """A stream whose text is not spoken to its end."""

    @property
    def chars_left(self) -> int:
        """Characters that were not asked for yet."""


@dataclass(slots=True)
class Workload:
    """Known to whoever asks the engines for something."""

    workers: int = 1  # engines that there should be
    target_ns: int = 0  # after which a first piece is due
    pace: Pace = field(default_factory=Pace)
    streams: set[Speaking] = field(default_factory=set)
    waiting: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # jobs in the queue, by is_first

    def margin_ns(self) -> int:
        """How long before their listeners run dry the continuations that wait must be begun, at the pace of now."""
        pace = self.pace
        others = 1 + self.waiting[False] / self.workers
        return round((pace.first_block_ns or 0) + (pace.piece_ns or 0) * others) + SPARE_NS
