"""Pieces that the schemas of several JSON forms share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias, get_args

from voxtrace.analysis import Labels
from voxtrace.analysis.absence import State as AbsenceState
from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.chunks import State as ChunkState
from voxtrace.analysis.clocks import Method as ClockMethod
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.analysis.groups import Population
from voxtrace.analysis.model import Cache, Kind, Mode, Origin, Outcome, Source, Start, Truth
from voxtrace.analysis.verdicts import Severity, Verdict
from voxtrace.judge.budget_verdicts import State as BudgetState
from voxtrace.judge.confidence import Level
from voxtrace.judge.limits import State as LimitState
from voxtrace.judge.recommendations import Standing
from voxtrace.judge.thresholds import Owner
from voxtrace.reports.json_report import INCONCLUSIVE, schema_name

Schema: TypeAlias = dict[str, Any]

METRIC_NAMES = [definition.name for definition in DEFINITIONS]
UNITS = sorted({definition.unit for definition in DEFINITIONS})
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
BOOL: Schema = {"type": "boolean"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
BOUND: Schema = {"enum": ["exact", "lower"], "description": "lower: the truth is at least this much"}


def or_null(schema: Schema, why: str = "") -> Schema:
    """It, or null; null always means that it is not known, and never stands for 0."""
    return {"anyOf": [schema, {"type": "null"}], **({"description": why} if why else {})}


def listed(schema: Schema, **facts: object) -> Schema:
    """A list of it."""
    return {"type": "array", "items": schema, **facts}


def choice(kind: object) -> Schema:
    """One of the words of a Literal."""
    return {"enum": list(get_args(kind))}


def ref(name: str) -> Schema:
    """A piece below `$defs`."""
    return {"$ref": f"#/$defs/{name}"}


def record(fields: dict[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """An object that has all of these fields, but for the optional ones. Later versions may add others."""
    left_out = set(optional)
    return {"type": "object", "properties": fields, "required": [name for name in fields if name not in left_out]}


def named(form: str, fields: dict[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """A whole document, whose field `schema` says of which form it is."""
    return record({"schema": {"const": schema_name(form)}, **fields}, optional)


def by_name(schema: Schema, names: Iterable[str] | None = None) -> Schema:
    """An object whose keys are names; of these, where they are given."""
    known = {} if names is None else {"propertyNames": {"enum": list(names)}}
    return {"type": "object", "additionalProperties": schema, **known}


_STATE = {
    "oneOf": [{"required": [state]} for state in ("value", "missing", "rejected")],
    "description": "value: a number in the unit of its name; missing: which event was not there; rejected: which "
    "rule it broke. Exactly one of them.",
}
_METRIC_FIELDS = {"value": NUMBER, "missing": TEXT, "rejected": TEXT, "origin": choice(Origin), "start": TEXT}
_UNSURE: Schema = {"type": "number", "minimum": 0, "description": "either way, in ms: clocks of two machines"}
_METRIC_FIELDS |= {"end": TEXT, "bound": BOUND, "note": TEXT, "uncertainty": _UNSURE}
METRIC = record(_METRIC_FIELDS, set(_METRIC_FIELDS) - {"origin"}) | _STATE
_OF_COLUMNS = {name: _METRIC_FIELDS[name] for name in ("value", "missing", "rejected", "bound")}
METRIC_OF_A_SESSION = record(_OF_COLUMNS, _OF_COLUMNS) | _STATE

_LABEL_KINDS = {"outcome": Outcome, "cache": Cache, "start": Start, "source": Source, "truth": Truth}
_LABEL_KINDS |= {"origin": Origin, "mode": Mode}
LABELS = record(
    {
        name: choice(_LABEL_KINDS[name]) if name in _LABEL_KINDS else COUNT if name == "text_chars" else TEXT
        for name in Labels.__struct_fields__
    },
    optional=set(Labels.__struct_fields__) - {"outcome", "cache", "start", "source", "truth", "origin"},
)
UNCERTAIN: dict[str, Schema] = {"uncertainty_ms": _UNSURE}
PART = record(
    {"name": TEXT, "begin_ms": NUMBER, "end_ms": NUMBER, "share": SHARE, "explained": BOOL, "waited": BOOL} | UNCERTAIN,
    optional=UNCERTAIN,
)
CLOCK = record(
    {
        "name": TEXT,
        "domain": TEXT,
        "services": listed(TEXT),
        "method": choice(ClockMethod),
        "ahead_ms": or_null(NUMBER, "of the first clock; null: not known"),
        "uncertainty_ms": or_null(_UNSURE, "null: open on at least one side"),
        "between_ms": listed(or_null(NUMBER), minItems=2, maxItems=2),
        "corrected_by_ms": NUMBER,
        "samples": COUNT,
        "via": listed(TEXT, description="clocks between, where the two were not compared themselves"),
        "drift_ppm": or_null(NUMBER),
        "steps": COUNT,
        "samples_away_ms": or_null(NUMBER, "to the nearest sample of another turn; null: its own, or none"),
    }
)
SAID = record({"rule": TEXT, "message": TEXT})
TURN_FIELDS: dict[str, Schema] = {
    "request_id": TEXT,
    "session_id": or_null(TEXT, "null: no event names a session"),
    "kind": choice(Kind),
    "started": {"type": "number", "description": "Unix time of the first event, seconds"},
    "total_ms": or_null(NUMBER, "null: a single event has no length"),
    "labels": ref("labels"),
    "metrics": by_name(ref("metric"), METRIC_NAMES),
    "parts": listed(ref("part"), description="they tile the total, in order of time"),
    "findings": listed(SAID),
    "slowest": or_null(TEXT, "the longest part that somebody waited for"),
}

INTERVAL = record(
    {
        "low": or_null(NUMBER, "null: open, too few samples bound this side"),
        "high": or_null(NUMBER, "null: open, too few samples bound this side"),
        "confidence": SHARE,
        "method": TEXT,
    }
)
_REASONS = by_name({"type": "integer", "minimum": 1})
_DISTRIBUTION: dict[str, Schema] = {
    "measured": COUNT,
    "expected": COUNT,
    **{name: or_null(NUMBER, "null: too few samples") for name in ("p50", "p95", "p99", "smallest", "largest")},
    "bound": BOUND,
    "missing": _REASONS | {"description": "turns by what was missing"},
    "rejected": _REASONS | {"description": "turns by the rule that rejected the number"},
}
_INTERVALS: dict[str, Schema] = {"method": TEXT, "intervals": by_name(ref("interval"), ("p50", "p95", "p99"))}
DISTRIBUTION = record(_DISTRIBUTION)
WITH_INTERVALS = record(_DISTRIBUTION | _INTERVALS)
WITH_ENDS = record(_DISTRIBUTION | {"intervals": _INTERVALS["intervals"]})
_TIE: dict[str, Schema] = {"p": SHARE, "method": TEXT}
_TURNS_OF: Schema = listed(COUNT, minItems=2, maxItems=2, description="turns without the number, of all of them")
ABSENCE = record(
    {
        "state": choice(AbsenceState),
        "percentile": {"enum": ["too good", "too bad", "uneven", None]},
        "words": TEXT,
        "missing": COUNT,
        "looked_at": COUNT,
        "compared_with": listed(TEXT),
        "numbers": listed(record({"name": TEXT, "median_without": NUMBER, "median_measured": NUMBER} | _TIE)),
        "labels": listed(
            record(
                {"label": TEXT, "value": TEXT, "missing_there": _TURNS_OF, "missing_elsewhere": _TURNS_OF}
                | _TIE
                | {"same_turns": listed(TEXT)}
            )
        ),
        "session": or_null(TEXT, "the only one in which it is missing"),
    }
)
POPULATION: dict[str, Schema] = {"name": TEXT, **dict.fromkeys(Population.__struct_fields__, TEXT)}
VERDICT: Schema = {"enum": [INCONCLUSIVE, None], "description": "inconclusive where no number was measured at all"}
METRIC_SUMMARY = record(
    {"unit": {"enum": UNITS}}
    | _DISTRIBUTION
    | _INTERVALS
    | {"cached_replays": COUNT | {"description": "of the measured: answers from a cache, by the rule cached_replay"}}
    | {"absence": or_null(ABSENCE, "null: no turn lacks it, or every one does")}
)

FILTER = record(
    {
        "where": TEXT | {"description": "as it was asked; all: every turn"},
        "turns": COUNT | {"description": "that fit"},
        "looked_at": COUNT | {"description": "turns of which these were chosen"},
    }
)
GAIN = record(
    {
        "until": {"enum": ["first_sound", "whole_turn"]},
        "mean_ms": NUMBER,
        "touched": COUNT,
        "before_ms": DISTRIBUTION,
        "after_ms": DISTRIBUTION,
        "gained_by_a_touched_turn_ms": WITH_ENDS,
    }
)
WANT = record(
    {
        "events": listed(TEXT, description="stages of which no turn has an event"),
        "with": listed(TEXT, description="keys that their metadata has to have"),
        "words": or_null(TEXT, "what else it takes"),
    }
)
FINDING = record(
    {
        "rule": TEXT,
        "population": TEXT,
        "stage": TEXT,
        "owner": choice(Owner),
        "standing": choice(Standing),
        "seen": TEXT,
        "change": TEXT,
        "want": or_null(WANT, "null: something is known"),
        "certainty": choice(Certainty),
        "confidence": record({"level": choice(Level), "why": listed(TEXT)}),
        "threshold": record({"limit": NUMBER, "unit": TEXT, "is": {"enum": ["at least", "at most"]}, "source": TEXT}),
        "turns": COUNT,
        "measured": COUNT,
        "broken": COUNT,
        "value": DISTRIBUTION,
        "gain": or_null(GAIN, "null: no replay can say it, or nothing has to change"),
        "gain_words": or_null(TEXT, "null: nothing has to change, or nothing is known"),
    }
)
ADVICE: dict[str, Schema] = {"turns": COUNT, "method": TEXT, "findings": listed(FINDING)}

_MS_OR_NULL = or_null(NUMBER)
STEP_SHARES = listed(record({"name": TEXT, "ms": NUMBER, "share": SHARE}))
REMARK = record({"rule": TEXT, "certainty": choice(Certainty), "message": TEXT, "gain_ms": _MS_OR_NULL})
_LINK: dict[str, Schema] = {"name": TEXT, "begin_ms": NUMBER, "end_ms": NUMBER}
CHUNK = record(
    {
        "name": TEXT,
        "state": choice(ChunkState),
        "begin_ms": NUMBER,
        "ready_ms": NUMBER,
        "end_ms": NUMBER,
        "audio_ms": or_null(NUMBER, "null: the log does not say how long it is"),
        "needed_by_ms": _MS_OR_NULL,
        "slack_ms": or_null(NUMBER, "below 0: an audible gap"),
        "rtf": _MS_OR_NULL,
        "overlapped": SHARE,
    }
)
CRITICAL_PATH = record(
    {
        "begin_ms": NUMBER,
        "end_ms": NUMBER,
        "until": {"enum": ["first_audio", "last_event"]},
        "links": listed(record(_LINK)),
        "shares": STEP_SHARES,
        "beside": listed(record(_LINK | {"slack_ms": or_null(NUMBER, "null: nothing waited for it")})),
        "chunks": listed(ref("chunk")),
        "gap_ms": _MS_OR_NULL,
        "stream": or_null(record({"arrivals": COUNT, "smallest_slack_ms": NUMBER, "starving": COUNT})),
        "remarks": listed(REMARK),
    }
)
STEADINESS = record(
    {
        "run": or_null(TEXT, "its session; null: the whole population"),
        "metric": {"enum": METRIC_NAMES},
        "measured": COUNT,
        "expected": COUNT,
        **dict.fromkeys(("median", "spike_above"), NUMBER),
        "flat": COUNT,
        **dict.fromkeys(("flat_smallest", "flat_largest"), NUMBER),
        "spikes": listed(record({"place": COUNT, "request_id": TEXT, "value": NUMBER})),
        "method": TEXT,
    }
)
_BUDGET: dict[str, Schema] = {"budget": TEXT, "population": TEXT, "metric": TEXT, "told": TEXT, "of": or_null(TEXT)}
_BUDGET |= {"better": {"enum": ["more", "less"]}}
_BUDGET |= dict.fromkeys(("target", "warning", "critical", "gate", "aim", "fails_at"), NUMBER)
_BUDGET |= {
    "actual": or_null(NUMBER, "null: not measured, or too few samples"),
    "bound": BOUND,
    "interval": or_null(record({"low": or_null(NUMBER), "high": or_null(NUMBER), "method": TEXT})),
    "n": COUNT,
    "expected": COUNT,
    "status": choice(BudgetState),
    "why": TEXT,
}
BUDGET_LINE = record(_BUDGET, optional=("told", "warning", "critical", "gate", "aim"))
BUDGETS = record(
    {
        "verdict": choice(BudgetState),
        "without_budget": listed(TEXT, description="populations that no budget is about"),
        "lines": listed(BUDGET_LINE),
    }
)
LIMIT = record({"limit": TEXT, "verdict": choice(LimitState), "measured": or_null(NUMBER), "n": COUNT, "why": TEXT})
SIDE = record({"measured": COUNT, "expected": COUNT, "p50": or_null(NUMBER), "p95": or_null(NUMBER)})
RATIO: dict[str, Schema] = {
    "ratio": or_null(NUMBER, "b / a; null: too few turns"),
    "interval": ref("interval"),
    "units": COUNT,
    "verdict": choice(Verdict),
    "severity": choice(Severity),
    "why": TEXT,
}
