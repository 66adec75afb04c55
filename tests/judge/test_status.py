"""A status follows a number without flickering."""

import pytest

from voxtrace.analysis import Population
from voxtrace.analysis.quantiles import Distribution
from voxtrace.judge.packaged import budget_for, share_budget
from voxtrace.judge.status import Window, follow, level_of

MISSES = Population("speech", "ok", "client", "miss", "warm", "real", "L2")
HITS = Population("speech", "ok", "client", "hit", "warm", "real", "L2")
TTFA_UNCACHED, TTFA_CACHED = budget_for(MISSES, "ttfa_ms"), budget_for(HITS, "ttfa_ms")
CACHE_HITS = share_budget("cache_hits")


def windows(*tails):
    """Windows that end at 1, 2, 3, …, each with this 95th percentile; None: too few samples."""
    return [
        Window(number, Distribution(7 if tail is None else 50, 50, p50=1.0, p95=tail))
        for number, tail in enumerate(tails, start=1)
    ]


@pytest.mark.parametrize(
    ("value", "level"), [(None, "none"), (800, "good"), (1_000, "good"), (1_001, "warning"), (2_001, "critical")]
)
def test_a_value_is_judged_by_its_budget(value, level):
    assert level_of(value, TTFA_UNCACHED) == level


def test_where_more_is_better_the_limits_are_turned_round():
    assert (level_of(0.1, CACHE_HITS), level_of(0.6, CACHE_HITS)) == ("warning", "good")


@pytest.mark.parametrize(
    ("tails", "level", "since"),
    [
        ((500, 500), "good", None),
        ((500, 1_500), "warning", 2),
        ((500, 1_500, 2_500), "critical", 3),
        ((500, 1_500, 1_500, 1_500), "warning", 2),
        ((1_500, 1_500), "warning", None),
        ((500, 1_500, 500), "warning", 2),
        ((500, 1_500, 500, 500), "good", 4),
        ((500, 2_500, 500, 1_500), "warning", 4),
        ((500, 1_500, 500, 1_500), "warning", 2),
        ((1_500, None), "none", None),
        ((None, 500), "good", 2),
    ],
)
def test_a_bad_state_is_entered_at_once_and_left_after_two_clean_windows(tails, level, since):
    status = follow(windows(*tails), TTFA_UNCACHED)

    assert (status.level, status.since_wall_ns) == (level, since)


def test_nothing_to_look_at_is_no_good_state():
    assert follow([], TTFA_UNCACHED).level == "none"


def test_too_few_samples_say_how_many_are_needed():
    assert follow(windows(None), TTFA_UNCACHED).why == "n=7, a 95th percentile needs 20"


def test_a_cached_answer_has_to_be_faster_than_a_synthesised_one():
    hits = Population("speech", "ok", "client", "hit", "warm", "real", "L2")

    assert budget_for(hits, "ttfa_ms") == TTFA_CACHED
    assert budget_for(MISSES, "ttfa_ms") == TTFA_UNCACHED


def test_a_number_without_a_budget_is_judged_by_nobody():
    assert budget_for(MISSES, "audio_ms") is None
