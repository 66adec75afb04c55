"""Which step made the user wait, and why, as far as the turn's own events show it."""

from __future__ import annotations

from msgspec import Struct

from voxtrace.analysis import Turn
from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.critical_path import CriticalPath, shares
from voxtrace.analysis.remarks import Remark
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.units import Nanos

# A remark explains a step where without it the first sound would come sooner by this share of the step.
EXPLAINS = 0.5


class RootCause(Struct, frozen=True):
    """The step that the first sound waited for longest."""

    step: str
    length: Nanos
    share: float  # of the wait
    certainty: Certainty
    doubts: tuple[str, ...]  # why it is not certain
    remark: Remark | None  # what explains the step; None: no event within it tells


def root_cause(turn: Turn, path: CriticalPath) -> RootCause | None:
    """The cause of the wait, or None where nobody waited or nothing is known."""
    steps = shares(path)
    if not steps or path.end <= path.begin:
        return None
    name, length, share = steps[0]
    doubts = []
    if name == UNATTRIBUTED:
        doubts.append("no event says what happened in that time")
    if not turn.clocks_compared:
        doubts.append("events come from clocks that were not compared")
    if not turn.is_order_known:
        doubts.append("clocks of its services disagree: what waited for what is not known")
    if not path.is_heard:
        doubts.append("no event says that anything was heard: it is the wait until the last event")
    certainty: Certainty = "possible" if doubts else "certain"
    return RootCause(name, length, share, certainty, tuple(doubts), _explanation(path, length))


def _explanation(path: CriticalPath, length: Nanos) -> Remark | None:
    known = [remark for remark in path.remarks if remark.gain is not None and remark.gain >= EXPLAINS * length]
    return max(known, key=lambda remark: remark.gain or 0, default=None)
