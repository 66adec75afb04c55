"""A turn as advice looks at it: its steps, its numbers, and what takes from their weight."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct, field

from voxtrace.analysis.columns import Bools, Columns, columns_of
from voxtrace.analysis.crowds import RULE as CROWD
from voxtrace.analysis.graph import order_of
from voxtrace.analysis.groups import MEASURED_OUTCOMES
from voxtrace.analysis.model import DISORDERED, Turn
from voxtrace.analysis.record import LOWER, pack_steps
from voxtrace.analysis.summing import population_names
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.analysis.whatif import Replayable, replayable

OFFSET_UNKNOWN = "clock_offset_unknown"
_HEADLINES = ("voice_to_voice_ms", "ttfa_ms")


class Case(Struct, frozen=True, dict=True):
    """One turn."""

    population: str
    kind: str
    turn: Replayable
    metrics: Mapping[str, float] = field(default_factory=dict)  # those that were measured
    session: str = ""
    started: int = 0  # wall time in nanoseconds
    cache: str = "unknown"
    start: str = "unknown"
    engine: str = ""
    truth: str = "unknown"
    unexplained: float | None = None  # share of the wait; None: nobody waited
    is_bound: bool = False  # when the wait began, or when the sound was heard, was not logged
    is_clock_unsure: bool = False  # clocks of its machines were not compared, or those of its services disagree

    @cached_property
    def order(self) -> Sequence[tuple[int, bool]]:
        """Beginnings and ends of the steps in order of time: the same for every replay."""
        return order_of(self.turn.steps)

    @cached_property
    def places(self) -> Mapping[str, Sequence[int]]:
        """Where the steps of each name stand."""
        found: dict[str, list[int]] = {}
        for place, step in enumerate(self.turn.steps):
            found.setdefault(step.name, []).append(place)
        return found


def case_of(turn: Turn) -> Case:
    """A turn that is at hand."""
    (case,) = cases_at_hand([turn])
    return case


def cases_at_hand(turns: Sequence[Turn]) -> list[Case]:
    """Turns that are at hand, in their order."""
    packed = [pack_steps(turn) for turn in turns]
    steps = [
        replayable(turn.total, array("d", each.numbers).tolist(), each.texts)
        for turn, each in zip(turns, packed, strict=True)
    ]
    return cases_of(columns_of(turns), steps, range(len(turns))) if turns else []


def cases_of(page: Columns, turns: Sequence[Replayable], rows: Iterable[int]) -> list[Case]:
    """Some rows of a page."""
    names = population_names(page)
    labels = {name: page.words_of(name) for name in ("kind", "cache", "start", "engine", "truth")}
    columns = [(name, column.values.tolist()) for name, column in page.metrics.items()]
    unexplained, is_bound, is_unsure = _unexplained(page), _bound(page), _unsure(page)
    return [
        Case(
            population=names[row],
            turn=turns[row],
            metrics={name: values[row] for name, values in columns if values[row] == values[row]},  # not NaN
            session=page.session_ids[row] or "",
            started=int(page.started[row]),
            unexplained=unexplained[row],
            is_bound=is_bound[row],
            is_clock_unsure=is_unsure[row],
            **{name: words[row] for name, words in labels.items()},
        )
        for row in rows
    ]


def advisable(page: Columns) -> Bools:
    """Which turns of a page advice looks at: those that did not fail, and no crowds of events under one id."""
    return page.with_label("outcome", MEASURED_OUTCOMES) & ~page.with_finding([CROWD])


def _unexplained(page: Columns) -> list[float | None]:
    whole = np.bincount(page.parts.rows, page.part_lengths, len(page))
    entries = np.isin(page.parts.words, page.numbers_of([UNATTRIBUTED]))
    part = np.bincount(page.parts.rows[entries], page.part_lengths[entries], len(page))
    return [each / of if of else None for each, of in zip(part.tolist(), whole.tolist(), strict=True)]


def _bound(page: Columns) -> list[bool]:
    found = np.zeros(len(page), np.bool_)
    lower = page.numbers_of([LOWER])
    for name in _HEADLINES:
        if name in page.metrics:
            found |= np.isin(page.metrics[name].states, lower)
    return found.tolist()


def _unsure(page: Columns) -> list[bool]:
    found: list[bool] = page.with_finding([OFFSET_UNKNOWN, DISORDERED]).tolist()
    return found
