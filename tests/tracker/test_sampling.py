"""Which requests the level `sampled` records."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrace.tracker import generate_request_id
from voxtrace.tracker.sampling import is_sampled

RATES = st.floats(0, 1)


@given(st.text(), RATES, RATES)
def test_a_higher_rate_records_all_that_a_lower_one_does(request_id, one, other):
    lower, higher = sorted((one, other))

    assert is_sampled(request_id, higher) or not is_sampled(request_id, lower)


@given(st.text())
def test_rate_one_records_all_and_rate_zero_none(request_id):
    assert is_sampled(request_id, 1.0)
    assert not is_sampled(request_id, 0.0)


def test_the_decision_is_the_same_in_every_process_and_version():
    """Services of different versions must agree on a request, or it is recorded in part."""
    recorded = [number for number in range(8) if is_sampled(f"request-{number}", 0.5)]

    assert recorded == [0, 3, 4, 5, 6, 7]


def test_the_share_is_the_rate_for_random_and_for_counted_ids():
    random = sum(is_sampled(generate_request_id(), 0.1) for _ in range(20_000))
    counted = sum(is_sampled(str(number), 0.1) for number in range(20_000))

    # Ten standard deviations of 20,000 draws.
    assert 1576 < random < 2424
    assert 1576 < counted < 2424
