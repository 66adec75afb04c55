"""Whether one more request can be served, and when to come back if not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from voxtrace.errors import InvalidOption
from voxtrace.speech.errors import NoCapacity, QueueFull, Refused, TooLate
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

LONGEST_RETRY_S = 60
# A queue that running streams leave nearly no engine for drains slowly; nobody can say how slowly.
MOST_SLOWED = 10.0


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """When a request is refused."""

    waiting: int = 64  # first pieces in the queue
    ttfa_ms: float = 5000.0  # predicted
    load: float = 0.9  # share of the engines' time that streams at real time may take

    def __post_init__(self) -> None:
        if self.waiting < 0:
            raise InvalidOption("max_waiting", self.waiting, "can't be negative")
        if not self.ttfa_ms > 0:
            raise InvalidOption("max_ttfa_ms", self.ttfa_ms, "must be more than 0")
        if not 0 < self.load <= 1:
            raise InvalidOption("max_load", self.load, "must be more than 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Situation:
    """What the engines have before them. Times are nanoseconds."""

    workers: int
    idle: int
    waiting: int  # first pieces in the queue
    active: int  # streams whose text is not spoken to its end
    rtf: float | None  # None: nothing was measured yet
    busy_ns: int = 0  # work that goes before a new request: what is being spoken, and what is due earlier
    first_block_ns: int = 0
    shortest_left_ns: int = 0  # engine time that the stream nearest to its end still needs

    @property
    def load(self) -> float | None:
        """Share of the engines' time that the active streams take when they are read at real time."""
        return None if self.rtf is None else self.active * self.rtf / self.workers

    @property
    def ttfa_ns(self) -> int:
        """The time to first audio that a request of now would have, as far as it can be predicted."""
        if self.idle:
            return self.first_block_ns
        slowed = min(1 / max(1 - (self.load or 0), 1 / MOST_SLOWED), MOST_SLOWED)
        return round(self.busy_ns / self.workers * slowed) + self.first_block_ns


def refuse(now: Situation, limits: AdmissionLimits) -> Refused | None:
    """Why a new request can't be taken; None when it can."""
    if now.idle and not now.active:
        return None  # somebody must be served, however slow the engine is
    if not now.idle and now.waiting >= limits.waiting:
        return QueueFull(now.waiting, _seconds(now.ttfa_ns))
    if now.rtf is not None and now.active and (now.active + 1) * now.rtf > now.workers * limits.load:
        return NoCapacity(now.active, now.rtf, _seconds(now.shortest_left_ns * now.active // now.workers))
    ttfa_ms = now.ttfa_ns / NANOS_PER_MILLI
    if not now.idle and ttfa_ms > limits.ttfa_ms:
        return TooLate(ttfa_ms, limits.ttfa_ms, _seconds(now.ttfa_ns - round(limits.ttfa_ms * NANOS_PER_MILLI)))
    return None


def _seconds(nanos: int) -> int:
    return min(max(ceil(nanos / NANOS_PER_SECOND), 1), LONGEST_RETRY_S)
