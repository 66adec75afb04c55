"""Whether a generator measured the server or itself."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from voxtrace.analysis.quantiles import distribution
from voxtrace.judge.validity import GeneratorCheck, faults_of

CALM = distribution([0.1] * 1000, 1000)
TAIL = distribution([0.1] * 980 + [9.0] * 20, 1000)
GOOD = GeneratorCheck(late_ms=CALM, lag_ms=CALM, cpu_share=0.2, not_sent=0, error_ms=CALM)


def test_a_generator_that_kept_up_has_no_fault():
    assert faults_of(GOOD) == ()
    assert faults_of(replace(GOOD, error_ms=None)) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"late_ms": TAIL}, "sent late"),
        ({"lag_ms": TAIL}, "event loop"),
        ({"cpu_share": 0.9}, "90% of its core"),
        ({"not_sent": 3}, "3 requests were not sent"),
        ({"error_ms": TAIL}, "calibration was wrong: p99 9.0 ms"),
        ({"error_ms": distribution([], 10)}, "measured nothing"),
    ],
)
def test_each_fault_is_said(change, words):
    (fault,) = faults_of(replace(GOOD, **change))

    assert words in fault


def test_of_few_requests_the_latest_decides():
    assert faults_of(replace(GOOD, late_ms=distribution([0.1, 9.0], 2)))


def test_of_too_few_for_a_p99_the_largest_is_said_and_called_so():
    (fault,) = faults_of(replace(GOOD, late_ms=distribution([0.0] * 30 + [9.0], 31)))

    assert "of 31 the largest 9.0 ms behind the plan" in fault
