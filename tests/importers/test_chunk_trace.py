from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.importers.build import TRACE_PATH, events, notes, read
from voxtrace.importers import HoldsNoEvents, detect
from voxtrace.importers.chunk_trace import ChunkTrace

HEADER = b"ms_since_start,bytes\n"


def trace(*rows: str, path: PurePath = TRACE_PATH, **known: object):
    return read(ChunkTrace(), HEADER + "\n".join(rows).encode(), path, **known)


def test_a_trace_is_one_request_from_its_start_to_its_last_read():
    found = events(trace("4.139,8192", "4.146,4096", "27470.344,1000"))

    assert [event.name for event in found] == [
        "REQUEST_START",
        "FIRST_BYTE_RECEIVED",
        "FIRST_AUDIO_CHUNK",
        *["AUDIO_CHUNK_RECEIVED"] * 3,
        "LAST_AUDIO_CHUNK",
        "REQUEST_COMPLETE",
    ]
    assert {event.request_id for event in found} == {"2025-08-16/trial01_short_chunks_230720"}
    assert found[0].metadata["source"] == "bench"


def test_durations_are_exact_to_the_microsecond():
    found = events(trace("4.139,8192", "27470.344,1000"))

    assert [event.mono_ns for event in found] == [0, 4_139_000, 4_139_000, 4_139_000, *[27_470_344_000] * 3]


def test_the_file_was_named_at_the_end_of_the_trial():
    found = events(trace("4.139,8192", "27470.344,1000"))

    assert found[-1].wall_ns == 1_755_385_640_000_000_000
    assert found[0].wall_ns == found[-1].wall_ns - 27_470_344_000


def test_the_wav_header_is_a_byte_and_no_sound():
    found = events(trace("1.0,44", "2.0,4800", "3.0,4800"))
    first_byte, first_audio, *chunks = found[1:5]

    assert (first_byte.mono_ns, first_audio.mono_ns) == (1_000_000, 2_000_000)
    assert [chunk.metadata["audio_ms"] for chunk in chunks] == [100.0, 100.0]
    assert found[-2].metadata == {"chunks": 2, "bytes": 9600, "audio_ms": 200.0}


def test_a_header_inside_the_first_read_is_taken_off_it():
    chunk = events(trace("1.0,4844"))[3]

    assert (chunk.name, chunk.metadata) == ("AUDIO_CHUNK_RECEIVED", {"seq": 0, "bytes": 4800, "audio_ms": 100.0})


def test_a_trace_without_a_row_is_a_request_of_which_nothing_was_measured():
    (event,) = events(trace())

    assert event.name == "REQUEST_START"


@pytest.mark.parametrize(
    "row",
    ["1.0", "1.0,", "x,1", "1.0,1.5", "nan,7", "inf,7", "-1.0,7", "5.0,-7", "1.0,7,8", "1e30,7", "5.0,9" + "9" * 30],
)
def test_a_trace_with_a_hole_is_left_out_whole_because_it_would_show_stalls_that_never_were(row):
    with pytest.raises(HoldsNoEvents, match="line 3 can't be read"):
        trace("1.0,100", row, "9.0,100")


def test_a_trace_that_a_spreadsheet_saved_with_semicolons_and_decimal_commas_says_the_same():
    rows = b'"ms_since_start";"bytes"\r\n4,139;8192\r\n4,2;4096\r\n27470;1000\r\n'
    assert isinstance(detect(rows, TRACE_PATH), ChunkTrace)
    saved, written = read(ChunkTrace(), rows, TRACE_PATH), trace("4.139,8192", "4.2,4096", "27470,1000")

    assert [(each.name, each.mono_ns, each.metadata) for each in events(saved)] == [
        (each.name, each.mono_ns, each.metadata) for each in events(written)
    ]


@pytest.mark.parametrize("row", ["1.234;8192", "1.234,5;8192", "5;4.096", "1,2,3;8192"])
def test_a_number_that_may_be_two_behind_semicolons_is_not_guessed(row):
    with pytest.raises(HoldsNoEvents, match="line 2 can't be read"):
        read(ChunkTrace(), f"ms_since_start;bytes\n{row}\n".encode(), TRACE_PATH)


@pytest.mark.parametrize("row", ["4,139,8192", "4;8192"])
def test_another_separator_than_that_of_the_first_line_leaves_a_trace_out(row):
    with pytest.raises(HoldsNoEvents, match="line 2 can't be read"):
        trace(row)


def test_a_trace_whose_clock_ran_backwards_is_left_out():
    with pytest.raises(HoldsNoEvents, match="line 3 came before"):
        trace("2.0,100", "1.999,100")


def test_without_a_date_in_its_path_the_time_of_the_file_is_taken_and_that_is_said():
    found = trace("1.0,100", path=PurePath("/tmp/a.csv"), modified_wall_ns=1_755_385_640_000_000_000)

    assert events(found)[-1].wall_ns == 1_755_385_640_000_000_000
    assert notes(found) == {"file_time": 1}


def test_without_any_date_it_is_left_out_with_what_to_do():
    with pytest.raises(HoldsNoEvents, match="folder must be called YYYY-MM-DD"):
        trace("1.0,100", path=PurePath("stdin"))
