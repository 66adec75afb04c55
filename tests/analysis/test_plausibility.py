"""Numbers that can't be true are refused by name."""

from pathlib import Path

import pytest

from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.crowds import crowd
from voxtrace.analysis.plausibility import POPULATION_RULES, TURN_RULES, check_population
from voxtrace.testing.turns import STARTED_NS, client_events, event, server_events


def rules(turn):
    return {finding.rule for finding in turn.findings}


def with_metadata(events, name, **facts):
    return [each._replace(metadata={**each.metadata, **facts}) if each.name == name else each for each in events]


def test_a_sound_request_of_both_sides_raises_no_doubt():
    assert rules(assemble("r1", client_events() + server_events())) == set()


def test_a_first_audio_at_the_moment_of_the_request_is_no_measurement():
    turn = assemble("r1", client_events(first_byte=0, chunks=[(0, 60)]))

    assert turn.metrics["ttfa_ms"].rejected == "ttfa_not_positive"


def test_nothing_is_heard_sooner_than_the_network_answers():
    told = {"server_recv_wall_ns": STARTED_NS, "server_sent_wall_ns": STARTED_NS}
    events = with_metadata(client_events(first_byte=50), "HEADERS_RECEIVED", **told)
    early = [each._replace(mono_ns=each.mono_ns - 45_000_000) if "AUDI" in each.name else each for each in events]
    turn = assemble("r1", early)

    assert turn.metrics["ttfa_ms"].rejected == "ttfa_below_round_trip"


def test_a_device_that_plays_faster_than_time_passes_is_no_witness():
    played = [
        event("playback.started", 130, "player"),
        event("playback.first_sample", 140, "player"),
        event("playback.completed", 143, "player", played_ms=1000, underruns=0, underrun_ms=0),
    ]
    turn = assemble("r1", client_events() + played)

    assert {turn.metrics[name].rejected for name in ("heard_ms", "underrun_count", "underrun_ms")} == {
        "played_too_fast"
    }


def test_an_end_before_its_start_is_refused_and_not_clamped():
    events = [event("v34_ollama_sent", 50, "v34"), event("v34_ollama_received", 20, "v34")]
    turn = assemble("r1", events)

    assert turn.metrics["llm_total_ms"].rejected == "end_before_start"
    assert "end_before_start" in rules(turn)


def test_a_ratio_of_exactly_one_hundred_percent_needs_chunk_times():
    events = [each for each in client_events(chunks=[(1000, 1000)]) if each.name != "AUDIO_CHUNK_RECEIVED"]
    turn = assemble("r1", events)

    assert turn.metrics["realtime_ratio"].rejected == "full_ratio_without_chunks"


def test_a_first_token_that_comes_with_the_whole_answer_was_not_streamed():
    names = ("v34_ollama_sent", "llm_first_token", "v34_ollama_received")
    turn = assemble("r1", [event(name, at, "v34") for name, at in zip(names, (0, 900, 900), strict=True)])

    assert turn.metrics["llm_first_token_ms"].rejected == "first_token_is_total"


def test_audio_that_its_bytes_can_not_hold_is_refused_with_all_that_rests_on_it():
    events = with_metadata(client_events(chunks=[(120, 1000)]), "FIRST_AUDIO_CHUNK", sample_rate_hz=48_000)
    turn = assemble("r1", events)

    assert {turn.metrics[name].rejected for name in ("audio_ms", "stall_count", "realtime_ratio")} == {"bytes_disagree"}


def test_chunks_and_summary_of_one_stream_must_tell_one_length():
    turn = assemble("r1", with_metadata(client_events(), "LAST_AUDIO_CHUNK", audio_ms=9000))

    assert turn.metrics["audio_ms"].rejected == "audio_length_disagrees"


def test_parts_of_a_serial_path_are_not_longer_than_the_whole():
    events = server_events(inference=50)
    slow_text = [each._replace(mono_ns=each.mono_ns + 40_000_000) if "TEXT" in each.name else each for each in events]
    turn = assemble("r1", slow_text)

    assert turn.metrics["server_response_ms"].rejected == "parts_exceed_total"


def test_one_side_alone_is_said():
    assert "one_side_only" in rules(assemble("r1", server_events()))


def test_a_conversation_without_the_end_of_speech_says_so():
    assert "end_of_speech_not_logged" in rules(assemble("r1", [event("stt_end", 0), event("playback_start", 1)]))


def test_a_number_below_zero_is_refused():
    events = with_metadata(server_events(), "INFERENCE_COMPLETE", synthesis_ms=-3.0)

    assert assemble("r1", events).metrics["rtf"].rejected == "below_zero"


def test_two_requests_under_one_id_are_not_measured_as_one():
    again = [each._replace(event_id=f"{each.event_id} again") for each in server_events(received=900)]
    turn = assemble("r1", server_events() + again)

    assert turn.metrics["server_response_ms"].rejected == "several_requests"


def test_machines_whose_clocks_were_not_compared_are_said():
    turn = assemble("r1", client_events() + server_events(clock="host-b/9.000000/boot-b"))

    assert rules(turn) == {"clock_offset_unknown"}


def test_four_equal_times_are_a_replay_and_three_may_be_chance():
    turns = [assemble(f"r{number}", client_events(request_id=f"r{number}")) for number in range(4)]

    assert [turn.metrics["ttfa_ms"].rejected for turn in check_population(turns)] == ["same_ttfa"] * 4
    assert [turn.metrics["ttfa_ms"].rejected for turn in check_population(turns[:3])] == [None] * 3


def test_a_request_of_tomorrow_was_logged_with_a_wrong_clock():
    turn = assemble("r1", client_events())
    (checked,) = check_population([turn], now_wall_ns=STARTED_NS - 3600 * 10**9)

    assert {metric.rejected for metric in checked.metrics.values()} == {"in_the_future"}


@pytest.mark.parametrize("name", [rule.name for rule in TURN_RULES] + list(POPULATION_RULES))
def test_every_rule_is_tried_by_a_test_of_this_file(name):
    source = Path(__file__).read_text("utf-8")

    assert f'"{name}"' in source


def test_failed_requests_are_counted_and_enter_no_percentile():
    good = [
        assemble(f"g{n}", client_events(request_id=f"g{n}", first_byte=100 + n, chunks=[(100 + n, 60)]))
        for n in range(3)
    ]
    bad = assemble("b", [event("REQUEST_START", 0, "client"), event("REQUEST_COMPLETE", 1, "client", outcome="error")])
    summary = summarize([*good, bad])

    assert summary.error_rate == 0.25
    assert [group.metrics["ttfa_ms"].p50 for group in summary.groups] == [101]


def test_an_id_with_the_events_of_many_requests_has_no_number():
    told = crowd("everybody", None, 0, 20_001)

    assert [finding.rule for finding in told.findings] == ["too_many_events"]
    assert told.metrics == {}
