"""The public test kit keeps its own promises."""

from __future__ import annotations

import pytest

from voxtrace.clock import Clock
from voxtrace.testing import CountedIds, ManualClock, RecordingSink
from voxtrace.tracker import Batch, Tracker


def test_both_clocks_go_on_together_and_only_when_told():
    clock: Clock = ManualClock()
    before = clock.mono_ns(), clock.wall_ns()
    clock.advance(2, ms=0.5)

    assert (clock.mono_ns() - before[0], clock.wall_ns() - before[1]) == (2_000_500_000, 2_000_500_000)


def test_a_wall_clock_that_is_set_back_lets_no_time_pass():
    clock = ManualClock(wall_ns=10**18, mono_ns=5)
    clock.step_wall(-3600)

    assert (clock.wall_ns(), clock.mono_ns()) == (10**18 - 3600 * 10**9, 5)


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="step_wall"):
        ManualClock().advance(-1)


def test_counted_ids_are_known_beforehand():
    new_id = CountedIds("turn")

    assert [new_id(), new_id()] == ["turn-1", "turn-2"]


def test_a_recording_sink_shows_what_a_tracker_delivered():
    sink = RecordingSink()
    tracker = Tracker("stt", sink=sink)
    tracker.mark("speech_end", request_id="r1")
    tracker.close()

    assert sink.names == ["speech_end"]
    assert len(sink.batches) == len(sink.lines) == 1


def test_a_recording_sink_that_is_told_to_fail_keeps_nothing():
    sink = RecordingSink()
    sink.failure = OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        sink(Batch(b"{}\n", 1))
    assert (sink.batches, len(sink.refused)) == ([], 1)


def test_a_line_that_is_no_event_is_not_passed_over():
    sink = RecordingSink()
    sink(Batch(b"torn\n", 1))

    with pytest.raises(AssertionError, match="torn"):
        sink.events  # noqa: B018 - reading it is what is tried
