"""What `--budget` asks of a command: the budgets, and the turns that each of them is for."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

import numpy as np

from voxtrace.analysis import Summary
from voxtrace.analysis.columns import Bools, Columns, taken
from voxtrace.analysis.filters import read_filter
from voxtrace.analysis.labels import TEXT_CLASS
from voxtrace.analysis.summing import Summing
from voxtrace.judge.budget_verdicts import Judged, judge_budgets, without_budget
from voxtrace.judge.budgets import Profile
from voxtrace.judge.packaged import budgets_named


def budget_arguments(parser: ArgumentParser) -> None:
    """`--budget`, and what an open verdict does to the exit code."""
    parser.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="judge by a budget: speech, conversation, …, or a file of yours; may be repeated",
    )
    parser.add_argument(
        "--allow-inconclusive", action="store_true", help="exit code 0 also where too little was measured for a verdict"
    )


def budgets_asked(names: Sequence[str]) -> tuple[Profile, ...]:
    """The budgets of these names, each once.

    Raises:
        UnreadableBudget: there is none of a name, or a file can't be read.
    """
    return tuple(dict.fromkeys(profile for name in names for profile in budgets_named(name)))


class Budgeted:
    """Sums up the turns of budgets that are for a part of a population, beside the report's own summary."""

    def __init__(self, profiles: Sequence[Profile], now_wall_ns: int) -> None:
        self.profiles = tuple(profiles)
        self._now = now_wall_ns
        self._slices = {profile: Summing(now_wall_ns) for profile in profiles if profile.is_slice}

    def add(self, page: Columns) -> None:
        """Count a page of turns."""
        for profile, summing in self._slices.items():
            rows = _rows(page, profile, self._now)
            if rows.any():
                summing.add(taken(page, rows))

    def judged(self, summary: Summary) -> list[Judged]:
        """What became of every line; `summary` is of all turns."""
        parts = {profile: summing.summary() for profile, summing in self._slices.items()}
        return judge_budgets(self.profiles, lambda profile: parts.get(profile, summary))

    def left_out(self, summary: Summary) -> list[str]:
        """The populations that none of the budgets is for."""
        return without_budget(self.profiles, summary)


def _rows(page: Columns, profile: Profile, now_wall_ns: int) -> Bools:
    """Which turns a budget is for; a text of which nobody named the class is told by its length."""
    rows: Bools = np.ones(len(page), np.bool_)
    if profile.where:
        rows &= read_filter(profile.where, now_wall_ns).rows(page)
    if profile.text_class:
        named = read_filter(f"{TEXT_CLASS}={profile.text_class}", now_wall_ns).rows(page)
        any_named = page.with_label("tags", [text for text in page.texts.values() if f"{TEXT_CLASS}=" in text])
        rows &= named | (~any_named & _of_length(page, profile)) if profile.chars else named
    elif profile.chars:
        rows &= _of_length(page, profile)
    return rows


def _of_length(page: Columns, profile: Profile) -> Bools:
    least, most = profile.chars or (0, 0)
    fits: Bools = (page.text_chars >= least) & (page.text_chars <= most)  # of an unknown length neither holds
    return fits
