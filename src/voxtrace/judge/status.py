"""Good, warning, critical, or nothing to say: the state of a number, which does not flicker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.quantiles import MIN_SAMPLES, Distribution
from voxtrace.judge.budgets import Budget

Level = Literal["good", "warning", "critical", "none"]

# A bad state is left only after this many good windows in a row.
CLEAN_WINDOWS = 2
_RANK: dict[Level, int] = {"none": 0, "good": 0, "warning": 1, "critical": 2}


class Window(Struct, frozen=True):
    """One metric over a stretch of time; neighbouring windows may overlap."""

    end_wall_ns: int
    of: Distribution


class Status(Struct, frozen=True):
    """A level, its reason for people, and since when it holds where that is known."""

    level: Level
    why: str = ""
    since_wall_ns: int | None = None


def level_of(value: float | None, budget: Budget) -> Level:
    """What one value means; an unknown value is neither good nor bad."""
    if value is None:
        return "none"
    if budget.critical is not None and budget.breaks(value, budget.critical):
        return "critical"
    return "warning" if budget.breaks(value, budget.warning) else "good"


def follow(windows: Sequence[Window], budget: Budget) -> Status:
    """The state after the last of `windows`, oldest first, judged by the 95th percentile.

    A breach counts at once, and a bad state is left after two clean windows in a row. The last window
    decides whether there is anything to say: without enough samples in it the state is none.
    """
    level: Level = "none"
    since: int | None = None
    calmer = 0
    for window in windows:
        found = level_of(window.of.p95, budget)
        if "none" not in (found, level) and _RANK[found] < _RANK[level]:
            calmer += 1
            if calmer < CLEAN_WINDOWS:
                continue
        calmer = 0
        if found != level:
            # What held already in the first window began before anybody looked.
            level, since = found, None if window is windows[0] else window.end_wall_ns
    last = windows[-1].of if windows else Distribution(0, 0)
    if last.p95 is None:
        return Status("none", f"n={last.measured}, a 95th percentile needs {MIN_SAMPLES[950]}")
    return Status(level, "", since)
