"""What a population would gain: every turn is replayed, and percentiles are taken over the turns, never added."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from voxtrace.analysis.cases import Case
from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.analysis.supposition import Supposition, rerun
from voxtrace.analysis.whatif import FIRST_SOUND, WHOLE_TURN
from voxtrace.units import NANOS_PER_MILLI


class Gain(Struct, frozen=True):
    """Before and after, over all turns of the population, in milliseconds."""

    until: str  # "first sound"; "whole turn" where nobody logged that
    before: Distribution
    after: Distribution
    gained: Distribution  # of the touched turns: percentiles of differences, no differences of percentiles
    mean: float  # over all turns
    touched: int  # turns in which something was changed

    @property
    def spared(self) -> float:
        """The waiting of all these turns that would be gone, in milliseconds."""
        return self.mean * self.before.measured


def gain_of(cases: Sequence[Case], supposed: Sequence[Supposition | None]) -> Gain | None:
    """What the turns of one population gain; None where no moment of them can be moved.

    Turns in which the first sound is known count; where there is no such turn, all do, until their ends.
    """
    is_heard = any(case.turn.heard is not None for case in cases)
    before, after, gained = [], [], []
    for case, each in zip(cases, supposed, strict=True):
        turn = case.turn
        if (is_heard and turn.heard is None) or not turn.steps:
            continue
        old = ((turn.heard or 0) - turn.wait_begin if is_heard else turn.total) / NANOS_PER_MILLI
        new = old
        if each is not None and (each.warps or each.beside or each.sooner):
            heard = turn.total if turn.heard is None else turn.heard
            moved = rerun(turn.steps, each, heard, turn.total, case.order)
            new = (moved.sound - turn.wait_begin if is_heard else moved.total) / NANOS_PER_MILLI
            # Nothing was made longer; what is left of a nanosecond is rounding.
            new = min(new, old)
            gained.append(old - new)
        before.append(old)
        after.append(new)
    if not before:
        return None
    return Gain(
        until=FIRST_SOUND if is_heard else WHOLE_TURN,
        before=distribution(before, len(cases)),
        after=distribution(after, len(cases)),
        gained=distribution(gained, len(gained)),
        mean=sum(gained) / len(before),
        touched=len(gained),
    )
