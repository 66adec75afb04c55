"""Limits that a person names."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from voxtrace.analysis import Group, Population, Summary
from voxtrace.analysis.quantiles import distribution
from voxtrace.errors import InvalidOption
from voxtrace.judge.limits import judge, parse_limit

SEEN = Population("speech", "ok", "client", "miss", "unknown", "load", "L2")


def summary(ttfa=(), expected=None, errors=0, continuity=1.0, n=None):
    turns = expected if expected is not None else len(ttfa)
    group = Group(SEEN, turns, {"ttfa_ms": distribution(ttfa, turns)}, (), (), continuity)
    groups = (group,) if turns else ()
    return Summary(turns + errors, None, None, {"ok": turns, "error": errors}, {"busy": errors}, groups, ())


def state(limit, of):
    return judge(parse_limit(limit), of).state


@pytest.mark.parametrize(
    ("text", "name", "per_mille", "value"),
    [
        ("ttfa_p95<=50ms", "ttfa_ms", 950, 50),
        ("ttfa_ms_p95 <= 0.05 s", "ttfa_ms", 950, 50),
        ("max_stall_max<=100ms", "max_stall_ms", 1000, 100),
        ("stall_count_p99<=0", "stall_count", 990, 0),
        ("rtf_p50<=0.5", "rtf", 500, 0.5),
        ("error_rate<=1%", "error_rate", None, 0.01),
        ("continuity>=99%", "continuity", None, 0.99),
    ],
)
def test_limits_are_read(text, name, per_mille, value):
    limit = parse_limit(text)

    assert (limit.name, limit.per_mille) == (name, per_mille)
    assert limit.value == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "ttfa<=50ms", "ttfa_p95<50ms", "speed_p95<=1ms", "ttfa_p95<=50%", "ttfa_p95<=50", "error_rate_p95<=1%"]
)
def test_what_is_no_limit_is_refused_with_an_example(text):
    with pytest.raises(InvalidOption):
        parse_limit(text)


def test_a_quantile_is_judged_only_from_enough_requests():
    assert state("ttfa_p95<=50ms", summary([10.0] * 93)) == "pass"
    assert state("ttfa_p95<=50ms", summary([90.0] * 93)) == "fail"
    assert state("ttfa_p95<=50ms", summary([10.0] * 92)) == "inconclusive"
    assert state("ttfa_p99<=50ms", summary([10.0] * 472)) == "inconclusive"


def test_answers_from_a_cache_keep_no_limit_and_can_break_one():
    of = replace(distribution([10.0] * 93, 93), replayed=92)
    seen = replace(summary([10.0] * 93), groups=(Group(SEEN, 93, {"ttfa_ms": of}, (), (), 1.0),))

    assert state("ttfa_p95<=50ms", seen) == "inconclusive"
    assert state("ttfa_p95<=5ms", seen) == "fail"


def test_requests_without_a_value_keep_a_limit_from_being_kept():
    assert state("ttfa_p95<=50ms", summary([10.0] * 100, expected=101)) == "inconclusive"
    assert state("ttfa_p95<=50ms", summary([90.0] * 100, expected=101)) == "fail"


def test_nothing_measured_is_no_pass():
    assert state("ttfa_p95<=50ms", summary([], errors=50)) == "inconclusive"
    assert state("rtf_p95<=1", summary([10.0] * 100)) == "inconclusive"
    assert state("continuity>=99%", summary([10.0] * 100, continuity=None)) == "inconclusive"


def test_shares_are_judged():
    assert state("error_rate<=1%", summary([10.0] * 99, errors=1)) == "pass"
    assert state("error_rate<=1%", summary([10.0] * 98, errors=2)) == "fail"
    assert state("error_rate<=1%", summary([10.0] * 10)) == "inconclusive"
    assert state("continuity>=99%", summary([10.0] * 100, continuity=0.98)) == "fail"


def test_the_worst_population_decides():
    good, bad = summary([10.0] * 100), summary([90.0] * 100)
    both = Summary(200, None, None, {"ok": 200}, {}, (*good.groups, *bad.groups), ())

    assert state("ttfa_p95<=50ms", both) == "fail"
