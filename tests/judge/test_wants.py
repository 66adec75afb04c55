"""What has to be logged for a rule to be known: what is named is logged here, and has to be enough."""

from itertools import count

import pytest

from voxtrace.analysis import assemble
from voxtrace.analysis.beside import OVERLAPS
from voxtrace.analysis.cases import case_of
from voxtrace.events.stages import STAGES
from voxtrace.judge.recommendations import recommend
from voxtrace.judge.thresholds import thresholds
from voxtrace.testing.turns import event

METADATA = {
    "chunk": None,  # its number
    "text_length": 40,
    "text_hash": "ab",
    "audio_duration_ms": 500,
    "audio_ms": 500,
    "prompt_chars": 900,
    "leading_silence_ms": 20,
    "cache": "miss",
}
PLACES = {stage.key: place for place, stage in enumerate(STAGES)}
# Of these the turns have to differ, or be many.
OF_MANY = {"prompt": 20, "reuse": 10, "cold": 2}
RULES = [rule for rule in thresholds() if rule.measure not in ("serial", "unexplained")]


def logged(want, kind, number=0):
    """A turn of which `want` is logged, each moment 10 ms behind the one before, of two pieces of speech."""
    times = count(100, 10)
    name = f"r{number}"
    facts = {key: value for key, value in METADATA.items() if key in want.told}
    session = f"s{number // 2}" if "session_id" in want.told else None
    facts |= {"start": "warm" if number else "cold"} if "start" in want.more else {}
    keys = list(want.events)
    keys += ["server.request_complete"] if "start" in want.more else []
    first = "user.speech_end" if kind == "conversation" else "client.request_start"
    told = [event(first, 0, "client", request_id=name)] if first not in keys else []
    for piece in range(2 if "chunk" in want.told else 1):
        numbered = facts | ({"chunk": piece} if "chunk" in want.told else {})
        told += [event(key, next(times), key.partition(".")[0], request_id=name, **numbered) for key in keys]
    told.append(event("heard", next(times) + 500, "player", request_id=name))
    turn = assemble(name, [each._replace(wall_ns=each.wall_ns + number * 10**10, session_id=session) for each in told])
    return case_of(turn)


def standing(cases, rule, stage):
    return {each.standing for each in recommend(cases) if (each.rule, each.stage) == (rule, stage)}


def silent(kind):
    names = (
        ["user.speech_end", "heard"] if kind == "conversation" else ["client.request_start", "client.headers_received"]
    )
    return case_of(assemble("silent", [event(name, at) for at, name in enumerate(names)]))


def want_for(rule, stage, kind):
    (want,) = (each.want for each in recommend([silent(kind)]) if (each.rule, each.stage) == (rule, stage))
    return want


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_turn_that_has_what_is_wanted_makes_the_rule_known(rule):
    want = want_for(rule.name, rule.of, rule.kind)
    turns = [logged(want, rule.kind, number) for number in range(OF_MANY.get(rule.measure, 1))]
    last = standing(turns, rule.name, rule.of)

    assert want is not None
    assert "unknown" in standing([silent(rule.kind)], rule.name, rule.of)
    assert last - {"unknown"}


@pytest.mark.parametrize("overlap", OVERLAPS, ids=lambda each: f"{each.first}, {each.second}")
def test_of_two_steps_the_one_that_is_not_there_yet_is_wanted(overlap):
    stage = f"{overlap.first}, {overlap.second}"
    cases, seen = [silent("conversation")], set()
    while "unknown" in standing(cases, "serial_calls", stage):
        (want,) = (each.want for each in recommend(cases) if (each.rule, each.stage) == ("serial_calls", stage))
        assert not set(want.events) <= seen
        seen |= set(want.events)
        names = sorted(seen, key=PLACES.__getitem__)
        cases = [
            case_of(
                assemble(
                    "r",
                    [event("speech_end", 0), *(event(key, 9 + n) for n, key in enumerate(names)), event("heard", 900)],
                )
            )
        ]

    assert seen


def test_what_is_known_wants_nothing():
    assert all((each.want is None) is (each.standing != "unknown") for each in recommend([silent("conversation")]))
