"""What all streams together ask of the engines, and how fast these are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from voxtrace.speech.pace import Pace


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
