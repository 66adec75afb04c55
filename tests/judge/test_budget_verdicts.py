"""Budgets against populations: passed only where the whole interval is within the target."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from voxtrace.analysis import Group, Population, Summary
from voxtrace.analysis.quantiles import distribution
from voxtrace.judge.budget_files import read_toml
from voxtrace.judge.budget_verdicts import judge_budgets, without_budget, worst_of
from voxtrace.judge.packaged import packaged


def group(cache="miss", *, expected=None, continuity=None, **metrics):
    turns = expected or max(map(len, metrics.values()), default=0)
    numbers = {name: distribution(values, turns) for name, values in metrics.items()}
    return Group(Population("speech", "ok", "client", cache, "warm", "load", "L2"), turns, numbers, (), (), continuity)


def summary(*groups, errors=0):
    turns = sum(each.turns for each in groups)
    return Summary(turns + errors, None, None, {"ok": turns, "error": errors}, {}, groups, ())


def judged(asked, of):
    profiles = packaged()[asked] if asked in packaged() else read_toml(asked, "mine.toml")["mine"]
    return judge_budgets(profiles, lambda _: of)


def states(asked, of):
    return [each.state for each in judged(asked, of)]


SPREAD = [float(value) for value in range(1, 1001)]  # 1 … 1000 ms: p95 950, its interval 935 – 963


@pytest.mark.parametrize(
    ("limits", "state"),
    [
        ("target=1000", "pass"),
        ("target=940", "inconclusive"),
        ("target=960", "inconclusive"),
        ("target=900", "fail"),
        ("target=900, critical=1000", "warning"),
        ("target=955, critical=1000", "warning"),
        ("target=900, critical=960", "inconclusive"),
        ("target=900, critical=1000, gate=920", "fail"),
    ],
)
def test_a_limit_within_the_interval_is_neither_kept_nor_broken(limits, state):
    asked = f'[mine]\nlimits=[{{metric="ttfa_ms", {limits}}}]'

    assert states(asked, summary(group(ttfa_ms=SPREAD))) == [state]


def test_where_more_is_better_the_limits_are_turned_round():
    assert states("streaming", summary(group(realtime_ratio=[1.4] * 100, max_stall_ms=[0.0] * 100))) == ["pass", "pass"]
    assert states("streaming", summary(group(realtime_ratio=[0.25] * 100, max_stall_ms=[0.0] * 100)))[0] == "fail"
    assert states("streaming", summary(group(realtime_ratio=[0.7] * 100, max_stall_ms=[0.0] * 100)))[0] == "warning"


def test_too_few_samples_are_no_pass_and_say_what_they_are():
    (found,) = judged("uncached", summary(group(ttfa_ms=[100.0] * 19)))

    assert (found.state, found.value, found.ends) == ("inconclusive", None, (100.0, 100.0))
    assert found.why == "n=19, a p95 needs 20"
    assert states("uncached", summary(group(ttfa_ms=[100.0] * 40))) == ["inconclusive"]
    assert states("uncached", summary(group(ttfa_ms=[100.0] * 80))) == ["pass"]


def test_requests_without_a_value_are_no_pass():
    (found,) = judged("uncached", summary(group(ttfa_ms=[100.0] * 100, expected=101)))

    assert (found.state, found.why) == ("inconclusive", "1 of 101 have no value")


def test_answers_from_a_cache_are_no_pass():
    asked = '[mine]\nlimits=[{metric="ttfa_ms", target=400}]'
    spoken = group(ttfa_ms=[100.0] * 100)
    replayed = replace(spoken, metrics={"ttfa_ms": replace(spoken.metrics["ttfa_ms"], replayed=99)})

    assert states(asked, summary(spoken)) == ["pass"]
    assert states(asked, summary(replayed)) == ["inconclusive"]


def test_nothing_measured_and_nobody_there_are_inconclusive():
    assert states("uncached", summary()) == ["inconclusive"]
    assert states("uncached", summary(group(ttfa_ms=[], expected=3))) == ["inconclusive"]
    assert states("process", summary(group(ttfa_ms=[1.0]))) == ["inconclusive", "inconclusive"]
    assert worst_of([]) == "inconclusive"


def test_cached_speech_is_judged_by_the_cached_budget_alone():
    both = summary(group("miss", ttfa_ms=[700.0] * 100), group("hit", ttfa_ms=[200.0] * 100))
    found = [(each.profile, each.state) for each in judged("uncached", both) + judged("cached", both)]

    assert found == [("uncached", "pass"), ("cached", "fail"), ("cached", "fail")]
    assert without_budget(packaged()["uncached"], both) == ["speech, seen by the client, cache hit, warm, load, L2"]


def test_requests_that_hide_whether_they_were_cached_can_fail_and_cannot_pass_as_uncached():
    (fast,) = judged("uncached", summary(group("unknown", ttfa_ms=[5.5] * 100)))
    (slow,) = judged("uncached", summary(group("unknown", ttfa_ms=[3000.0] * 100)))

    assert (fast.state, slow.state) == ("inconclusive", "fail")
    assert "cache" in fast.why


@pytest.mark.parametrize(
    ("good", "bad", "state"), [(20, 0, "inconclusive"), (400, 0, "pass"), (900, 100, "fail"), (0, 0, "inconclusive")]
)
def test_a_share_is_judged_by_its_interval(good, bad, state):
    assert states("traffic", summary(group(ttfa_ms=[1.0] * good), errors=bad)) == [state]


def test_cache_hits_are_counted_of_those_that_say_it():
    found = summary(
        group("hit", ttfa_ms=[1.0] * 90), group("miss", ttfa_ms=[1.0] * 10), group("unknown", ttfa_ms=[1.0] * 500)
    )
    (line,) = judged("cache-hits", found)

    assert (line.value, line.n, line.state) == (0.9, 100, "pass")


def test_continuity_is_a_share_of_a_population():
    asked = '[mine]\nlimits=[{metric="continuity", target="90%"}]'

    assert states(asked, summary(group(ttfa_ms=[1.0] * 200, continuity=1.0))) == ["pass"]
    assert states(asked, summary(group(ttfa_ms=[1.0] * 200, continuity=0.5))) == ["fail"]
    assert states(asked, summary(group(ttfa_ms=[1.0] * 200))) == ["inconclusive"]


def test_of_every_single_request_the_largest_counts():
    asked = '[mine]\nlimits=[{metric="ttfa_ms", of="max", target=100}]'

    assert states(asked, summary(group(ttfa_ms=[99.0, 100.0]))) == ["pass"]
    assert states(asked, summary(group(ttfa_ms=[99.0, 101.0]))) == ["fail"]
