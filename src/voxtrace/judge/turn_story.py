"""All that is said of one turn: its targets, its wait, what caused it, what would help, and what the user heard."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from voxtrace.analysis import Turn
from voxtrace.analysis.critical_path import CriticalPath, critical_path
from voxtrace.analysis.heard import Moment, moments_of
from voxtrace.judge.budget_verdicts import Judged, State, worst_of
from voxtrace.judge.budgets import Profile
from voxtrace.judge.root_cause import RootCause, root_cause
from voxtrace.judge.turn_advice import Advice, advice_on
from voxtrace.judge.turn_verdicts import judge_turn, usual_budgets


class TurnStory(Struct, frozen=True):
    """One turn, told. Every form of the report shows this."""

    turn: Turn
    path: CriticalPath
    judged: tuple[Judged, ...]
    moments: tuple[Moment, ...]
    cause: RootCause | None
    advice: tuple[Advice, ...]

    @property
    def verdict(self) -> State:
        return worst_of(self.judged)


def tell(turn: Turn, profiles: Sequence[Profile] = ()) -> TurnStory:
    """The story of a turn, by these budgets; without any by those of the house that are for such turns."""
    path = critical_path(turn)
    judged = tuple(judge_turn(turn, profiles or usual_budgets(turn)))
    return TurnStory(turn, path, judged, moments_of(turn, path), root_cause(turn, path), advice_on(turn, path))
