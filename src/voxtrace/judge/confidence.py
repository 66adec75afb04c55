"""How far a gain can be believed, in words, and what takes from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.cases import Case
from voxtrace.analysis.gains import Gain
from voxtrace.analysis.whatif import WHOLE_TURN

Level = Literal["high", "medium", "low"]

FEW, SOME = 5, 20  # turns with the finding: below these a gain is an example, or a rough number
WIDE = 0.5  # of the gain in the middle: as far as its interval may reach to one side
UNEXPLAINED = 0.2  # of the wait: above it a replay keeps too much as it was
MOSTLY = 0.5  # of the turns
_LEVELS: tuple[Level, ...] = ("low", "medium", "high")


class Confidence(Struct, frozen=True):
    """A level, and each reason why it is not higher."""

    level: Level
    why: tuple[str, ...] = ()


def confidence_in(cases: Sequence[Case], broken: int, gain: Gain | None, certainty: Certainty) -> Confidence:
    """What a finding in `broken` of these turns is worth."""
    doubts: list[tuple[int, str]] = []  # the highest level that each leaves, and the reason
    if certainty != "certain":
        doubts.append((1 if certainty == "likely" else 0, f"it is {certainty}, no event says so itself"))
    if broken < SOME:
        doubts.append((0 if broken < FEW else 1, f"seen in {broken} turn{'' if broken == 1 else 's'} only"))
    if gain is None:
        doubts.append((1, "no replay says what it costs"))
    else:
        doubts += _doubts_of_gain(gain)
    doubts += _doubts_of_cases(cases)
    lowest = min((level for level, _ in doubts), default=2)
    # Two things that take from it are worse than one.
    if lowest == 1 and len(doubts) > 2:
        lowest = 0
    return Confidence(_LEVELS[lowest], tuple(why for _, why in doubts))


def _doubts_of_gain(gain: Gain) -> list[tuple[int, str]]:
    doubts = []
    middle, interval = gain.gained.p50, gain.gained.intervals.get("p50")
    low, high = (interval.low, interval.high) if interval else (None, None)
    if middle and low is not None and high is not None and max(middle - low, high - middle) > WIDE * middle:
        doubts.append((1, f"the gain lies between {low:,.0f} and {high:,.0f} ms"))
    if gain.until == WHOLE_TURN:
        doubts.append((1, "when the agent was heard was not logged: the gain is of the whole turn"))
    return doubts


def _doubts_of_cases(cases: Sequence[Case]) -> list[tuple[int, str]]:
    doubts = []
    known = [case.unexplained for case in cases if case.unexplained is not None]
    if known and sum(known) / len(known) > UNEXPLAINED:
        doubts.append((1, f"no event explains {sum(known) / len(known):.0%} of the wait"))
    if _share(case.is_clock_unsure for case in cases) > 0:
        doubts.append((0, "clocks of several machines were not compared, or disagree"))
    if _share(case.is_bound for case in cases) >= MOSTLY:
        doubts.append((1, "where the wait began or ended was not logged"))
    if _share(case.truth in ("L0", "L1") for case in cases) >= MOSTLY:
        doubts.append((1, "that the sound was made is known, that it was heard is not"))
    return doubts


def _share(of: Iterable[bool]) -> float:
    flags = list(of)
    return sum(flags) / len(flags) if flags else 0.0
