"""JSON Schemas (2020-12) of what the commands print with `--json`.

An output names its schema in its field `schema`. Within one version fields are added and never changed or removed, so
the schemas allow fields that they do not know; our tests do not.
"""

from __future__ import annotations

from collections.abc import Callable

from voxtrace.analysis.groups import Population
from voxtrace.reports import schema_parts as parts
from voxtrace.reports.json_report import INCONCLUSIVE, schema_name
from voxtrace.reports.schema_parts import COUNT, NUMBER, SHARE, TEXT, Schema, by_name, listed, or_null, record, ref

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VERDICT = {"enum": [INCONCLUSIVE, None], "description": "inconclusive where no number was measured at all"}


def schema_of(form: str) -> Schema:
    """The schema of one of `FORMS`."""
    title, build, defs = _FORMS[form]
    head = {"$schema": DIALECT, "$id": f"urn:{schema_name(form).replace('/', ':')}", "title": title}
    return {**head, **build(), "$defs": {name: _DEFS[name] for name in defs}}


def _named(form: str, fields: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    return record({"schema": {"const": schema_name(form)}, **fields}, optional)


def _turn() -> Schema:
    metadata: Schema = {"type": "object", "description": "as the event carried it"}
    end = or_null(NUMBER, "null: no event ends it")
    return _named(
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


def _report() -> Schema:
    unix = or_null(NUMBER, "Unix time, seconds; null: there are no turns")
    return _named(
        "report",
        {
            "turns": COUNT,
            "from": unix,
            "to": unix,
            "outcomes": by_name(COUNT),
            "errors": by_name(COUNT),
            "error_rate": or_null(SHARE, "null: no end is known"),
            "verdict": _VERDICT,
            "groups": listed(ref("group"), description="one for each population; no percentile is over two of them"),
            "findings": listed(record({"rule": TEXT, "turns": COUNT})),
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
            "population": record({"name": TEXT, **dict.fromkeys(Population.__struct_fields__, TEXT)}),
            "turns": COUNT,
            "metrics": by_name(parts.METRIC_SUMMARY, parts.METRIC_NAMES),
            "parts": listed(record({"name": TEXT, "share": SHARE, "turns": COUNT, "ms": parts.DISTRIBUTION})),
            "slowest": listed(record({"name": TEXT, "turns": COUNT})),
            "continuity": or_null(SHARE, "null: no streams"),
            "verdict": _VERDICT,
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
    return _named("comparison", fields)


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
    return _named(
        "whatif",
        {
            "changes": listed(record({"step": TEXT, "told": TEXT}), minItems=1),
            "method": TEXT,
            "populations": listed(population),
            "filter": parts.FILTER,
        },
    )


def _recommend() -> Schema:
    return _named("recommend", {**parts.ADVICE, "filter": parts.FILTER})


_OF_A_TURN = ("labels", "metric", "part")
_DEFS: dict[str, Schema] = {
    "labels": parts.LABELS,
    "metric": parts.METRIC,
    "part": parts.PART,
    "chunk": parts.CHUNK,
    "interval": parts.INTERVAL,
    "group": _group(),
    "comparison": _comparison(),
}
_FORMS: dict[str, tuple[str, Callable[[], Schema], tuple[str, ...]]] = {
    "requests": ("voxtrace requests --json; a line of export jsonl is one item", _requests, _OF_A_TURN),
    "turn": ("voxtrace show ID --json", _turn, (*_OF_A_TURN, "chunk")),
    "report": ("voxtrace report --json", _report, ("group", "interval")),
    "comparison": ("voxtrace compare A B --json", _compare, ("comparison", "interval")),
    "whatif": ("voxtrace whatif --json", _whatif, ("interval",)),
    "recommend": ("voxtrace recommend --json", _recommend, ("interval",)),
}
FORMS = tuple(_FORMS)
TITLES = {form: title for form, (title, _, _) in _FORMS.items()}
