"""Who is let in, and what the others are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.errors import InvalidOption
from voxtrace.speech.admission import AdmissionLimits, Situation, refuse
from voxtrace.speech.errors import NoCapacity, QueueFull, TooLate

LIMITS = AdmissionLimits(waiting=4, ttfa_ms=1000, load=0.9)
SECOND = 1_000_000_000
CALM = Situation(workers=2, idle=0, waiting=1, active=2, rtf=0.1, busy_ns=SECOND // 10, first_block_ns=SECOND // 20)


def test_whoever_can_be_served_in_time_is_let_in():
    assert refuse(CALM, LIMITS) is None


def test_the_first_one_is_let_in_however_slow_the_engine_is():
    assert refuse(Situation(workers=1, idle=1, waiting=0, active=0, rtf=3.0), LIMITS) is None


def test_before_anything_was_measured_only_the_queue_is_limited():
    unknown = replace(CALM, rtf=None, active=50)

    assert refuse(unknown, LIMITS) is None
    assert isinstance(refuse(replace(unknown, waiting=4), LIMITS), QueueFull)


def test_whoever_would_wait_too_long_is_told_when_the_queue_will_be_short_enough():
    refusal = refuse(replace(CALM, busy_ns=9 * SECOND), LIMITS)

    assert isinstance(refusal, TooLate)
    # 9 s of work on two engines, of which running streams take a tenth, and 50 ms to the first block.
    assert (round(refusal.predicted_ms), refusal.retry_after_s) == (5050, 5)


def test_one_stream_more_than_the_engines_can_feed_is_refused():
    full = replace(CALM, rtf=0.31, active=5, shortest_left_ns=2 * SECOND)
    refusal = refuse(full, LIMITS)

    assert refuse(replace(full, active=4), LIMITS) is None
    assert isinstance(refusal, NoCapacity)
    assert (refusal.active, refusal.retry_after_s) == (5, 5)


def test_an_idle_engine_does_not_make_room_for_a_stream_that_would_make_others_stutter():
    assert isinstance(refuse(replace(CALM, idle=1, rtf=0.3, active=6), LIMITS), NoCapacity)


@given(
    st.builds(
        Situation,
        workers=st.integers(1, 64),
        idle=st.integers(0, 4),
        waiting=st.integers(0, 100),
        active=st.integers(0, 2000),
        rtf=st.none() | st.floats(0, 100),
        busy_ns=st.integers(0, 10**13),
        first_block_ns=st.integers(0, 10**11),
        shortest_left_ns=st.integers(0, 10**13),
    )
)
def test_everybody_who_is_refused_learns_a_time_that_can_be_waited(situation):
    refusal = refuse(situation, LIMITS)

    assert refusal is None or 1 <= refusal.retry_after_s <= 60


@pytest.mark.parametrize(
    "options", [{"waiting": -1}, {"ttfa_ms": 0}, {"ttfa_ms": float("nan")}, {"load": 0}, {"load": 2}]
)
def test_limits_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidOption):
        AdmissionLimits(**options)
