"""A measured turn as one JSON text, and back: what the store keeps beside the events."""

from __future__ import annotations

import msgspec

from voxtrace.analysis.model import Finding, Kind, Labels, Measured, Metric, Part
from voxtrace.units import Nanos

# Raised with every change of a definition: rows of another version are derived again.
VERSION = 15


class _Row(msgspec.Struct):
    """The columns of a row: labels, metrics, parts and findings, and no events."""

    version: int
    request_id: str
    session_id: str | None
    kind: Kind
    started_wall_ns: int
    total_ns: int
    labels: Labels
    metrics: dict[str, Metric]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]


_rows = msgspec.json.Decoder(_Row)


def to_json(turn: Measured) -> str:
    """Labels, metrics, parts and findings; no events."""
    row = _Row(
        version=VERSION,
        request_id=turn.request_id,
        session_id=turn.session_id,
        kind=turn.kind,
        started_wall_ns=turn.started_wall_ns,
        total_ns=turn.total,
        labels=turn.labels,
        metrics=dict(turn.metrics),
        parts=turn.parts,
        findings=turn.findings,
    )
    return msgspec.json.encode(row).decode()


def from_json(text: str) -> Measured | None:
    """The turn that `to_json` wrote, or None where another version of the definitions wrote it."""
    try:
        row = _rows.decode(text)
    except msgspec.ValidationError:
        return None  # it has other columns
    if row.version != VERSION:
        return None
    return Measured(
        request_id=row.request_id,
        session_id=row.session_id,
        kind=row.kind,
        started_wall_ns=row.started_wall_ns,
        total=Nanos(row.total_ns),
        labels=row.labels,
        metrics=row.metrics,
        parts=row.parts,
        findings=row.findings,
    )
