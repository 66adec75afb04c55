"""What one request's events say."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.analysis import Metric, assemble
from voxtrace.analysis.derived import from_json, to_json
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.events import STAGES
from voxtrace.testing.turns import client_events, event, server_events


def value(turn, name):
    return turn.metrics[name].value


def test_time_to_first_audio_is_the_arrival_of_the_chunk_that_holds_the_first_audible_sample():
    turn = assemble("r1", client_events(first_byte=100, leading_silence=0))

    assert value(turn, "ttfa_ms") == 100


def test_silence_in_front_of_the_speech_counts_as_waiting():
    turn = assemble("r1", client_events(first_byte=100, leading_silence=200, chunks=[(100, 500)]))

    assert (value(turn, "ttfb_ms"), value(turn, "first_audio_ms"), value(turn, "ttfa_ms")) == (100, 100, 300)


def test_a_container_that_holds_audio_back_delays_first_audio_and_not_the_first_byte():
    turn = assemble("r1", client_events(first_byte=10, first_audio=2010, chunks=[(2010, 500)]))

    assert (value(turn, "ttfb_ms"), value(turn, "first_audio_ms")) == (10, 2010)


def test_without_decoded_audio_the_time_to_first_audio_is_unknown_and_not_a_guess():
    turn = assemble("r1", client_events(leading_silence=None))

    assert turn.metrics["ttfa_ms"].value is None
    assert "not decoded" in turn.metrics["ttfa_ms"].missing


def test_a_request_that_failed_before_any_audio_has_no_time_of_zero():
    start, end = (
        event("REQUEST_START", 0, "client"),
        event("REQUEST_COMPLETE", 3, "client", outcome="error", error="refused"),
    )
    turn = assemble("r1", [start, end])

    assert turn.labels.outcome == "error"
    assert [name for name, metric in turn.metrics.items() if metric.measured] == []


def test_stalls_are_those_that_a_player_without_a_buffer_would_have_had():
    turn = assemble("r1", client_events(first_byte=100, chunks=[(100, 60), (400, 60), (410, 500)]))

    assert (value(turn, "stall_count"), value(turn, "stall_ms"), value(turn, "max_stall_ms")) == (1, 240, 240)
    assert value(turn, "required_prebuffer_ms") == 240


def test_a_stream_that_did_not_end_has_no_stall_count():
    events = [each for each in client_events() if each.name not in ("LAST_AUDIO_CHUNK", "REQUEST_COMPLETE")]

    assert not assemble("r1", events).metrics["stall_count"].measured


def played(device="speakers", **completed):
    facts = {"underruns": 2, "underrun_ms": 80.5} | completed
    return [
        event("playback.started", 130, "player", device=device),
        event("playback.first_sample", 140, "player", device=device, uncertainty_ms=10.667),
        event("playback.completed", 900, "player", device=device, **facts),
    ]


def test_what_a_player_heard_is_told_with_the_error_of_its_clock_and_its_underruns():
    turn = assemble("r1", client_events() + played())

    assert (value(turn, "heard_ms"), value(turn, "underrun_count"), value(turn, "underrun_ms")) == (140, 2, 80.5)
    assert turn.metrics["heard_ms"].note == "device clock ± 10.667 ms"
    assert turn.labels.truth == "L4"


def test_a_device_that_makes_no_sound_is_no_witness_of_what_was_heard():
    turn = assemble("r1", client_events() + played(device="null"))

    assert turn.labels.truth == "L3"
    assert turn.metrics["heard_ms"].note.endswith("a device that keeps time and makes no sound")


def test_underruns_of_the_device_itself_count_and_leave_their_length_a_lower_bound():
    turn = assemble("r1", client_events() + played(device_underruns=3))

    assert value(turn, "underrun_count") == 5
    assert turn.metrics["underrun_ms"].bound == "lower"


def test_underruns_are_unknown_until_the_player_is_done_and_no_matter_without_a_player():
    unfinished = assemble("r1", client_events() + played()[:2])

    assert unfinished.metrics["underrun_count"].missing == "no playback.completed event that tells of underruns"
    assert "underrun_count" not in assemble("r1", client_events()).metrics


def test_the_ratio_that_some_plans_call_efficiency_is_audio_over_streaming_time():
    turn = assemble("r1", client_events(chunks=[(120, 3000), (27_390, 3890)]))

    assert value(turn, "realtime_ratio") == pytest.approx(0.2515, abs=0.0005)


def test_server_numbers_keep_queue_and_inference_apart():
    turn = assemble("r1", client_events() + server_events(queue=40, inference=5))

    assert (value(turn, "queue_ms"), value(turn, "inference_ms")) == (40, 5)
    assert value(turn, "rtf") == pytest.approx(0.01)


def test_without_the_client_the_same_names_are_marked_as_the_servers():
    turn = assemble("r1", server_events())

    assert turn.labels.origin == "server"
    assert turn.metrics["first_audio_ms"].origin == "server"
    assert not turn.metrics["ttfa_ms"].measured


def test_the_delivery_between_two_machines_is_unknown_while_their_offset_is():
    told = [each for each in server_events(clock="host-b/9.000000/boot-b") if each.name == "FIRST_CHUNK_SENT"]
    turn = assemble("r1", client_events() + told)

    assert "offset is not known" in turn.metrics["delivery_ms"].missing
    assert "wall clocks" in turn.clock_note


def test_four_timestamps_bring_two_machines_together_and_say_how_sure_they_are():
    skew_ns = 2_000_000_000
    events = client_events(first_byte=11)
    sent = next(each for each in events if each.name == "REQUEST_SENT")
    answer = {
        "server_recv_wall_ns": sent.wall_ns + 1_000_000 + skew_ns,
        "server_sent_wall_ns": sent.wall_ns + 9_000_000 + skew_ns,
    }
    told = [
        each._replace(metadata={**each.metadata, **answer}) if each.name == "HEADERS_RECEIVED" else each
        for each in events
    ]
    skewed = [
        each._replace(wall_ns=each.wall_ns + skew_ns, mono_ns=each.mono_ns + 77)
        for each in server_events(clock="host-b/9.000000/boot-b", inference=2)
    ]
    turn = assemble("r1", told + skewed)
    received = next(mark for mark in turn.marks if mark.name == "REQUEST_RECEIVED")

    # Half of the round trip, the reading of two clocks, and what crystals run apart in this turn.
    assert received.at == pytest.approx(2_000_000, abs=20_000)
    assert "clock of host-b (server) is 2.00" in turn.clock_note
    assert "ahead of host-a (client) (± 1.0" in turn.clock_note


def test_durations_of_one_machine_ignore_a_wall_clock_that_steps():
    events = client_events(first_byte=100)
    stepped = [each._replace(wall_ns=each.wall_ns + 3600 * 10**9 * (index > 3)) for index, each in enumerate(events)]

    assert assemble("r1", stepped).metrics["ttfb_ms"] == assemble("r1", events).metrics["ttfb_ms"]


def test_voice_to_voice_starts_when_the_user_stops_speaking():
    events = [event("speech_end", 0, "mic"), event("llm_first_token", 180, "llm"), event("playback_start", 310, "tts")]
    turn = assemble("r1", events)

    assert value(turn, "voice_to_voice_ms") == 310
    assert turn.metrics["voice_to_voice_ms"].bound == "exact"


def test_without_the_end_of_speech_voice_to_voice_is_a_lower_bound():
    turn = assemble("r1", [event("stt_end", 0, "stt"), event("playback_start", 310, "tts")])

    assert turn.metrics["voice_to_voice_ms"] == Metric(
        310,
        origin="turn",
        start="stt.transcript_final",
        end="playback.started",
        bound="lower",
        note="end of speech was not logged: the user waited at least this long",
    )


def test_time_that_no_event_explains_is_a_part_of_its_own():
    names = ("tts_pause_sent", "tts_synthesis_start", "playback_start")
    turn = assemble("r1", [event(name, at, "tts") for name, at in zip(names, (0, 210, 300), strict=True)])

    assert [(part.name, part.length // 10**6) for part in turn.parts] == [(UNATTRIBUTED, 210), ("synthesis", 90)]


def test_time_after_the_first_sound_is_not_called_the_slowest_step():
    turn = assemble("r1", client_events(first_byte=100, chunks=[(100, 60), (9000, 60)]))

    assert turn.slowest.name == "waiting for the server"


def test_a_span_of_ones_own_becomes_a_bar():
    turn = assemble("r1", [event("rerank_start", 0, "rag"), event("rerank_complete", 40, "rag", outcome="ok")])

    assert [(span.name, span.end - span.begin) for span in turn.spans] == [("rerank", 40_000_000)]


def test_a_start_without_an_end_is_an_open_bar():
    turn = assemble("r1", [event("v34_retrieval_start", 0, "v34"), event("v34_ollama_sent", 40, "v34")])

    assert [span.name for span in turn.spans if span.end is None] == ["v34_retrieval"]


def test_what_is_kept_of_a_turn_reads_back_the_same():
    turn = assemble("r1", client_events() + server_events())
    kept = from_json(to_json(turn))

    assert (kept.metrics, kept.parts, kept.labels, kept.findings) == (
        turn.metrics,
        turn.parts,
        turn.labels,
        turn.findings,
    )


NAMES = [stage.name for stage in STAGES] + ["made_up", "x_start", "x_end"]
EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(NAMES),
        st.integers(0, 10_000),
        st.sampled_from(["client", "server", "tts", "mine"]),
        clock=st.sampled_from(["", "a/1.0/x", "a/2.0/x", "b/1.0/y"]),
        piece=st.integers(0, 3),
    ),
    max_size=30,
)


@given(EVENTS)
def test_parts_tile_the_total_whatever_was_logged(events):
    turn = assemble("r1", events)

    assert sum(part.length for part in turn.parts) == turn.total
    assert all(part.length > 0 for part in turn.parts)
    assert all(before.end == after.begin for before, after in pairwise(turn.parts))


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_in_which_events_arrive_does_not_matter(events, chance: random.Random):
    shuffled = list(events)
    chance.shuffle(shuffled)

    assert assemble("r1", shuffled) == assemble("r1", events)


@given(EVENTS)
def test_an_event_that_came_twice_counts_once(events):
    assert assemble("r1", events + events) == assemble("r1", events)


def test_a_single_event_has_no_length():
    turn = assemble("r1", [event("stt_end", 5, "stt")])

    assert "single event" in turn.metrics["turn_total_ms"].missing
    assert turn.parts == ()


def test_any_event_may_say_that_nobody_real_asked():
    assert assemble("r1", [event("doctor.event", 0, "doctor", source="probe")]).labels.source == "probe"
    assert assemble("r1", [event("read_file", 0, "stt", source="disk")]).labels.source == "real"
