"""When an engine speaks faster, and when better."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.pace import ramp
from voxtrace.speech.ports import Mode
from voxtrace.speech.quality import (
    LONGEST_STAY_NS,
    MODES,
    SHORTEST_STAY_NS,
    WINDOW,
    Heard,
    Steering,
    begin,
    first_limits,
    modes_of,
    nearest,
    steer,
)
from voxtrace.speech.text.segment import FIRST, SECOND
from voxtrace.speech.tuning import Tuning

SECOND_NS = 1_000_000_000
THREE = modes_of("int8", "fp32", "fp32")
LATER = SHORTEST_STAY_NS


def after(*times_ms: float, start: Steering | None = None, at_ns: int = LATER, is_bound: bool = False) -> Steering:
    """The state after so many requests, each in the mode that there was."""
    now = start or begin(THREE, 0)
    for time_ms in times_ms:
        now = steer(now, Heard(now.mode, time_ms, is_bound), at_ns)
    return now


@pytest.mark.parametrize(
    ("times_ms", "mode"),
    [
        ([1001] * 5, "fast"),
        ([1000] * 5, "balanced"),
        ([400] * 5, "balanced"),
        ([399] * 5, "high"),
        ([700] * 5, "balanced"),
        ([200, 200, 200, 200, 4300], "fast"),  # the mean decides, and not the median
        ([1500] * 4, "balanced"),
        ([1500, 1500, 1500, 1500, 300, 300, 300, 300, 300], "fast"),  # decided by the first five
    ],
)
def test_the_mean_of_the_last_five_decides(times_ms, mode):
    assert after(*times_ms).mode == mode


def test_only_the_last_five_count():
    assert after(*[900] * 20, *[390] * 4, 390).mode == "high"


def test_one_step_at_a_time_each_with_five_new_times():
    high = after(*[100] * 5)
    slow = after(*[3000] * 4, start=high, at_ns=2 * LATER)
    balanced = after(3000, start=slow, at_ns=2 * LATER)
    still = after(*[3000] * 4, start=balanced, at_ns=3 * LATER)
    fast = after(3000, start=still, at_ns=3 * LATER)

    assert [each.mode for each in (high, slow, balanced, still, fast)] == [
        "high",
        "high",
        "balanced",
        "balanced",
        "fast",
    ]
    assert after(*[3000] * 50, start=fast, at_ns=9 * LATER).mode == "fast"


def test_a_burst_does_not_change_the_mode_twice():
    changed = after(*[100] * 5)

    assert after(*[5000] * 100, start=changed, at_ns=2 * LATER - 1).mode == "high"
    assert after(*[5000] * 5, start=changed, at_ns=2 * LATER).mode == "balanced"


def test_what_was_begun_in_another_mode_says_nothing():
    changed = after(*[100] * 5)
    for _ in range(20):
        changed = steer(changed, Heard("balanced", 5000), 10 * LATER)

    assert (changed.mode, changed.window) == ("high", ())


def test_a_way_up_that_was_too_much_takes_twice_as_long_the_next_time():
    high = after(*[100] * 5)
    back = after(*[2000] * 5, start=high, at_ns=2 * LATER)

    assert after(*[100] * 50, start=back, at_ns=4 * LATER - 1).mode == "balanced"
    assert after(*[100] * 50, start=back, at_ns=4 * LATER).mode == "high"


def test_a_mode_that_held_for_long_was_no_mistake():
    high = after(*[100] * 5)
    back = after(*[2000] * 5, start=high, at_ns=LATER + LONGEST_STAY_NS)

    assert back.way_up_ns == SHORTEST_STAY_NS


def test_times_that_another_engine_cut_short_never_lead_up():
    assert after(*[210] * 4, is_bound=True).mode == "balanced"
    assert after(*[210] * 4, start=after(210, is_bound=True)).mode == "balanced"
    assert after(*[210] * 5, is_bound=True).mode == "fast"


@given(st.floats(0, 5000), st.floats(0, 5000), st.integers(1, 60))
def test_times_that_alternate_around_the_limits_do_not_make_the_mode_flap(one, other, seconds):
    now, changes = begin(THREE, 0), []
    for number in range(200):
        at_ns = number * seconds * SECOND_NS
        before, now = now, steer(now, Heard(now.mode, (one, other)[number % 2]), at_ns)
        changes += [now.mode] if now.mode != before.mode else []

    # The same times again and again: straight to one end, and no way back.
    assert len(changes) <= 2
    assert changes == sorted(changes, key=MODES.index) or changes == sorted(changes, key=MODES.index, reverse=True)


@given(st.lists(st.tuples(st.floats(0, 20_000), st.integers(0, 30)), max_size=300))
def test_between_two_changes_are_five_times_and_the_shortest_stay_whatever_comes(requests):
    now, at_ns, changes = begin(THREE, 0), 0, [(0, 0)]
    for number, (time_ms, seconds) in enumerate(requests):
        at_ns += seconds * SECOND_NS
        before, now = now, steer(now, Heard(now.mode, time_ms), at_ns)
        if before.mode != now.mode:
            changes.append((number + 1, at_ns))
            assert abs(MODES.index(before.mode) - MODES.index(now.mode)) == 1

    assert all(later[0] - earlier[0] >= WINDOW for earlier, later in pairwise(changes))
    assert all(later[1] - earlier[1] >= SHORTEST_STAY_NS for earlier, later in pairwise(changes))


def test_an_engine_that_is_quick_in_one_mode_and_slow_in_the_next_is_tried_ever_more_seldom():
    now, changes = begin(THREE, 0), 0
    for second in range(2 * 3600):
        before = now.mode
        now = steer(now, Heard(now.mode, 1200 if now.mode == "high" else 300), second * SECOND_NS)
        changes += now.mode != before

    assert changes <= 2 * 7 + 2 * 12  # seven doublings from 10 s to 10 min, then every 10 min


@pytest.mark.parametrize(
    ("has", "wanted", "found"),
    [
        (("fast", "high"), "balanced", "high"),
        (("fast", "balanced"), "high", "balanced"),
        (("balanced", "high"), "fast", "balanced"),
        (MODES, "fast", "fast"),
    ],
)
def test_a_mode_that_an_engine_does_not_have_is_the_next_better_one_or_its_best(has, wanted, found):
    assert nearest(has, wanted) == found


def test_only_modes_that_differ_are_declared():
    assert [mode.name for mode in modes_of("", "", "")] == ["fast", "high"]
    assert [(mode.name, mode.variant) for mode in THREE] == [("fast", "int8"), ("balanced", "fp32"), ("high", "fp32")]


def test_a_fast_mode_has_a_shorter_first_piece_and_no_longer_ones_than_can_be_made_meanwhile():
    limits = first_limits(THREE[0])
    slow = ramp(0.9, 60_000_000, limits)

    assert (limits.words, limits.most) == (6, 42)
    assert slow[1].most <= 42
    assert ramp(0.001, 60_000_000, limits)[1] == SECOND
    assert first_limits(None) == first_limits(Mode("high")) == FIRST


def test_a_mode_that_is_set_stays_and_a_request_may_still_ask_for_another():
    tuning = Tuning(THREE, "fast", now=lambda: 0)
    for _ in range(20):
        tuning.note(Heard("fast", 10))

    assert (tuning.mode.name, tuning.of("high").name, tuning.of("auto").name) == ("fast", "high", "fast")
    assert tuning.report()["why"] == "it is set"


def test_the_report_says_why_and_by_which_times():
    moments = iter([0, 0, *[LATER] * 99])
    tuning = Tuning(THREE, now=lambda: next(moments))
    for time_ms in (1100, 1200, 1300, 1400, 1500, 90):
        tuning.note(Heard(tuning.mode.name, time_ms))
    report = tuning.report()

    assert (report["mode"], report["changes"], report["ttfa_ms"]) == ("fast", 1, [90])
    assert report["decided_by_ms"] == [1100, 1200, 1300, 1400, 1500]
    assert "1300 ms, above 1000 ms" in str(report["why"])
