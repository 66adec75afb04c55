from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from tests.importers.build import events, notes, read
from voxtrace.importers import HoldsNoEvents
from voxtrace.importers.gate_run import GateRun

PATH = PurePath("/bench/2025-08-16/bench_233140.json")


def imported(times: object, trials: int = 2, timestamp: object = "2025-08-16T23:31:08.207567"):
    ttfa = {"text_type": "short", "ttfa_times_ms": times, "passes_gate": True}
    config = {"trials": trials, "expected_bands": {}}
    document = {"timestamp": timestamp, "benchmark_config": config, "measurements": {"ttfa": ttfa}}
    return read(GateRun(), json.dumps(document).encode(), PATH)


def test_each_listed_time_is_a_first_byte_and_the_tools_verdict_is_left_out():
    found = events(imported([133.5, 159.25]))

    assert [(event.name, event.mono_ns) for event in found[:2]] == [
        ("REQUEST_START", 0),
        ("FIRST_BYTE_RECEIVED", 133_500_000),
    ]
    assert found[0].request_id == "2025-08-16/bench_233140/trial00"
    assert found[0].wall_ns == 1_755_387_068_207_567_000
    assert "passes_gate" not in str(found)


def test_a_trial_that_is_not_listed_is_kept_without_a_number():
    found = imported([133.5], trials=3)

    assert [event.name for event in events(found)].count("FIRST_BYTE_RECEIVED") == 1
    assert notes(found)["unmeasured_trials"] == 2


def test_without_a_timestamp_the_path_says_when():
    assert events(imported([1.0], timestamp=None))[0].wall_ns == 1_755_387_100_000_000_000


@pytest.mark.parametrize("times", [None, {}, "1", []])
def test_no_list_of_times_is_left_out_with_its_reason(times):
    with pytest.raises(HoldsNoEvents, match="no time of any trial"):
        imported(times, trials=0)
