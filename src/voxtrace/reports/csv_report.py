"""Turns as rows of a table that spreadsheets and notebooks read."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from msgspec import structs

from voxtrace.analysis import Labels, Measured
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.reports.words import told
from voxtrace.units import NANOS_PER_SECOND, millis

_LABELS = tuple(Labels.__struct_fields__)
_METRICS = tuple(definition.name for definition in DEFINITIONS)
_FACTS = ("request_id", "session_id", "started_unix_s", "kind", "total_ms", "slowest")
COLUMNS = (*_FACTS, *_LABELS, *_METRICS, "not_measured")
# A cell that begins so is a formula to a spreadsheet, and what stands in it came from a log.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(turns: Iterable[Measured], out: TextIO) -> int:
    """One row a turn. A metric without a value is an empty cell, and `not_measured` says why.

    A label that no event told is an empty cell too.

    Returns:
        The number of rows, without the head.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    rows = 0
    for rows, turn in enumerate(turns, 1):  # noqa: B007 - the count is wanted after the loop
        writer.writerow(_row(turn))
    return rows


def _row(turn: Measured) -> list[object]:
    labels = structs.asdict(turn.labels)
    values = (turn.metrics[name].value if name in turn.metrics else None for name in _METRICS)
    reasons = [
        f"{name}: {metric.missing or f'rejected by {metric.rejected}'}"
        for name, metric in turn.metrics.items()
        if not metric.measured
    ]
    bounds = [f"{name}: at least" for name, metric in turn.metrics.items() if metric.bound == "lower"]
    return [
        _text(turn.request_id),
        _text(turn.session_id or ""),
        f"{turn.started_wall_ns / NANOS_PER_SECOND:.6f}",
        turn.kind,
        millis(turn.total) if turn.total else "",
        _text(turn.slowest.name) if turn.slowest else "",
        *(_label(name, labels[name]) for name in _LABELS),
        *("" if value is None else value for value in values),
        _text("; ".join([*bounds, *reasons])),
    ]


def _label(name: str, value: object) -> object:
    return _text(told(name, value) or "") if isinstance(value, str) else value


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
