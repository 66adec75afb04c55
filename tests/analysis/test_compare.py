"""Two populations beside each other: what is a difference, what is chance, and what nobody can tell."""

from random import Random

import pytest
from msgspec import structs
from msgspec.structs import replace

from tests.analysis.test_plausibility import bench
from voxtrace.analysis import assemble
from voxtrace.analysis.columns import columns_of
from voxtrace.analysis.compare import Comparing
from voxtrace.analysis.filters import UnreadableFilter, read_filter, tags_of
from voxtrace.analysis.statistics.ratio import welch_ratio
from voxtrace.analysis.verdicts import adjusted
from voxtrace.testing.turns import STARTED_NS, client_events, server_events
from voxtrace.units import NANOS_PER_SECOND

MINUTE_NS = 60 * NANOS_PER_SECOND
NOW = STARTED_NS + 10**6 * NANOS_PER_SECOND


def turn(name, engine, first, *, at=0, session=None, cache="miss", **labels):
    """One request whose first audio came after `first` ms."""
    events = client_events(request_id=name, first_byte=first, chunks=[(first, 60)])
    events += server_events(request_id=name, inference=first / 2, cache=cache)
    moved = []
    for each in events:
        facts = {"engine": engine, "labels": labels} if each.name == "REQUEST_RECEIVED" else {}
        wall = each.wall_ns + at
        moved.append(each._replace(wall_ns=wall, session_id=session, metadata={**each.metadata, **facts}))
    return assemble(name, moved)


def compared(turns, a="engine=a", b="engine=b"):
    comparing = Comparing(read_filter(a, NOW), read_filter(b, NOW), NOW)
    half = len(turns) // 2
    comparing.add(columns_of(turns[:half]))
    comparing.add(columns_of(turns[half:]))
    return comparing.comparison()


def interleaved(count, factor=1.0, *, seed=1, sessions=0, **more):
    """Turns of a and b in turn, in one run; those of b take `factor` times as long."""
    chance, turns = Random(seed), []
    for n in range(count):
        for engine, times in (("a", 1.0), ("b", factor)):
            first = 100 * times * chance.lognormvariate(0, 0.3)
            session = f"s{n % sessions}" if sessions else None
            turns.append(turn(f"{engine}{n}", engine, first, at=n * NANOS_PER_SECOND, session=session, **more))
    return turns


def head(comparison):
    return comparison.strata[0].shifts[0]


def test_a_slower_engine_is_found_with_its_factor_and_the_step_that_moved():
    comparison = compared(interleaved(60, 1.6))
    moved = [shift.name for shift in comparison.strata[0].shifts if shift.is_part and shift.judged.verdict == "slower"]

    assert (head(comparison).name, head(comparison).judged.verdict) == ("ttfa_ms", "slower")
    assert head(comparison).ratio.interval.holds(1.6)
    assert "inference" in moved


def test_sessions_that_have_both_sides_are_compared_within_themselves():
    shift = head(compared(interleaved(60, 1.6, sessions=6)))

    assert (shift.ratio.method, shift.ratio.units) == ("paired t of log ratios", 6)


def test_many_equal_turns_are_no_difference_and_few_say_nothing():
    many, few = head(compared(interleaved(600))), head(compared(interleaved(15, 3.0)))

    assert many.judged.verdict in ("same", "inconclusive")
    assert (few.judged.verdict, few.judged.why) == ("inconclusive", "15 turns on one side; it takes 20")
    assert head(compared(interleaved(60, 3.0))).judged_p95.why == "60 turns on one side; it takes 93"


def test_one_run_a_side_can_not_tell_a_small_difference_from_the_machines_mood():
    chance = Random(4)
    turns = [
        turn(f"{engine}{n}", engine, 100 * times * chance.lognormvariate(0, 0.1), at=start + n * NANOS_PER_SECOND)
        for engine, times, start in (("a", 1.0, 0), ("b", 1.2, 60 * MINUTE_NS))
        for n in range(100)
    ]
    stratum = compared(turns).strata[0]

    assert stratum.shifts[0].judged.why == "the sides were measured in different runs, and the machine may have changed"
    assert any("A B B A" in note for note in stratum.notes)


def test_runs_of_their_own_are_the_units_where_there_are_enough():
    chance, turns = Random(5), []
    for run in range(12):
        engine, mood = "ab"[run % 2], chance.lognormvariate(0, 0.05)
        times = 1.5 if engine == "b" else 1.0
        for n in range(20):
            first = 100 * times * mood * chance.lognormvariate(0, 0.3)
            turns.append(turn(f"{run}-{n}", engine, first, at=run * 30 * MINUTE_NS + n * NANOS_PER_SECOND))
    shift = head(compared(turns))

    assert (shift.ratio.method, shift.ratio.units, shift.judged.verdict) == ("Welch t of log medians", 6, "slower")


def test_the_same_against_itself_seldom_is_a_difference():
    """Runs differ by 10 %, and six of each side hold thirty turns: a test that counts turns would often be wrong."""

    def accuses(seed):
        chance = Random(seed)
        sides = [
            [sorted(mood * chance.lognormvariate(0, 0.3) for _ in range(30))[15] for mood in moods]
            for moods in ([chance.lognormvariate(0, 0.1) for _ in range(6)] for _ in range(2))
        ]
        return not welch_ratio(*sides, 0.99).interval.holds(1.0)

    assert sum(map(accuses, range(400))) / 400 <= 0.025


def test_cached_requests_are_compared_with_cached_ones_only():
    turns = interleaved(30, 1.0) + [
        turn(f"hit{n}", "a", 5 + n / 100, cache="hit", at=n * NANOS_PER_SECOND) for n in range(30)
    ]
    comparison = compared(turns)

    assert [stratum.common["cache"] for stratum in comparison.strata] == ["miss"]
    assert comparison.notes == (
        "30 turns have no counterpart of their kind on the other side (cache, start, origin, mode, …)",
    )


def in_modes(turns, **modes):
    """The turns of each engine in the modes that are named for it, in turn."""
    found = []
    for n, each in enumerate(turns):
        of = modes[each.labels.engine]
        found.append(replace(each, labels=structs.replace(each.labels, mode=of[n // 2 % len(of)])))
    return found


def test_engines_are_compared_in_the_modes_that_each_has_and_a_mixed_side_is_named():
    (stratum,) = compared(in_modes(interleaved(40), a=[""], b=["fast", "high"])).strata

    assert (stratum.turns_a, stratum.turns_b) == (40, 40)
    assert "B mixes the modes fast, high: name one with mode=MODE" in stratum.notes


def test_modes_are_never_mixed_where_no_filter_names_what_has_modes():
    turns = in_modes(interleaved(40, new_prompt=True), a=["fast", "high"], b=["fast", "high"])
    turns += in_modes([replace(each, request_id=f"o{n}") for n, each in enumerate(interleaved(40, new_prompt=False))],
                      a=["fast"], b=["high"])  # fmt: skip
    comparison = compared(turns, "new_prompt=true", "new_prompt=false")

    assert sorted(stratum.common["mode"] for stratum in comparison.strata) == ["fast", "high"]
    assert {stratum.name.rpartition(", ")[2] for stratum in comparison.strata} == {"mode fast", "mode high"}


def test_equal_first_bytes_that_another_tool_measured_are_compared_by_nobody():
    told = [(number, number % 2) for number in range(60)]
    turns = [bench(5.503 if is_b else 6 + n / 99, n, name=f"t{n}-", run=f"run{n}") for n, is_b in told]
    turns = [replace(each, labels=structs.replace(each.labels, engine="ab"[n % 2])) for n, each in enumerate(turns)]
    (stratum,) = compared(turns).strata

    assert (stratum.turns_a, stratum.turns_b) == (30, 30)
    assert "ttfb_ms" not in {shift.name for shift in stratum.shifts}


def test_what_a_filter_names_is_what_is_compared():
    turns = interleaved(30) + [turn(f"h{n}", "a", 5 + n, cache="hit", at=n * NANOS_PER_SECOND) for n in range(30)]
    (stratum,) = compared(turns, "cache=miss", "cache=hit").strata

    assert "cache" not in stratum.common
    assert stratum.shifts[0].judged.verdict == "faster"


def test_a_flag_on_the_trace_parts_the_turns():
    chance = Random(2)
    turns = [
        turn(f"{flag}{n}", "a", 100 * chance.lognormvariate(0, 0.1) * (2 if flag else 1), new_prompt=flag, at=n * 10**9)
        for n in range(40)
        for flag in (False, True)
    ]

    assert head(compared(turns, "new_prompt=false", "new_prompt=true")).judged.severity in ("moderate", "severe")


def test_turns_that_fit_both_sides_are_on_none():
    comparison = compared(interleaved(30), "engine=a", "engine=a|b")

    assert (comparison.turns_a, comparison.turns_b) == (0, 30)
    assert "30 turns fit both sides and are on none" in comparison.notes


def test_zero_on_both_sides_is_the_same():
    stalls = [each for each in compared(interleaved(30)).strata[0].shifts if each.name == "stall_count"]

    assert [(each.judged.verdict, each.judged.why) for each in stalls] == [("same", "0 on both sides")]


@pytest.mark.parametrize("text", ["", "engine", "=x", "engine=a,engine=b", "since=yesterday", "new_prompt="])
def test_a_filter_that_means_nothing_says_what_one_is(text):
    with pytest.raises(UnreadableFilter, match="KEY=VALUE"):
        read_filter(text, NOW)


def test_times_are_dates_or_ages():
    found = read_filter("since=2025-11-27T14:30:05Z,until=90m", STARTED_NS)

    assert (found.since_wall_ns, found.until_wall_ns) == (STARTED_NS, STARTED_NS - 90 * MINUTE_NS)
    assert read_filter("all", NOW).labels == {}
    assert tags_of("a=1;b=x") == {"a": "1", "b": "x"}


def test_p_values_are_corrected_as_benjamini_and_hochberg_do():
    assert adjusted([0.01, None, 0.04, 0.03, 0.005]) == pytest.approx([0.02, None, 0.04, 0.04, 0.02])
