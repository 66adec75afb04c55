"""A measured turn as one JSON text, and back: what the store keeps beside the events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, cast

from voxtrace.analysis.model import Finding, Kind, Labels, Measured, Metric, Part
from voxtrace.units import Nanos

# Raised with every change of a definition: rows of another version are derived again.
VERSION = 4

_METRIC_DEFAULTS: dict[str, object] = {field.name: field.default for field in fields(Metric)}


def to_json(turn: Measured) -> str:
    """Labels, metrics, parts and findings; no events."""
    return json.dumps(
        {
            "version": VERSION,
            "request_id": turn.request_id,
            "session_id": turn.session_id,
            "kind": turn.kind,
            "started_wall_ns": turn.started_wall_ns,
            "total_ns": turn.total,
            "labels": asdict(turn.labels),
            "metrics": {name: metric_facts(metric) for name, metric in turn.metrics.items()},
            "parts": [[part.name, part.begin, part.end, part.explained, part.waited] for part in turn.parts],
            "findings": [[finding.rule, finding.message] for finding in turn.findings],
        },
        separators=(",", ":"),
    )


def from_json(text: str) -> Measured | None:
    """The turn that `to_json` wrote, or None where another version of the definitions wrote it."""
    row = json.loads(text)
    if row.get("version") != VERSION:
        return None
    return Measured(
        request_id=row["request_id"],
        session_id=row["session_id"],
        kind=cast("Kind", row["kind"]),
        started_wall_ns=row["started_wall_ns"],
        total=Nanos(row["total_ns"]),
        labels=Labels(**row["labels"]),
        metrics={name: Metric(**cast("Mapping[str, Any]", facts)) for name, facts in row["metrics"].items()},
        parts=tuple(Part(*part) for part in row["parts"]),
        findings=tuple(Finding(*finding) for finding in row["findings"]),
    )


def metric_facts(metric: Metric) -> dict[str, object]:
    """The fields of a metric that say something, by name."""
    return {name: value for name, default in _METRIC_DEFAULTS.items() if (value := getattr(metric, name)) != default}
