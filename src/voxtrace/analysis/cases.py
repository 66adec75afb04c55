"""A turn as advice looks at it: its steps, a few numbers and what is known of its pieces of speech."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxtrace.analysis.model import Turn
from voxtrace.analysis.whatif import Replayable


@dataclass(frozen=True, slots=True)
class Case:
    """One turn."""

    population: str
    turn: Replayable
    metrics: Mapping[str, float]  # those that were measured


def case_of(turn: Turn) -> Case:
    """A turn that is at hand."""
    raise NotImplementedError
