"""Flat or with spikes, whatever the numbers are."""

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.test_plausibility import bench
from voxtrace.analysis.steadiness import spike_limit, steadiness


def run_of(values, run="soak"):
    return [bench(value, number, name=f"{run}-", run=run) for number, value in enumerate(values)]


def test_four_of_six_hundred_requests_stand_out_and_the_others_are_flat():
    values = [2.0 + 0.4 * (n % 7) / 7 for n in range(600)]
    for place, value in ((140, 27_807.0), (284, 27_849.0), (430, 2_384.0), (573, 2_548.0)):
        values[place] = value
    (found,) = steadiness(run_of(values))

    assert (found.run, found.metric, found.measured, found.flat) == ("soak", "ttfb_ms", 600, 596)
    assert [spike.place for spike in found.spikes] == [141, 285, 431, 574]
    assert found.largest < 3.0 < found.limit


def test_a_wide_spread_is_no_spike():
    (found,) = steadiness(run_of([100.0 * 1.1**n for n in range(30)]))

    assert found.spikes == ()


def test_runs_are_taken_each_for_itself_and_short_ones_left_out():
    found = steadiness([*run_of([2.0] * 20, "a"), *run_of([90.0] * 25, "b"), *run_of([5.0] * 19, "c")])

    assert [(each.run, each.flat) for each in found] == [("b", 25), ("a", 20)]


def test_what_was_not_measured_is_counted_and_is_not_flat():
    turns = run_of([2.0] * 25)
    unmeasured = [bench(2.0, n, name="soak-", run="soak", reported_api_latency_ms=2.0) for n in range(30, 35)]
    (found,) = steadiness([*turns, *unmeasured])

    assert (found.expected, found.measured, found.flat) == (30, 25, 25)


@given(st.lists(st.floats(0.001, 1e6), min_size=20, max_size=60))
def test_at_least_half_of_a_run_is_flat(values):
    limit = spike_limit(values)

    assert sum(value <= limit for value in values) * 2 >= len(values)
