"""What a rule of plausibility is, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from voxtrace.analysis.model import Measured, Turn
from voxtrace.analysis.timeline import Outline, Timeline

# One moment counted from two beginnings: what can't be true of one can't be of the other.
TTFA = ("ttfa_ms", "ttfa_from_send_ms")


class Doubt(Struct, frozen=True):
    """What one rule found: why, and the metrics it takes away."""

    message: str
    rejects: tuple[str, ...] = ()


class TurnRule(Struct, frozen=True):
    """A rule that looks at one turn and its events."""

    name: str
    explanation: str
    check: Callable[[Turn, Timeline], Doubt | None]
    # Stages and names of metadata: of a turn that has none of them the rule has nothing to say. Empty: of every turn.
    about: frozenset[str] = frozenset()

    def concerns(self, outline: Outline) -> bool:
        """Whether such a turn can be doubted."""
        return not (self.about and self.about.isdisjoint(outline.stages) and self.about.isdisjoint(outline.metadata))


def value_of(turn: Measured, name: str) -> float | None:
    """The value of a metric, or None where it was not measured."""
    metric = turn.metrics.get(name)
    return metric.value if metric else None
