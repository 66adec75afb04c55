"""JSON Schemas (2020-12) of what the commands print with `--json`.

An output names its schema in its field `schema`. Within one version fields are added and never changed or removed, so
the schemas allow fields that they do not know; our tests do not.
"""

from __future__ import annotations

from collections.abc import Callable

from voxtrace.reports import schema_parts as parts
from voxtrace.reports.json_report import schema_name
from voxtrace.reports.schema_parts import (
    COUNT,
    NUMBER,
    SHARE,
    TEXT,
    Schema,
    by_name,
    listed,
    named,
    or_null,
    record,
    ref,
)
from voxtrace.reports.schemas_of_load import load
from voxtrace.reports.schemas_of_sessions import (
    FIRST_TURN,
    RATIO,
    TREND,
    conversation,
    conversations,
    session,
    sessions,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(form: str) -> Schema:
    """The schema of one of `FORMS`."""
    title, build, defs = _FORMS[form]
    head = {"$schema": DIALECT, "$id": f"urn:{schema_name(form).replace('/', ':')}", "title": title}
    return {**head, **build(), "$defs": {name: _DEFS[name] for name in defs}}


def _turn() -> Schema:
    metadata: Schema = {"type": "object", "description": "as the event carried it"}
    end = or_null(NUMBER, "null: no event ends it")
    return named(
        "turn",
        {
            **parts.TURN_FIELDS,
            "spans": listed(
                record(
                    {"name": TEXT, "service": TEXT, "begin_ms": NUMBER, "end_ms": end, "detail": metadata}
                    | parts.UNCERTAIN,
                    optional=parts.UNCERTAIN,
                )
            ),
            "marks": listed(
                record(
                    {"at_ms": NUMBER, "service": TEXT, "name": TEXT, "stage": TEXT, "metadata": metadata}
                    | {"raw_at_ms": NUMBER, "clock": TEXT},
                    optional=("raw_at_ms", "clock"),
                )
            ),
            "chunks": listed(record({"at_ms": NUMBER, "audio_ms": NUMBER, "bytes": COUNT})),
            "critical_path": parts.CRITICAL_PATH,
            "clocks": listed(parts.CLOCK),
            "clock_note": TEXT,
        },
    )


def _requests() -> Schema:
    return listed(record(parts.TURN_FIELDS))


def _summary_fields() -> dict[str, Schema]:
    unix = or_null(NUMBER, "Unix time, seconds; null: there are no turns")
    return {
        "turns": COUNT,
        "from": unix,
        "to": unix,
        "outcomes": by_name(COUNT),
        "errors": by_name(COUNT),
        "error_rate": or_null(SHARE, "null: no end is known"),
        "verdict": parts.VERDICT,
        "groups": listed(ref("group"), description="one for each population; no percentile is over two of them"),
        "findings": listed(record({"rule": TEXT, "turns": COUNT})),
    }


def _summary() -> Schema:
    return named("summary", _summary_fields())


def _report() -> Schema:
    return named(
        "report",
        {
            **_summary_fields(),
            "limits": listed(parts.LIMIT, description="of --expect"),
            "filter": parts.FILTER,
            "budgets": parts.BUDGETS | {"description": "of --budget"},
            "advice": record(parts.ADVICE) | {"description": "of the newest 300 turns; voxtrace recommend has all"},
            "lost": record(
                {"rejected": by_name(COUNT), "dropped": by_name(COUNT)},
            )
            | {"description": "events that are in no number, by reason"},
        },
        optional=("limits", "budgets"),
    )


def _group() -> Schema:
    return record(
        {
            "population": record(parts.POPULATION),
            "turns": COUNT,
            "metrics": by_name(parts.METRIC_SUMMARY, parts.METRIC_NAMES),
            "parts": listed(record({"name": TEXT, "share": SHARE, "turns": COUNT, "ms": parts.DISTRIBUTION})),
            "slowest": listed(record({"name": TEXT, "turns": COUNT})),
            "continuity": or_null(SHARE, "null: no streams"),
            "verdict": parts.VERDICT,
            "steadiness": listed(parts.STEADINESS),
            "contention": or_null(record({"ratio": NUMBER, "interval": ref("interval")})),
        }
    )


def _comparison() -> Schema:
    side = record({"filter": TEXT, "turns": COUNT})
    shift = record(
        {
            "name": TEXT,
            "is_part": parts.BOOL,
            "unit": {"enum": parts.UNITS},
            "bound": parts.BOUND,
            "a": parts.SIDE,
            "b": parts.SIDE,
            "p50": record(
                {**parts.RATIO, "test": TEXT, "p": or_null(SHARE), "adjusted_p": or_null(SHARE)},
                optional=("interval", "units"),
            ),
            "p95": record(parts.RATIO, optional=("interval", "units")),
        }
    )
    stratum = record(
        {
            "name": TEXT,
            "common": by_name(TEXT),
            "turns_a": COUNT,
            "turns_b": COUNT,
            "units": TEXT,
            "verdict": TEXT,
            "shifts": listed(shift),
            "notes": listed(TEXT),
        }
    )
    fields = {"a": side, "b": side, "looked_at": COUNT, "strata": listed(stratum), "notes": listed(TEXT)}
    return named("comparison", fields)


def _compare() -> Schema:
    several = listed(ref("comparison"), description="of --view providers, where there are not exactly two")
    return {"anyOf": [ref("comparison"), several]}


def _whatif() -> Schema:
    moment = record(dict.fromkeys(("before", "after", "gained"), parts.WITH_INTERVALS))
    population = record(
        {
            "name": TEXT,
            "turns": COUNT,
            "replayed": COUNT,
            "touched": COUNT,
            "not_replayed": listed(record({"why": TEXT, "turns": COUNT})),
            "outcomes": by_name(moment),
        }
    )
    return named(
        "whatif",
        {
            "changes": listed(record({"step": TEXT, "told": TEXT}), minItems=1),
            "method": TEXT,
            "populations": listed(population),
            "filter": parts.FILTER,
        },
    )


def _recommend() -> Schema:
    return named("recommend", {**parts.ADVICE, "filter": parts.FILTER})


_OF_A_TURN = ("labels", "metric", "part")
_OF_A_SESSION = ("trend", "first_turn", "ratio", "interval")
_DEFS: dict[str, Schema] = {
    "labels": parts.LABELS,
    "metric": parts.METRIC,
    "part": parts.PART,
    "chunk": parts.CHUNK,
    "interval": parts.INTERVAL,
    "group": _group(),
    "comparison": _comparison(),
    "summary": _summary(),
    "trend": TREND,
    "first_turn": FIRST_TURN,
    "ratio": RATIO,
    "conversation": conversation(),
}
_FORMS: dict[str, tuple[str, Callable[[], Schema], tuple[str, ...]]] = {
    "requests": ("voxtrace requests --json; a line of export jsonl is one item", _requests, _OF_A_TURN),
    "turn": ("voxtrace show ID --json", _turn, (*_OF_A_TURN, "chunk")),
    "report": ("voxtrace report --json", _report, ("group", "interval")),
    "comparison": ("voxtrace compare A B --json", _compare, ("comparison", "interval")),
    "whatif": ("voxtrace whatif --json", _whatif, ("interval",)),
    "recommend": ("voxtrace recommend --json", _recommend, ("interval",)),
    "sessions": ("voxtrace sessions --json", sessions, _OF_A_SESSION),
    "session": ("voxtrace sessions ID --json", session, _OF_A_SESSION),
    "conversation": ("voxtrace conversation ID --json", conversation, ("chunk",)),
    "conversations": ("voxtrace conversation --session ID --json", conversations, ("conversation", "chunk")),
    "load": ("voxtrace load --json", load, ("summary", "group", "interval")),
    "summary": ("a scenario of load --json; GET /performance/stats", _summary, ("group", "interval")),
}
FORMS = tuple(_FORMS)
TITLES = {form: title for form, (title, _, _) in _FORMS.items()}
