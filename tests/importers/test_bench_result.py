from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.importers.build import NOON_NS, RESULT_PATH, TRACE_PATH, events, notes, read, result
from voxtrace.importers import HoldsNoEvents
from voxtrace.importers.bench_result import BenchResult
from voxtrace.importers.chunk_trace import ChunkTrace

CADENCE = {"num_chunks": 26, "max_gap_ms": 27456.6}
TRACE = b"ms_since_start,bytes\n4.139,8192\n27470.344,1000\n"


def imported(content: bytes, **known: object):
    return read(BenchResult(), content, RESULT_PATH, **known)


def told(content: bytes, **known: object) -> list[tuple[str, str, int | None]]:
    return [
        (event.request_id.rpartition("/")[2], event.name, event.mono_ns) for event in events(imported(content, **known))
    ]


def test_what_the_tool_calls_time_to_first_audio_becomes_the_first_byte():
    content = result(trial_artifacts=[{"ttfa_ms": 4.138541999964218, "cadence": CADENCE}])

    assert told(content) == [("trial00", "REQUEST_START", 0), ("trial00", "FIRST_BYTE_RECEIVED", 4_138_542)]


def test_a_call_that_was_not_streamed_knows_only_when_all_of_it_was_there():
    found = events(imported(result(trial_artifacts=[{"total_ms": 57.5, "audio_duration_s": 18.368, "rtf": 0.0031}])))

    assert [(event.name, event.mono_ns) for event in found] == [
        ("REQUEST_START", 0),
        ("LAST_AUDIO_CHUNK", 57_500_000),
        ("REQUEST_COMPLETE", 57_500_000),
    ]
    assert found[0].metadata["reported_rtf"] == 0.0031
    assert found[1].metadata == {"audio_ms": 18368.0}


def test_trials_that_left_nothing_behind_are_kept_without_a_number():
    content = result(trials=3, ttfa_ms=[], trial_artifacts=[])

    assert told(content) == [(f"trial0{index}", "REQUEST_START", 0) for index in range(3)]
    assert notes(imported(content))["unmeasured_trials"] == 3


def test_literal_infinity_is_no_measurement_and_is_kept_as_it_was_written():
    content = result(trial_artifacts=[{"ttfa_ms": float("inf")}])
    (event,) = events(imported(content))

    assert b"Infinity" in content
    assert event.metadata["reported_time"] == "inf"
    assert notes(imported(content))["unmeasured_trials"] == 1


def test_a_failed_iteration_is_an_error_without_a_duration():
    (event,) = events(imported(result(trials=0, soak_metrics=[{"error": "timed out"}])))

    assert (event.name, event.metadata["outcome"], event.metadata["error"]) == (
        "REQUEST_COMPLETE",
        "error",
        "timed out",
    )


def test_the_real_time_factors_belong_to_the_trials_whose_audio_was_measured():
    artifacts = [{"ttfa_ms": 1.0, "audio_duration_s": None}, {"ttfa_ms": 2.0, "audio_duration_s": 3.9}]
    starts = events(imported(result(rtf=[6.7], trial_artifacts=artifacts)))[::2]

    assert [event.metadata.get("reported_rtf") for event in starts] == [None, 6.7]


def test_factors_that_belong_to_nobody_knows_whom_are_left_out():
    starts = events(imported(result(rtf=[6.7], trial_artifacts=[{"ttfa_ms": 1.0}, {"ttfa_ms": 2.0}])))[::2]

    assert [event.metadata.get("reported_rtf") for event in starts] == [None, None]


def test_the_run_begins_at_its_first_memory_sample_and_trials_keep_their_order():
    starts = events(imported(result(trial_artifacts=[{"ttfa_ms": 1.0}, {"ttfa_ms": 2.0}])))[::2]

    assert [event.wall_ns for event in starts] == [NOON_NS, NOON_NS + 1]


def test_without_a_memory_sample_the_files_name_says_when():
    content = result(mem_samples=[], trial_artifacts=[{"ttfa_ms": 1.0}])

    assert events(imported(content))[0].wall_ns == 1_755_385_720_000_000_000
    assert notes(imported(content))["local_time"] == 1


def test_a_trial_and_its_chunk_trace_are_one_request_in_whatever_order_they_are_read():
    content = result(trial_artifacts=[{"ttfa_ms": 99.0}, {"ttfa_ms": 4.1385419}])
    asked: list[str] = []

    def beside(pattern: str) -> list[tuple[PurePath, bytes]]:
        asked.append(pattern)
        return [(TRACE_PATH, TRACE)] if "trial01" in pattern else []

    found = imported(content, beside=beside)
    traced = [event for event in events(found) if "trial01" in event.request_id]
    trace = events(read(ChunkTrace(), TRACE))

    assert asked == ["trial00_short_chunks_*.csv", "trial01_short_chunks_*.csv"]
    assert notes(found)["traced_trials"] == 1
    assert {event.request_id for event in traced} == {trace[0].request_id}
    assert {event.clock for event in traced} == {trace[0].clock}
    assert traced[0].wall_ns == trace[0].wall_ns
    assert not {event.event_id for event in traced} & {event.event_id for event in trace}


def test_a_trace_with_another_first_byte_is_another_request():
    content = result(trial_artifacts=[{"ttfa_ms": 4.2}])

    assert told(content, beside=lambda pattern: [(TRACE_PATH, TRACE)])[0][0] == "trial00"


@pytest.mark.parametrize("content", [b'{"config": ', b"[]", b"3", b"\xff", b"[" * 100_000])
def test_a_document_that_cannot_be_read_is_left_out_with_its_reason(content):
    with pytest.raises(HoldsNoEvents, match="JSON"):
        imported(content)


@pytest.mark.parametrize("wanted", [-1, 10**12, True, "5", None, 2.5])
def test_a_number_of_trials_that_makes_no_sense_makes_no_flood(wanted):
    found = imported(result(trials=wanted))  # type: ignore[arg-type]

    assert len(found) <= 100_000 + 3


def test_times_that_are_listed_without_artifacts_are_the_trials():
    found = imported(result(trials=3, ttfa_ms=[5.5, None], trial_artifacts=[]))

    assert [event.mono_ns for event in events(found) if event.name == "FIRST_BYTE_RECEIVED"] == [5_500_000]
    assert notes(found) == {"start_of_trials": 3, "unmeasured_trials": 2}


def test_a_call_of_no_length_was_not_measured():
    found = imported(result(trial_artifacts=[{"total_ms": 0}]))

    assert [event.name for event in events(found)] == ["REQUEST_START"]
    assert notes(found)["inconclusive"] == 1
