"""Turns out of a data folder as advice looks at them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voxtrace.analysis.cases import Case, advisable, cases_of
from voxtrace.analysis.choosing import Choosing
from voxtrace.analysis.columns import Columns
from voxtrace.cli.asked_turns import AskedTurns
from voxtrace.cli.column_pages import pages_with_steps
from voxtrace.store import SqliteStore


def cases_asked(store: SqliteStore, asked: AskedTurns, choosing: Choosing, told: Callable[[int], None]) -> list[Case]:
    """The turns that fit and did not fail; `told` is told how many were read."""
    cases: list[Case] = []
    read = 0
    for page, turns in pages_with_steps(store, asked.query, asked.most):
        fits = choosing.rows(page) & advisable(page)
        cases += cases_of(page, turns, np.flatnonzero(fits).tolist())
        read += len(page)
        told(read)
    return cases


class Newest:
    """The newest turns that did not fail, of pages that were read for something else."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: list[tuple[int, str]] = []

    def add(self, page: Columns) -> None:
        """Look through a page."""
        rows = np.flatnonzero(advisable(page))
        newest = rows[np.argsort(-page.started[rows], kind="stable")[: self._most]].tolist()
        found = [(int(page.started[row]), page.request_ids[row]) for row in newest]
        self._found = sorted([*self._found, *found], reverse=True)[: self._most]

    def request_ids(self) -> list[str]:
        """Their ids, newest first."""
        return [request_id for _, request_id in self._found]
