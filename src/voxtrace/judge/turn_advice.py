"""What would make one turn shorter: the thresholds held against it, and what else its own events show."""

from __future__ import annotations

from msgspec import Struct

from voxtrace.analysis import Turn
from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.cases import case_of
from voxtrace.analysis.critical_path import CriticalPath
from voxtrace.judge.recommendations import recommend
from voxtrace.units import NANOS_PER_MILLI, Nanos


class Advice(Struct, frozen=True):
    """One thing to do, with what a replay of this turn gains by it."""

    rule: str
    message: str
    certainty: Certainty
    gain: Nanos | None  # how much sooner; None: this turn can't tell; 0: nobody waits for it
    until: str = ""  # what is sooner: the first sound, or the whole turn
    owner: str = ""  # who can change it: see `Finding`; "": nobody in particular


def advice_on(turn: Turn, path: CriticalPath) -> tuple[Advice, ...]:
    """The largest gain first; then what can't be told, and last what nobody waits for."""
    found = []
    for each in recommend([case_of(turn)]):
        if each.standing in ("helps", "open"):
            gain = None if each.gain is None else Nanos(round(each.gain.mean * NANOS_PER_MILLI))
            until = "" if each.gain is None else each.gain.until
            found.append(
                Advice(each.rule, f"{each.stage or 'the wait'}: {each.change}", each.certainty, gain, until, each.owner)
            )
    # Remarks with a gain are what some of the thresholds are about.
    rest = [each for each in path.remarks if not each.gain]
    found += [Advice(each.rule, each.message, each.certainty, each.gain) for each in rest if each.gain is None]
    found += [Advice(each.rule, each.message, each.certainty, each.gain) for each in rest if each.gain is not None]
    return tuple(found)
