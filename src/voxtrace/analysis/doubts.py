"""What a rule of plausibility is, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voxtrace.analysis.model import Mark, Measured, Turn


class Marks(dict[str, list[Mark]]):
    """The marks of a turn by stage, in order of time."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        super().__init__()
        for mark in marks:
            self.setdefault(mark.stage, []).append(mark)
        self.told = frozenset().union(*(mark.metadata for mark in marks))
        """The names of all metadata: most rules ask for what no event tells."""


# One moment counted from two beginnings: what can't be true of one can't be of the other.
TTFA = ("ttfa_ms", "ttfa_from_send_ms")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What one rule found: why, and the metrics it takes away."""

    message: str
    rejects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnRule:
    """A rule that looks at one turn."""

    name: str
    explanation: str
    check: Callable[[Turn, Marks], Doubt | None]


def value_of(turn: Measured, name: str) -> float | None:
    """The value of a metric, or None where it was not measured."""
    metric = turn.metrics.get(name)
    return metric.value if metric else None
