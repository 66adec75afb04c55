"""The schema of a load test."""

from __future__ import annotations

from voxtrace.reports import schema_parts as parts
from voxtrace.reports.schema_parts import (
    BOOL,
    COUNT,
    DISTRIBUTION,
    NUMBER,
    TEXT,
    Schema,
    by_name,
    listed,
    named,
    or_null,
    record,
    ref,
)

_RATE = or_null(NUMBER, "requests a second; null: no time passed")
_LATE = DISTRIBUTION | {"description": "ms by which requests were sent behind the plan"}
_LAG = DISTRIBUTION | {"description": "ms by which the generator's event loop ran late"}
_PLAN: dict[str, Schema] = {
    "arrivals": {"enum": ["poisson", "constant", "ramp", "closed"]},
    "rate_per_s": NUMBER,
    "end_rate_per_s": or_null(NUMBER, "of a ramp"),
    "users": COUNT,
    "think_s": NUMBER,
    "seconds": NUMBER,
    "texts": by_name(NUMBER) | {"description": "weights of the classes of text"},
    "repeat": BOOL | {"description": "the same few texts again and again, instead of new ones"},
    **dict.fromkeys(("voice", "format", "model", "pace"), TEXT),
    "speed": NUMBER,
    "leave_after_s": or_null(NUMBER, "after the first byte; null: listeners stay"),
    "seed": {"type": "integer"},
    "run": TEXT | {"description": "the word that makes its texts new"},
}


def load() -> Schema:
    """What `voxtrace load --json` prints."""
    error = record({"code": TEXT, "count": COUNT, "example": TEXT, "known_after_ms": DISTRIBUTION})
    return named(
        "load",
        {
            "target": TEXT,
            "plan": record(_PLAN, optional=("rate_per_s", "end_rate_per_s", "users", "think_s")),
            "valid": BOOL | {"description": "false: the generator was too slow, and nothing here is the server's"},
            "invalid_because": listed(TEXT),
            "interrupted": BOOL,
            "counts": record(dict.fromkeys(("offered", "sent", "completed"), COUNT)),
            "rates": record(dict.fromkeys(("offered_per_s", "sent_per_s", "completed_per_s"), _RATE)),
            "connections": COUNT,
            "generator": record(
                {
                    "late_ms": _LATE,
                    "loop_lag_ms": _LAG,
                    "cpu_share": {"type": "number", "minimum": 0, "description": "of one core"},
                    "calibration_error_ms": or_null(DISTRIBUTION, "null: not calibrated"),
                }
            ),
            "scenarios": by_name(ref("summary")) | {"description": "by class of text; no number is over two of them"},
            "errors": listed(error),
            "limits": listed(parts.LIMIT, description="of --expect"),
            "events_dropped": COUNT,
        },
    )
