"""Turns out of a data folder as advice looks at them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voxtrace.analysis.cases import Case, cases_of
from voxtrace.analysis.groups import MEASURED_OUTCOMES
from voxtrace.cli.column_pages import pages_with_steps
from voxtrace.store import RequestQuery, SqliteStore


def newest_cases(
    store: SqliteStore, query: RequestQuery, most: int, told: Callable[[int], None] = lambda done: None
) -> list[Case]:
    """The newest turns that did not fail; `told` is told how many were read."""
    cases: list[Case] = []
    read = 0
    for page, turns in pages_with_steps(store, query, most):
        cases += cases_of(page, turns, np.flatnonzero(page.with_label("outcome", MEASURED_OUTCOMES)).tolist())
        read += len(page)
        told(read)
    return cases
