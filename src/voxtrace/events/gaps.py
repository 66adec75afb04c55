"""What is asked about two clocks where the messages of one request say nothing of them, and what is answered."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from voxtrace.units import NANOS_PER_SECOND

# How far around a gap others are asked. Two crystals run 30 ms apart in that time: beyond, causality says as much.
REACH_NS = 300 * NANOS_PER_SECOND
# A request that lasts longer is no turn that somebody waits for, and asks nobody. So whoever learns something of two
# clocks knows where those can be that have to be told.
LONGEST_NS = 600 * NANOS_PER_SECOND
# On either side. Eight show how fast two clocks run apart, where they cover a minute.
NEAREST = 8

Exchange: TypeAlias = tuple[int, int, int]
"""(at, low, high): at `at` on the clock `one`, `other` was ahead of it by `low` to `high`; nanoseconds.

A plain tuple: it goes into a store and out of it as it is.
"""


class Gap(NamedTuple):
    """A stretch of time in which nothing is known of two clocks; no longer than `LONGEST_NS`."""

    one: str
    other: str  # domains of clocks, in order of their names
    begin: int  # nanoseconds on the clock `one`
    end: int


def nearest(known: set[Exchange], gap: Gap) -> list[Exchange]:
    """Those that serve a gap, in order of time: the last ones up to its end, and the first ones from its beginning.

    Both may lie within it: of a long turn full of messages, these are the ones next to its two ends.
    """
    within = sorted(each for each in known if gap.begin - REACH_NS <= each[0] <= gap.end + REACH_NS)
    before = [each for each in within if each[0] <= gap.end][-NEAREST:]
    after = [each for each in within if each[0] >= gap.begin][:NEAREST]
    return sorted({*before, *after})


def concern(gap: Gap, found: list[Exchange]) -> tuple[int, int]:
    """From when to when another exchange, or one less, may change what serves the gap."""
    before = [at for at, _, _ in found if at <= gap.end]
    after = [at for at, _, _ in found if at >= gap.begin]
    low = before[-NEAREST] if len(before) >= NEAREST else gap.begin - REACH_NS
    high = after[NEAREST - 1] if len(after) >= NEAREST else gap.end + REACH_NS
    return min(low, gap.begin), max(high, gap.end)
