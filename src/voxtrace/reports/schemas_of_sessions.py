"""The schemas of sessions, and of turns that are told."""

from __future__ import annotations

from typing import get_args

from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.heard import What
from voxtrace.analysis.kv_reuse import HowExpected, HowObserved
from voxtrace.analysis.model import Kind, Outcome
from voxtrace.analysis.session_trends import SIZES, Verdict
from voxtrace.analysis.whatif import FIRST_SOUND, WHOLE_TURN
from voxtrace.judge.budget_verdicts import State
from voxtrace.judge.thresholds import Owner
from voxtrace.reports import schema_parts as parts
from voxtrace.reports.schema_parts import (
    BOOL,
    COUNT,
    METRIC_NAMES,
    NUMBER,
    SHARE,
    TEXT,
    Schema,
    by_name,
    choice,
    listed,
    named,
    or_null,
    record,
    ref,
)

_PLACE: Schema = {"type": "integer", "minimum": 1, "description": "in its session, in order of starting"}
_METRIC: Schema = {"enum": METRIC_NAMES}
_UNIX: Schema = {"type": "number", "description": "Unix time of the first event, seconds"}
_START = TEXT | {"description": "cold or warm, as events say it; unknown where they do not"}


def _words(kind: object) -> list[str]:
    """The words of a Literal that are not empty; those are null in JSON."""
    return [word for word in get_args(kind) if word]


def _estimate(what: str, why: str) -> Schema:
    return or_null(record({"value": NUMBER | {"description": what}, "interval": ref("interval")}), why)


# ---- pieces of a session

RATIO = record({"value": NUMBER, "interval": ref("interval"), "units": COUNT})
TREND = record(
    {
        "metric": _METRIC,
        "verdict": choice(Verdict) | {"description": "none: none that could not be chance; too_few: nobody can tell"},
        "n": COUNT,
        "slope": _estimate("in the metric's unit, a turn", "null: too few turns"),
        "of_lower_bounds": BOOL,
    }
)
FIRST_TURN = record(
    {
        "metric": _METRIC,
        "value": or_null(NUMBER, "of the first turn, in the metric's unit; null: not measured, or it failed"),
        "later": COUNT | {"description": "later turns that it is compared with"},
        "ratio": or_null(ref("ratio"), "first / geometric mean of the later ones; null: see why"),
        "is_slower": or_null(BOOL, "by more than chance explains; null: there is no ratio"),
        "why": or_null(TEXT, "there is no ratio; null: there is one"),
    }
)
_RELATION = record(
    {
        "metric": _METRIC,
        "size": {"enum": [*SIZES, None], "description": "null: no event tells how long the prompt was"},
        "size_unit": {"enum": [*SIZES.values(), None]},
        "verdict": choice(Verdict),
        "n": COUNT,
        "correlation": _estimate("Spearman's, from -1 to 1", "null: see why"),
        "slope_per_1000": _estimate("ms for 1,000 of size_unit", "null: see why"),
        "why": or_null(TEXT, "nobody can tell"),
    }
)
_POPULATION = record({**parts.POPULATION, "is_first": BOOL}) | {
    "description": "is_first: it is the first turn alone, and no event says whether that was cold or warm"
}
_REUSE = record(
    {
        "place": _PLACE,
        "request_id": TEXT,
        "start": _START,
        "prompt": or_null(NUMBER, "how long it is, in unit"),
        "unit": {"enum": ["tokens", "characters", None]},
        "prefill_ms": or_null(NUMBER),
        "expected": or_null(SHARE, "of the prompt, that could be kept; null: see why_not_expected"),
        "expected_by": {"enum": [*_words(HowExpected), None]},
        "why_not_expected": or_null(TEXT),
        "observed": or_null(SHARE, "of the prompt, that was kept; null: see why_not_observed"),
        "observed_by": {"enum": [*_words(HowObserved), None]},
        "why_not_observed": or_null(TEXT),
        "is_read_again": or_null(BOOL, "what should have been kept was read again; null: one of both is not known"),
        "lost_ms": or_null(NUMBER, "about how much sooner the first token would have come; null: nothing lost known"),
        "pause_s": or_null(NUMBER, "since the turn before began, seconds; null: it is the first with a prompt"),
    }
)
_TURN = record(
    {
        "place": _PLACE,
        "request_id": TEXT,
        "started": _UNIX,
        "outcome": choice(Outcome),
        "error": or_null(TEXT, "code of the cause; null: none is known"),
        "start": _START,
        "slowest": or_null(TEXT, "the longest part that somebody waited for"),
        "metrics": by_name(parts.METRIC_OF_A_SESSION, METRIC_NAMES),
        "findings": listed(TEXT, description="rules; show ID --json has their words"),
    }
)
_STRAND = record(
    {
        "population": _POPULATION,
        "turns": COUNT,
        "metrics": by_name(parts.WITH_ENDS, METRIC_NAMES),
        "trends": listed(ref("trend"), description="their intervals hold 95 % together"),
        "prompt_size": listed(_RELATION, description="numbers against the size of the prompt"),
    }
)
_SESSION: dict[str, Schema] = {
    "session_id": TEXT,
    "turns": COUNT | {"description": "that it has; of those that fit, where a filter was asked for"},
    "looked_at": COUNT | {"description": "turns from which the numbers come"},
    "first": NUMBER | {"description": "Unix time at which its first turn began, seconds"},
    "last": NUMBER | {"description": "Unix time at which its last turn began, seconds"},
    "outcomes": by_name(COUNT, get_args(Outcome)),
    "failed": COUNT,
    "ends_not_known": COUNT,
    "population": or_null(_POPULATION, "whose numbers these are: the largest; null: no turn came to its end"),
    "turns_of_other_populations": COUNT,
    "metric": {"enum": [*METRIC_NAMES, None], "description": "what the wait is called; null: measured in no turn"},
    "wait": or_null(parts.WITH_ENDS, "in the unit of metric; null: see not_measured"),
    "not_measured": or_null(TEXT, "why there is no wait; null: there is one"),
    "longest": or_null(
        record({"value": NUMBER, "request_id": TEXT}), "in the unit of metric, of any population; null: not measured"
    ),
    "trend": or_null(ref("trend"), "of the wait; null: it was not measured"),
    "first_turn": or_null(ref("first_turn"), "by the wait; null: not measured, or the first turn is not looked at"),
}


def sessions() -> Schema:
    """What `voxtrace sessions --json` prints."""
    chosen = COUNT | {"description": "that have turns which fit"}
    of_list = record({**parts.FILTER["properties"], "sessions": chosen})
    return named(
        "sessions",
        {
            "sessions_in_store": COUNT,
            "turns_in_sessions": COUNT,
            "turns_without_session": COUNT,
            "looked_at": COUNT | {"description": "sessions"},
            "order": {"enum": ["newest", "longest_wait"]},
            "sessions": listed(record(_SESSION)),
            "first_turns": or_null(
                ref("ratio"), "first turn / p50 of the later ones, over these sessions; null: too few"
            ),
            "filter": of_list | {"description": "of --where and --slow"},
        },
        optional=("filter",),
    )


def session() -> Schema:
    """What `voxtrace sessions ID --json` prints."""
    return named(
        "session",
        {
            **_SESSION,
            "start": or_null(TEXT, "what the events say of the first turn, cold or warm; null: nothing"),
            "turn_list": listed(_TURN),
            "populations": listed(_STRAND, description="most turns first; no percentile is over two of them"),
            "first_turn_by_step": listed(ref("first_turn")),
            "kv_reuse": listed(_REUSE, description="turns that tell anything of their prompt"),
            "findings": listed(parts.SAID),
            "filter": parts.FILTER,
        },
    )


# ---- turns that are told

_CAUSE = record(
    {
        "step": TEXT,
        "ms": NUMBER,
        "share": SHARE | {"description": "of the wait"},
        "certainty": choice(Certainty),
        "doubts": listed(TEXT, description="why it is not certain"),
        "why": or_null(parts.REMARK, "null: no event within the step tells"),
    }
)
_ADVICE = record(
    {
        "rule": TEXT,
        "owner": {"enum": [*get_args(Owner), None], "description": "who can change it; null: nobody in particular"},
        "message": TEXT,
        "certainty": choice(Certainty),
        "gain_ms": or_null(NUMBER, "how much sooner; 0: nobody waits for it; null: one turn can't tell"),
        "until": {"enum": [FIRST_SOUND, WHOLE_TURN, None], "description": "what is sooner in a replay of this turn"},
    }
)
_MOMENT = record(
    {
        "at_ms": NUMBER | {"description": "from the moment in which the wait began"},
        "what": choice(What),
        "length_ms": or_null(NUMBER, "null: it has none, or it is not known"),
        "of": or_null(TEXT, "the step that is waited for"),
        "sure": BOOL | {"description": "false: computed, or the least it can be"},
    }
)
_SECTION = record({"title": TEXT, "head": listed(TEXT), "rows": listed(listed(TEXT)), "lines": listed(TEXT)}) | {
    "description": "as the other forms print it, in words"
}
_CAUSE_OR_NULL = or_null(_CAUSE, "null: nobody waited, or nothing is known")
_TARGETS = listed(parts.BUDGET_LINE, description="of the budget that is for such turns, or of --budget")
_WAIT: Schema = {"type": "number", "minimum": 0, "description": "length of the critical path"}


def conversation() -> Schema:
    """What `voxtrace conversation ID --json` prints."""
    return named(
        "conversation",
        {
            "request_id": TEXT,
            "session_id": or_null(TEXT, "null: no event names a session"),
            "kind": choice(Kind),
            "outcome": choice(Outcome),
            "verdict": choice(State),
            "targets": _TARGETS,
            "wait_ms": _WAIT,
            "shares": parts.STEP_SHARES | {"description": "of the wait, longest first"},
            "root_cause": _CAUSE_OR_NULL,
            "recommendations": listed(_ADVICE),
            "user": listed(_MOMENT, description="what the user hears and does not hear"),
            "critical_path": parts.CRITICAL_PATH,
            "sections": listed(_SECTION),
        },
    )


def conversations() -> Schema:
    """What `voxtrace conversation --session ID --json` prints."""
    short = {"request_id": TEXT, "verdict": choice(State), "wait_ms": _WAIT, "targets": _TARGETS}
    return named(
        "conversations",
        {
            "session_id": TEXT,
            "slowest": ref("conversation") | {"description": "the turn in which somebody waited longest"},
            "turns": listed(record({**short, "root_cause": _CAUSE_OR_NULL}), description="in order of time"),
        },
    )
