"""What a rule of plausibility is, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from voxtrace.analysis.model import Mark, Measured, Turn

Marks: TypeAlias = Mapping[str, Sequence[Mark]]
"""The marks of a turn by stage, in order of time."""

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
    of: frozenset[str] = frozenset()  # metadata without any of which there is nothing to look at; none: always look


def value_of(turn: Measured, name: str) -> float | None:
    """The value of a metric, or None where it was not measured."""
    metric = turn.metrics.get(name)
    return metric.value if metric else None
