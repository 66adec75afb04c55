from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.importers.build import NOON_NS, events, notes, read, refused
from tests.importers.logs import CLIENT, CLIENT_ID, SERVER
from voxtrace.analysis import assemble
from voxtrace.events import Event
from voxtrace.importers.kokoro_client_log import KokoroClientLog
from voxtrace.importers.kokoro_server_log import KokoroServerLog

PATH = PurePath("/logs/api.log")


def server(*lines: str, **known: object):
    return read(KokoroServerLog(), ("\n".join(lines) + "\n").encode(), PATH, **known)


def client(*lines: str):
    return read(KokoroClientLog(), ("\n".join(lines) + "\n").encode(), PATH)


def at(clock: str, message: str) -> str:
    return f"2026-03-04 {clock} - INFO - {message}"


def by_request(items) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event in events(items):
        found.setdefault(event.request_id, []).append(event.name)
    return found


def facts(items, name: str) -> dict[str, object]:
    (one,) = [event for event in events(items) if event.name == name]
    return dict(one.metadata)


def first_of(items, request_id: str) -> list[Event]:
    return [event for event in events(items) if event.request_id == request_id]


def test_requests_that_share_no_id_are_told_apart_by_their_beginning():
    found = by_request(read(KokoroServerLog(), SERVER, PATH))

    assert list(found) == ["no-id@2026-03-04T12:09:31.924Z", "no-id@2026-03-04T12:09:41.310Z"]
    assert [len(names) for names in found.values()] == [9, 3]


def test_a_moment_that_two_lines_tell_of_happened_once():
    stages = [
        mark.stage
        for mark in assemble(
            "r", first_of(read(KokoroServerLog(), SERVER, PATH), "no-id@2026-03-04T12:09:31.924Z")
        ).marks
    ]

    assert stages.count("server.first_chunk_generated") == 1
    assert stages.count("server.audio_generation_complete") == 1


def test_the_servers_own_claims_are_kept_as_reported_and_its_ratio_is_no_per_cent():
    told = facts(read(KokoroServerLog(), SERVER, PATH), "stats_reported")

    assert (told["reported_efficiency_ratio"], told["reported_rtf"], told["segments"]) == (0.9, 0.44, 2)
    assert notes(read(KokoroServerLog(), SERVER, PATH)) == {"local_time": 12, "verdicts": 1, "other_lines": 1}


def test_a_line_that_says_how_long_ago_its_request_began_goes_to_that_request():
    found = by_request(
        server(
            at("10:00:00,000", "[SERVER_PERF:no-id] REQUEST_RECEIVED"),
            at("10:00:00,400", "[SERVER_PERF:no-id] REQUEST_RECEIVED"),
            at("10:00:01,000", "[no-id] First chunk in 1000.1 ms (sequence=0, segment_idx=0)"),
            at("10:00:01,100", "[no-id] First chunk in 700.0 ms (sequence=0, segment_idx=0)"),
        )
    )

    assert list(found.values()) == [["REQUEST_RECEIVED", "first_chunk_reported"]] * 2


def test_requests_of_one_id_that_overlap_are_counted_as_a_guess():
    found = server(*[at(f"10:00:00,{n}00", "[SERVER_PERF:no-id] REQUEST_RECEIVED") for n in range(3)])

    assert notes(found)["ids_overlap"] == 2


def test_an_id_of_its_own_is_kept_so_that_both_sides_of_a_request_meet():
    found = server(
        at("10:00:00,000", "[SERVER_PERF:a1b2] REQUEST_RECEIVED"),
        at("10:05:00,000", "[SERVER_PERF:a1b2] REQUEST_RECEIVED"),
    )

    assert list(by_request(found)) == ["a1b2", "a1b2@2026-03-04T10:05:00.000Z"]


def test_without_stages_the_first_chunk_says_when_the_request_began():
    found = server(at("10:00:02,000", "[x7] First chunk in 1500.25 ms (sequence=0, segment_idx=0)"))
    begun, first = events(found)

    assert (begun.name, first.name) == ("REQUEST_RECEIVED", "FIRST_CHUNK_GENERATED")
    assert first.wall_ns - begun.wall_ns == 1_500_250_000


def test_segments_of_july_are_requests_that_begin_with_their_first():
    lines = ("[0] Segment processed in 3.8360s", "[1] Segment processed in 1.2000s", "[0] Segment processed in 0.5s")
    found = server(*[at(f"10:00:0{4 + n},000", line) for n, line in enumerate(lines)])

    assert [len(names) for names in by_request(found).values()] == [4, 2]
    assert events(found)[1].wall_ns - events(found)[0].wall_ns == 3_836_000_000


def test_a_server_line_without_its_stage_is_refused_and_one_without_any_time_too():
    assert [each.unreadable.reason for each in refused(server(at("10:00:00,000", "[SERVER_PERF:no-id]")))] == ["stage"]
    assert [each.unreadable.reason for each in refused(server("[SERVER_PERF:no-id] REQUEST_RECEIVED"))] == ["timestamp"]
    assert len(events(server("[SERVER_PERF:no-id] REQUEST_RECEIVED", modified_wall_ns=NOON_NS))) == 1


def test_lines_of_one_millisecond_stay_in_their_order():
    told = first_of(read(KokoroServerLog(), SERVER, PATH), "no-id@2026-03-04T12:09:31.924Z")

    assert [event.wall_ns for event in told] == sorted({event.wall_ns for event in told})


def test_a_console_of_the_client_gives_the_callers_numbers():
    found = read(KokoroClientLog(), CLIENT, PATH)
    told = assemble(CLIENT_ID, events(found))

    assert told.metrics["ttfb_ms"].value == 2075
    assert told.metrics["first_audio_ms"].value == 2076
    assert told.metrics["audio_ms"].value == 6890
    assert (told.labels.outcome, told.labels.cache, told.labels.provider) == ("ok", "miss", "CoreMLExecutionProvider")
    assert notes(found) == {"elapsed": 1, "other_lines": 1}


def test_what_the_client_computed_is_no_measurement_of_ours():
    told = facts(read(KokoroClientLog(), CLIENT, PATH), "FINAL_SUMMARY")

    assert (told["reported_ttfa_ms"], told["reported_status"]) == (2076.12, "FAIL")
    assert told["reported_streaming_efficiency"] == "100.0%"


def test_an_error_is_the_end_of_its_request():
    found = client(
        f"[PERF:{CLIENT_ID}] REQUEST_START {{}}",
        f"[PERF:{CLIENT_ID}] ERROR {{ error: 'fetch failed', requestTimeMs: 30 }}",
        f"[PERF:{CLIENT_ID}] FINAL_SUMMARY {{ timestamp: '2026-03-04T10:09:31.940Z', status: 'FAIL' }}",
    )
    told = assemble(CLIENT_ID, events(found))

    assert (told.labels.outcome, told.labels.error) == ("error", "fetch failed")


@pytest.mark.parametrize("lines", [["{", "  timestamp: '2026"], ["{ : }"], ["{ a: {{ }"]])
def test_an_object_that_breaks_off_costs_its_stage_and_nothing_else(lines):
    first, *rest = lines
    found = client(f"[PERF:{CLIENT_ID}] REQUEST_SENT {first}", *rest, f"[PERF:{CLIENT_ID}] REQUEST_START {{}}")

    assert [each.unreadable.reason for each in refused(found)] == ["object"]
    assert [event.name for event in events(found)] == ["REQUEST_START"]
