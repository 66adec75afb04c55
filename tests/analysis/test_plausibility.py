"""Numbers that can't be true are refused by name."""

from pathlib import Path

import pytest
from msgspec import structs
from msgspec.structs import replace

from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.axis import place
from voxtrace.analysis.crowds import crowd
from voxtrace.analysis.plausibility import POPULATION_RULES, TURN_RULES, check_population
from voxtrace.analysis.reported import DOCUMENT_RULES, dates_apart, document_doubts, out_of_order
from voxtrace.analysis.timeline import Timeline
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


def test_no_other_name_of_an_impossible_first_sound_keeps_its_number():
    turn = assemble("r1", client_events(first_byte=0, leading_silence=10, chunks=[(0, 60)]))

    refused = {turn.metrics[name].rejected for name in ("ttfb_ms", "first_audio_ms", "ttfa_ms")}
    assert refused == {"ttfa_not_positive"}


def test_nothing_is_heard_sooner_than_the_network_answers():
    told = {"server_recv_wall_ns": STARTED_NS, "server_sent_wall_ns": STARTED_NS}
    events = with_metadata(client_events(first_byte=50), "HEADERS_RECEIVED", **told)
    early = [each._replace(mono_ns=each.mono_ns - 45_000_000) if "AUDI" in each.name else each for each in events]
    turn = assemble("r1", early)

    refused = {turn.metrics[name].rejected for name in ("first_audio_ms", "ttfa_ms", "ttfa_from_send_ms")}
    assert refused == {"ttfa_below_round_trip"}
    assert turn.metrics["ttfb_ms"].value == 50


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
    assert "audio_length_disagrees" in rules(turn)


def test_parts_of_a_serial_path_are_not_longer_than_the_whole():
    events = server_events(inference=50)
    slow_text = [each._replace(mono_ns=each.mono_ns + 40_000_000) if "TEXT" in each.name else each for each in events]
    turn = assemble("r1", slow_text)

    assert turn.metrics["server_response_ms"].rejected == "parts_exceed_total"


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
    told = [each for each in server_events(clock="host-b/9.000000/boot-b") if each.name == "FIRST_CHUNK_SENT"]
    turn = assemble("r1", client_events() + told)

    assert rules(turn) == {"clock_offset_unknown"}


def test_four_equal_times_are_a_replay_and_three_may_be_chance():
    turns = [assemble(f"r{number}", client_events(request_id=f"r{number}")) for number in range(4)]

    assert [turn.metrics["ttfa_ms"].rejected for turn in check_population(turns)] == ["same_ttfa"] * 4
    assert [turn.metrics["ttfa_ms"].rejected for turn in check_population(turns[:3])] == [None] * 3


def test_a_refused_first_sound_is_not_shown_under_another_name():
    turns = [assemble(f"r{number}", client_events(request_id=f"r{number}")) for number in range(4)]
    metrics = summarize(turns).groups[0].metrics

    assert {turn.metrics["first_audio_ms"].rejected for turn in check_population(turns)} == {"same_ttfa"}
    assert metrics["first_audio_ms"].rejected == (("same_ttfa", 4),)


def test_a_first_audio_with_silence_behind_it_is_another_number():
    turns = [assemble(f"r{n}", client_events(request_id=f"r{n}", leading_silence=20)) for n in range(4)]

    assert {turn.metrics["first_audio_ms"].rejected for turn in check_population(turns)} == {None}
    assert summarize(turns).groups[0].metrics["first_audio_ms"].measured == 4


def test_a_first_token_behind_the_whole_answer_is_no_first_token():
    call = [event("v34_ollama_sent", 0, "v34"), event("v34_ollama_received", 500, "v34")]
    late = assemble("r1", [*call, event("llm_first_token", 600, "v34")])
    again = [event("v34_ollama_sent", 700, "v34"), event("llm_first_token", 1_300, "v34")]

    assert {late.metrics[name].rejected for name in ("llm_first_token_ms", "llm_total_ms")} == {"first_token_is_total"}
    assert "first_token_is_total" not in rules(assemble("r1", [*call, *again]))


@pytest.mark.parametrize(
    ("request_id", "is_flagged"), [("1", True), ("4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7", False)]
)
def test_two_sessions_that_count_their_turns_from_one_share_ids_and_a_trace_does_not(request_id, is_flagged):
    events = [
        event("v34_webhook_received", 0, "v34")._replace(session_id="kitchen"),
        event("v34_ollama_sent", 10, "v34")._replace(session_id="hall"),
        event("v34_ollama_received", 500, "v34"),
    ]
    turn = assemble(request_id, events)

    assert ("id_of_several" in rules(turn)) is is_flagged
    assert (turn.metrics["llm_total_ms"].rejected == "id_of_several") is is_flagged


def test_a_request_of_tomorrow_was_logged_with_a_wrong_clock():
    turn = assemble("r1", client_events())
    (checked,) = check_population([turn], now_wall_ns=STARTED_NS - 3600 * 10**9)

    assert {metric.rejected for metric in checked.metrics.values()} == {"in_the_future"}


@pytest.mark.parametrize("name", [rule.name for rule in TURN_RULES] + list(POPULATION_RULES) + list(DOCUMENT_RULES))
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


def bench(at, number=0, *, name="r", run="run", ratio=None, total=None, **facts):
    """A benchmark's request of which only a first byte is known, `at` ms after its start."""
    request_id = f"{name}{number}"
    told = [
        event("REQUEST_START", number, "client", request_id=request_id, source="bench", **facts),
        event("FIRST_BYTE_RECEIVED", number + at, "client", request_id=request_id),
    ]
    if total is not None:
        told.append(event("LAST_AUDIO_CHUNK", number + total, "client", request_id=request_id, audio_ms=ratio * total))
    return assemble(request_id, [each._replace(session_id=run) for each in told])


@pytest.mark.parametrize("told", [1.0, 100.0, 100, "100%", "100.0 %"])
def test_a_reported_efficiency_of_exactly_one_hundred_percent_needs_chunk_times_too(told):
    assert "full_ratio_without_chunks" in rules(bench(5.0, streaming_efficiency=told))


@pytest.mark.parametrize("told", [0.97, "99.2%", "n/a", True, 1.5])
def test_other_efficiencies_are_left_alone(told):
    assert "full_ratio_without_chunks" not in rules(bench(5.0, streaming_efficiency=told))


def test_a_ratio_with_a_percent_sign_is_a_hundred_times_off():
    assert "ratio_called_percent" in rules(bench(5.0, ratio=1.44, total=100, efficiency="1.4%"))
    assert "ratio_called_percent" not in rules(bench(5.0, ratio=1.44, total=100, efficiency="144%"))


def test_an_api_latency_that_is_the_clients_first_sound_to_the_microsecond_is_a_copy():
    copied, honest = bench(5.5, reported_api_latency_ms=5.5), bench(5.5, reported_api_latency_ms=5.501)

    assert copied.metrics["ttfb_ms"].rejected == "api_equals_ttfa"
    assert honest.metrics["ttfb_ms"].value == 5.5


def test_results_written_closer_together_than_they_claim_to_have_taken_are_refused():
    made_up, real = bench(626.0, next_result_after_ms=0.017), bench(626.0, next_result_after_ms=640.0)

    assert made_up.metrics["ttfb_ms"].rejected == "closer_than_claimed"
    assert real.metrics["ttfb_ms"].value == 626.0


def test_a_header_with_a_long_silence_behind_it_is_no_sound():
    assert "first_byte_then_silence" in rules(bench(2.2, reported_max_gap_ms=24_674.0))
    assert "first_byte_then_silence" not in rules(bench(2.2, reported_max_gap_ms=90.0))


def test_two_dates_of_one_record_that_no_zone_explains_are_said():
    noon = STARTED_NS
    assert dates_apart(noon, noon + 7 * 3600 * 10**9) == 0.0
    assert dates_apart(noon, noon + 5 * 3600 * 10**9 + 45 * 60 * 10**9 + 2 * 10**9) == 0.0
    assert dates_apart(noon, noon + 86_400 * 10**9) == 86_400.0

    assert "date_disagrees" in rules(bench(5.0, dates_apart_s=86_400.0))
    assert "date_disagrees" not in rules(bench(5.0, dates_apart_s=0.0))


@pytest.mark.parametrize(
    ("summary", "doubt"),
    [
        ({"ttfa": {"p50": 9.0, "p95": 5.0}}, "ttfa has p50 = 9 above p95 = 5"),
        ({"a": [{"median": 7, "p95": 8, "p99": 7.5}]}, "a has p95 = 8 above p99 = 7.5"),
        ({"ttfa": {"p50": 5.0, "p95": 5.0}}, ""),
        ({"p50": "9", "p95": None}, ""),
    ],
)
def test_a_summary_with_its_median_above_its_p95_is_named_p50_above_p95(summary, doubt):
    assert "p50_above_p95" in DOCUMENT_RULES
    assert out_of_order(summary) == doubt


def flagged(turns, rule):
    return [turn.request_id for turn in check_population(turns) if rule in rules(turn)]


def test_a_run_that_is_answered_at_once_after_its_first_request_came_out_of_a_cache():
    run = [bench(at, n) for n, at in enumerate((3732.0, 5.1, 5.5, 5.4, 900.0))]

    assert flagged(run, "cached_replay") == ["r1", "r2", "r3"]


def test_a_slow_start_is_no_cache_and_requests_of_other_runs_prove_nothing():
    warmed_up = [bench(at, n) for n, at in enumerate((900.0, 310.0, 305.0, 299.0))]
    two_runs = [bench(3732.0, 0, run="one"), *(bench(5.0 + n, n, run="two") for n in (1, 2, 3))]

    assert flagged([*warmed_up, *two_runs], "cached_replay") == []


def test_speech_a_hundred_times_faster_than_it_is_spoken_was_there_already():
    turns = [bench(3.0, n, name=f"{ratio}-", ratio=ratio, total=50.0, run="") for n, ratio in enumerate((600.0, 40.0))]

    assert flagged(turns, "cached_replay") == ["600.0-0"]


def test_what_was_there_already_has_no_real_time_ratio_and_a_spoken_one_keeps_it():
    fast, spoken = (bench(3.0, name=f"{ratio}-", ratio=ratio, total=50.0) for ratio in (600.0, 40.0))

    assert fast.metrics["realtime_ratio"].rejected == "cached_replay"
    assert fast.metrics["ttfb_ms"].value == 3.0
    assert spoken.metrics["realtime_ratio"].value == 40.0


@pytest.mark.parametrize(
    ("engine", "is_believed"), [("espeak-ng", True), ("eSpeak", True), ("kokoro", False), ("", False)]
)
def test_an_engine_without_a_model_may_be_a_thousand_times_faster_than_speech(engine, is_believed):
    """espeak-ng was measured at 3,700 times real time, with no cache anywhere."""
    turn = bench(3.0, ratio=3700.0, total=60.0, engine=engine)

    assert (turn.metrics["realtime_ratio"].value == 3700.0) is is_believed
    assert ("cached_replay" in rules(turn)) is not is_believed


def test_times_of_a_cache_are_counted_beside_the_others_and_a_slow_stream_behind_one_keeps_its_ratio():
    run = [bench(3732.0, 0), *(bench(5.0 + n / 10, n, ratio=0.2, total=9000.0) for n in range(1, 4))]
    metrics = {name: of for group in summarize(run).groups for name, of in group.metrics.items() if of.measured}

    assert metrics["ttfb_ms"].replayed == 3
    assert (metrics["realtime_ratio"].measured, metrics["realtime_ratio"].replayed) == (3, 0)


def test_what_is_labelled_as_cached_is_no_finding():
    run = [bench(at, n) for n, at in enumerate((3732.0, 5.1, 5.5, 5.4))]
    known = [replace(turn, labels=structs.replace(turn.labels, cache="hit")) for turn in run]

    assert flagged(known, "cached_replay") == []


def test_other_tools_equal_first_bytes_are_same_ttfa_too():
    turns = [bench(5.5, n, run=f"run{n}") for n in range(4)]

    assert {turn.metrics["ttfb_ms"].rejected for turn in check_population(turns)} == {"same_ttfa"}


def test_one_side_is_half_of_the_story_only_where_the_other_notes_events_too():
    def is_told(events):
        return "one_side_only" in [finding.rule for finding in assemble("r1", events).findings]

    answered = event("HEADERS_RECEIVED", 120, "client", server_recv_wall_ns=1, server_sent_wall_ns=2)
    named = event("REQUEST_RECEIVED", 2, "server", source="load", transport="http")
    unnamed = event("REQUEST_RECEIVED", 2, "server", transport="http")

    assert is_told([*client_events(), answered])
    assert is_told([named, *server_events()[1:]])
    assert not is_told([*client_events(), *server_events()])
    assert not is_told([*client_events(), answered, *server_events()])
    assert not is_told(client_events())
    assert not is_told([unnamed, *server_events()[1:]])


def logged(*marks: tuple[float, str, str], **facts: object):
    """A turn of latency.log, whose lines know no clock."""
    return assemble("r1", [event(name, at, service, clock="", **facts) for at, service, name in marks])


SPOKEN = (
    (0, "stt", "stt_transcript_finalized"), (15, "stt", "stt_sending_to_v34"), (23, "v34", "v34_webhook_received"),
    (50, "v34", "v34_ollama_sent"), (950, "v34", "v34_ollama_received"), (960, "v34", "v34_sending_to_tts"),
    (970, "tts", "tts_request_received"), (975, "tts", "tts_synthesis_start"),
    (1400, "tts", "tts_audio_playback_start"),
)  # fmt: skip


def test_two_requests_of_one_id_hours_apart_have_no_numbers():
    turn = logged(*SPOKEN, *((at + 7_200_000, service, name) for at, service, name in SPOKEN))

    assert {finding.rule for finding in turn.findings} >= {"id_of_several"}
    assert {metric.rejected for metric in turn.metrics.values() if not metric.missing} == {"id_of_several"}


@pytest.mark.parametrize(("apart", "is_flagged"), [(60_000, True), (0, False)])
def test_a_conversation_that_gives_all_its_turns_one_id_has_no_numbers(apart, is_flagged):
    turn = logged(*SPOKEN, *((at + apart, service, name) for at, service, name in SPOKEN if apart))

    assert ("id_of_several" in rules(turn)) is is_flagged
    assert turn.metrics["llm_total_ms"].measured is not is_flagged


def test_a_turn_told_apart_by_time_that_holds_anothers_answer_has_no_numbers():
    both = sorted([*SPOKEN[2:], (300, "v34", "v34_ollama_received"), (600, "tts", "tts_audio_playback_start")])
    events = [event(name, at, service, clock="") for at, service, name in both]

    assert "id_of_several" in rules(assemble("no-id@2025-11-27T14:30:05.000Z", events))
    assert "id_of_several" not in rules(assemble("r1", events))


def test_a_prompt_that_took_longer_to_read_than_the_call_took_was_told_in_another_unit():
    turn = logged(*SPOKEN[:4], (950, "v34", "v34_ollama_received"), prompt_eval_count=9, prompt_eval_duration_ms=7e8)

    assert turn.metrics["prefill_ms"].rejected == turn.metrics["prefill_ns_per_token"].rejected == "parts_exceed_total"
    assert turn.metrics["llm_total_ms"].value == 900.0


def test_one_id_in_two_sessions_is_of_two_requests():
    one = [event(name, at, service, clock="", session_id="a") for at, service, name in SPOKEN]
    other = [event(name, at + 3000, service, clock="", session_id="b") for at, service, name in SPOKEN]

    assert "id_of_several" in rules(assemble("r1", one + other))
    assert "id_of_several" not in rules(assemble("r1", one))


@pytest.mark.parametrize(("service", "off"), [("tts", -1500), ("v34", 1500)])
def test_what_was_received_before_it_was_sent_takes_every_number_between_services_with_it(service, off):
    turn = logged(*((at + off * (whose == service), whose, name) for at, whose, name in SPOKEN))

    assert "effect_before_cause" in rules(turn)
    assert "v34 differ by at least that" in str(turn.findings)
    assert turn.metrics["voice_to_voice_ms"].rejected == "effect_before_cause"
    assert (turn.metrics["llm_total_ms"].value, turn.metrics["tts_first_audio_ms"].value) == (900.0, 425.0)


def test_messages_in_their_order_raise_no_doubt_about_clocks():
    assert rules(logged(*SPOKEN)) == {"end_of_speech_not_logged"}


def test_an_answer_that_ended_before_its_first_byte_has_no_time_to_first_byte():
    marks = (("REQUEST_START", 0), ("REQUEST_COMPLETE", 1000), ("FIRST_BYTE_RECEIVED", 3000))
    turn = assemble("r1", [event(name, at, "client") for name, at in marks])

    assert turn.metrics["ttfb_ms"].rejected == "first_byte_after_end"


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"ttfa_p50_ms": 900, "ttfa_p95_ms": "400"}, "p50_above_p95"),
        ({"stats": {"min": 100, "max": 200, "avg": 900}}, "mean_outside_range"),
        ({"stats": {"min": "100", "mean": "90"}}, "mean_outside_range"),
        ({"total_requests": 0, "success_rate": 1.0}, "success_without_data"),
        ({"results": [{"success": True, "metrics": {"successful_trials": 0}}]}, "success_without_data"),
        ({"analysis_period": {"sample_count": 0}, "summary": {"overall_health": "healthy"}}, "success_without_data"),
        ({"min": 0.33, "max": 0.33, "mean": 0.3333, "p50": 0.33, "p95": 0.33}, None),
        ({"total_requests": 0, "success_rate": 0.0}, None),
        ({"total_requests": 9, "success_rate": 1.0, "successful_requests": 9}, None),
    ],
)
def test_sums_of_other_tools_that_can_not_be_are_named(document, rule):
    assert [name for name, _ in document_doubts(document)] == ([] if rule is None else [rule])


# What the plan of the numbers wants rejected, by the name of the rule that does it.
PLANNED = (
    *("ttfa_not_positive", "ttfa_below_round_trip", "same_ttfa", "first_token_is_total", "full_ratio_without_chunks"),
    *("bytes_disagree", "end_before_start", "parts_exceed_total", "p50_above_p95", "closer_than_claimed"),
    *("date_disagrees", "in_the_future", "api_equals_ttfa"),
)


def test_every_rule_has_a_name_of_its_own_an_explanation_on_the_page_and_a_test():
    told = {rule.name: rule.explanation for rule in TURN_RULES} | POPULATION_RULES | DOCUMENT_RULES
    house = Path(__file__).resolve().parents[2]
    page = (house / "docs/metrics.md").read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in sorted((house / "tests").rglob("test_*.py")))

    assert set(PLANNED) <= told.keys()
    assert len(told) == len(TURN_RULES) + len(POPULATION_RULES) + len(DOCUMENT_RULES)
    assert [name for name, why in told.items() if f"| `{name}` | {why} |" not in page] == []
    # In the list above each planned rule stands once; its own test names it at least once more.
    assert [name for name in told if tests.count(name) < 1 + (name in PLANNED)] == []


def test_order_that_only_causes_and_effects_tell_is_said():
    turn = assemble("r1", client_events() + server_events(clock="host-b/9.000000/boot-b"))

    assert rules(turn) == {"order_from_causality"}


def doubtful():
    """A turn that breaks every rule that is about single stages or names of metadata."""
    told = {"server_recv_wall_ns": STARTED_NS, "server_sent_wall_ns": STARTED_NS}
    audio = {"sample_rate_hz": 48_000}
    client = with_metadata(with_metadata(client_events(), "HEADERS_RECEIVED", **told), "FIRST_AUDIO_CHUNK", **audio)
    facts = {"streaming_efficiency": "0.5%", "next_result_after_ms": 0.0, "dates_apart_s": 90.0}
    facts |= {"reported_max_gap_ms": 9_000.0, "reported_api_latency_ms": 120.0}
    late = {"HEADERS_RECEIVED": 900, "FIRST_BYTE_RECEIVED": 300}
    moved = [each._replace(mono_ns=each.mono_ns + late.get(each.name, 0) * 1_000_000) for each in client]
    return [
        *moved,
        event("REQUEST_START", 60, "client", **facts),
        event("REQUEST_RECEIVED", 60, "server", source="real", transport="http"),
        event("playback.started", 130, "player"),
        event("playback.completed", 133, "player", played_ms=9_000),
        event("llm.request_sent", 0, "agent"),
        event("llm.first_token", 50, "agent"),
        event("llm.response_received", 50, "agent"),
    ]


def test_a_rule_doubts_no_turn_that_it_says_it_is_not_about():
    events = doubtful()
    pairs = [{one.event_id, other.event_id} for one in events for other in events]
    sides = [{each.event_id for each in events if each.service == side} for side in ("client", "server", "agent")]
    named, overlooked = set(), set()
    for gone in [set(), *pairs, *sides, sides[0] | sides[2], sides[1] | sides[2]]:
        left = [each for each in events if each.event_id not in gone]
        for kept in (left, [each._replace(metadata={}) for each in left]):
            turn, timeline = assemble("r1", kept), Timeline(place(kept))
            named |= rules(turn)
            overlooked |= {
                rule.name
                for rule in TURN_RULES
                if rule.check(turn, timeline) is not None and not rule.concerns(timeline.outline)
            }

    assert overlooked == set()
    assert {rule.name for rule in TURN_RULES if rule.about} <= named
