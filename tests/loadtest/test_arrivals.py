"""Moments that are drawn before a run begins."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.errors import InvalidOption
from voxtrace.loadtest.arrivals import ClosedLoop, OpenLoop
from voxtrace.loadtest.errors import PlanTooLarge
from voxtrace.units import NANOS_PER_SECOND

MOST = 100_000
rates = st.floats(0.1, 500)
lengths = st.floats(0.1, 20)


@st.composite
def open_loops(draw):
    shape = draw(st.sampled_from(["poisson", "constant", "ramp"]))
    end = draw(st.floats(0, 500)) if shape == "ramp" else None
    return OpenLoop(draw(rates), draw(lengths), shape, end)


@given(open_loops(), st.integers(0, 2**32))
def test_arrivals_are_in_order_and_within_the_run(loop, seed):
    times = loop.times(seed, MOST)

    assert times == sorted(times)
    assert all(0 <= at <= loop.seconds * NANOS_PER_SECOND for at in times)


@given(open_loops(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_moments(loop, seed):
    assert loop.times(seed, MOST) == loop.times(seed, MOST)


@given(open_loops(), st.integers(0, 2**32))
def test_the_number_of_arrivals_is_what_the_rates_promise(loop, seed):
    """Within six standard deviations of a Poisson count: one false alarm in half a billion."""
    spread = 1 if loop.shape == "constant" else 6 * max(loop.expected, 1) ** 0.5 + 6

    assert abs(len(loop.times(seed, MOST)) - loop.expected) <= spread


def test_another_seed_gives_other_moments():
    loop = OpenLoop(50, 2)

    assert loop.times(1, MOST) != loop.times(2, MOST)


def test_constant_arrivals_are_equally_far_apart():
    assert OpenLoop(4, 1, "constant").times(1, MOST) == [0, 250_000_000, 500_000_000, 750_000_000]


def test_a_rising_ramp_has_three_quarters_of_its_requests_in_its_second_half():
    times = OpenLoop(0.001, 100, "ramp", 200).times(7, MOST)
    late = sum(at > 50 * NANOS_PER_SECOND for at in times)

    assert late / len(times) == pytest.approx(0.75, abs=0.03)


def test_gaps_of_poisson_arrivals_vary_as_much_as_they_last():
    times = OpenLoop(100, 100).times(3, MOST)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)

    assert variance**0.5 / mean == pytest.approx(1, abs=0.05)


def test_a_plan_that_is_too_large_is_refused_before_anything_is_drawn():
    with pytest.raises(PlanTooLarge, match="--max-requests"):
        OpenLoop(1000, 3600).times(1, MOST)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OpenLoop(0, 1),
        lambda: OpenLoop(float("nan"), 1),
        lambda: OpenLoop(1, 0),
        lambda: OpenLoop(1, 1, "ramp"),
        lambda: OpenLoop(1, 1, "poisson", 5),
        lambda: OpenLoop(1, 1, "ramp", -1),
        lambda: ClosedLoop(0, 1),
        lambda: ClosedLoop(1, 1, -1),
        lambda: ClosedLoop(1, float("inf")),
    ],
)
def test_what_can_not_be_run_is_refused(make):
    with pytest.raises(InvalidOption):
        make()
