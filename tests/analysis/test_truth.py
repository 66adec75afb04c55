"""Made-up requests that tempt to a wrong number."""

from itertools import pairwise

import pytest

from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.testing.turns import client_events, event, server_events
from voxtrace.units import NANOS_PER_MILLI, millis

SPEECH = {definition.name for definition in DEFINITIONS if definition.of == "speech"}
OTHER_HOST = "host-b/9.000000/boot-b"


def value(turn, name):
    return turn.metrics[name].value


def waited_parts(turn):
    return [(part.name, millis(part.length)) for part in turn.parts if part.waited]


def rules(turn):
    return {finding.rule for finding in turn.findings}


def turn_of(*moments):
    """A turn of (name, ms, service) events."""
    return assemble("r1", [event(name, at, service) for name, at, service in moments])


def later(events, ms):
    """The same events again, `ms` milliseconds later."""
    step = ms * NANOS_PER_MILLI
    return [
        each._replace(wall_ns=each.wall_ns + step, mono_ns=each.mono_ns + step, event_id=f"{each.event_id}+{ms}")
        for each in events
    ]


def without_chunk(events, number):
    return [each for each in events if each.metadata.get("seq") != number]


# ---- the user's own speech


def test_nobody_waits_while_the_user_is_still_speaking():
    turn = turn_of(
        ("speech_start", 0, "mic"),
        ("speech_end", 3000, "mic"),
        ("stt_end", 3200, "stt"),
        ("playback_start", 3900, "tts"),
    )

    assert turn.parts[0].name == "user speaking"
    assert waited_parts(turn) == [("speech to text", 200), ("unattributed", 700)]
    assert value(turn, "voice_to_voice_ms") == 900


def test_recognition_that_runs_while_the_user_speaks_is_waited_for_from_the_end_of_speech():
    turn = turn_of(
        ("speech_start", 0, "mic"),
        ("stt_start", 50, "stt"),
        ("speech_end", 3000, "mic"),
        ("stt_end", 3200, "stt"),
    )

    assert (value(turn, "stt_ms"), turn.metrics["stt_ms"].start) == (200, "user.speech_end")
    assert turn.metrics["endpointing_ms"].missing == "no stt.pause_detected event"
    assert rules(turn) == set()


def test_a_lower_bound_does_not_begin_while_the_user_may_still_be_speaking():
    turn = turn_of(
        ("speech_start", 0, "mic"), ("stt_start", 50, "stt"), ("stt_end", 3200, "stt"), ("playback_start", 3900, "tts")
    )

    assert (value(turn, "voice_to_voice_ms"), turn.metrics["voice_to_voice_ms"].bound) == (700, "lower")


def test_a_sound_alone_has_no_wait_in_front_of_it_that_anybody_knows():
    assert (
        "had stopped"
        in turn_of(("speech_start", 0, "mic"), ("playback_start", 9, "tts")).metrics["voice_to_voice_ms"].missing
    )


def test_a_user_who_speaks_into_the_answer_takes_nothing_from_how_long_it_took():
    turn = turn_of(
        ("speech_end", 0, "mic"),
        ("playback_start", 800, "tts"),
        ("barge_in", 1500, "mic"),
        ("playback_complete", 1600, "tts"),
        ("speech_end", 2500, "mic"),
    )

    assert value(turn, "voice_to_voice_ms") == 800
    assert turn.labels.outcome == "interrupted"


def test_what_was_audible_before_the_user_spoke_is_no_answer():
    turn = turn_of(
        ("playback_start", 0, "tts"),
        ("playback_complete", 900, "tts"),
        ("speech_end", 5000, "mic"),
        ("playback_start", 6000, "tts"),
    )

    assert value(turn, "voice_to_voice_ms") == 1000


def test_the_last_of_several_ends_of_speech_before_the_answer_counts():
    turn = turn_of(("speech_end", 0, "mic"), ("speech_end", 700, "mic"), ("playback_start", 1000, "tts"))

    assert value(turn, "voice_to_voice_ms") == 300


def test_interrupted_turns_are_a_population_of_their_own():
    calm = [("speech_end", 0, "mic"), ("playback_start", 800, "tts"), ("playback_complete", 1600, "tts")]
    summary = summarize([turn_of(*calm), turn_of(*calm, ("barge_in", 1500, "mic"))])

    assert [(group.population.outcome, group.turns) for group in summary.groups] == [("interrupted", 1), ("ok", 1)]
    assert "interrupted" in summary.groups[0].population.name


# ---- the first sound


def test_silence_in_front_of_the_answer_is_waited_for_in_a_conversation_too():
    speech = client_events(first_byte=100, leading_silence=200, chunks=[(100, 500)])
    turn = assemble("r1", [event("speech_end", 0, "mic"), *speech])

    assert value(turn, "voice_to_voice_ms") == value(turn, "ttfa_ms") == 300


def test_the_sample_that_leaves_the_device_ends_the_wait():
    turn = assemble("r1", [*client_events(first_byte=100), event("heard", 400, "player")])

    assert sum(length for _, length in waited_parts(turn)) == value(turn, "heard_ms") == 400


def test_waiting_for_the_chunk_that_holds_the_sound_is_not_called_silence():
    events = client_events(first_byte=100, leading_silence=10, chunks=[(100, 20), (5000, 600)])
    late = [*later([e for e in events if "AUDIBLE" in e.name], 4900), *(e for e in events if "AUDIBLE" not in e.name)]
    turn = assemble("r1", late)

    assert value(turn, "ttfa_ms") == 5000
    assert waited_parts(turn)[-2:] == [("leading silence", 10), ("streaming", 4890)]


# ---- the language model


def test_two_calls_of_the_model_are_told_apart():
    turn = assemble(
        "r1",
        [
            event("v34_prompt_built", 0, "v34"),
            event("llm_request_sent", 10, "llm"),
            event("llm_response_received", 1010, "llm", response_length=20),
            event("llm_request_sent", 2000, "llm"),
            event("llm_first_token", 2200, "llm"),
            event("llm_response_received", 3000, "llm", response_length=200),
        ],
    )

    assert (value(turn, "llm_first_token_ms"), value(turn, "llm_total_ms")) == (200, 2000)
    assert (value(turn, "llm_chars_per_s"), turn.metrics["llm_total_ms"].note) == (110, "2 calls together")
    assert [part.name for part in turn.parts][:3] == ["hand-over to model", "language model", "unattributed"]


def test_answers_of_calls_that_overlap_belong_to_nobody_knows_which():
    names = ("llm_request_sent", "llm_request_sent", "llm_response_received", "llm_response_received")
    turn = turn_of(*((name, at, "llm") for name, at in zip(names, (0, 100, 500, 900), strict=True)))

    assert {turn.metrics[name].measured for name in ("llm_first_token_ms", "llm_total_ms")} == {False}
    assert "overlap" in turn.metrics["llm_total_ms"].missing


def test_a_call_that_was_given_up_does_not_lengthen_its_successor():
    turn = turn_of(
        ("llm_request_sent", 0, "llm"), ("llm_request_sent", 5000, "llm"), ("llm_response_received", 5400, "llm")
    )

    assert value(turn, "llm_total_ms") == 400


# ---- the same thing more than once


def test_requests_that_share_an_id_have_no_numbers_of_one_request():
    turn = assemble("r1", client_events() + later(client_events(), 5000))

    assert not any(metric.measured for name, metric in turn.metrics.items() if name in SPEECH)
    assert (turn.metrics["ttfa_ms"].rejected, rules(turn) & {"several_requests"}) == (
        "several_requests",
        {"several_requests"},
    )


def test_two_logs_that_tell_of_one_request_are_one_request():
    turn = assemble("r1", client_events() + later(client_events()[:1], 0))

    assert value(turn, "ttfa_ms") == 120


def test_a_request_that_was_tried_again_ended_as_its_last_try():
    failed = [event("REQUEST_START", 0, "client"), event("REQUEST_COMPLETE", 50, "client", outcome="error", error="x")]
    turn = assemble("r1", failed + later(client_events(), 5000))

    assert (turn.labels.outcome, turn.labels.error) == ("ok", "")


def test_two_overlapping_pieces_without_a_number_are_both_closed():
    names = ("tts_synthesis_start", "tts_synthesis_start", "tts_synthesis_complete", "tts_synthesis_complete")
    turn = turn_of(*((name, at, "tts") for name, at in zip(names, (0, 100, 300, 400), strict=True)))

    assert [span.name for span in turn.spans if span.end is None] == []
    assert {part.name for part in turn.parts} == {"synthesis"}


def test_branches_that_overlap_are_tiled_once():
    turn = turn_of(
        ("v34_webhook_received", 0, "v34"),
        ("v34_retrieval_start", 0, "v34"),
        ("v34_memory_storage_start", 50, "v34"),
        ("v34_memory_storage_complete", 300, "v34"),
        ("v34_retrieval_complete", 200, "v34"),
        ("v34_ollama_sent", 310, "v34"),
    )

    assert sum(part.length for part in turn.parts) == turn.total
    assert all(before.end == after.begin for before, after in pairwise(turn.parts))


# ---- lost events


def test_a_chunk_whose_event_was_lost_is_no_stall():
    chunks = [(120, 100), (200, 100), (300, 100), (400, 100)]
    events = [
        each._replace(metadata={**each.metadata, "chunks": 4}) if each.name == "LAST_AUDIO_CHUNK" else each
        for each in without_chunk(client_events(chunks=chunks), 1)
    ]
    turn = assemble("r1", events)

    assert "3 client.audio_chunk_received events of 4" in turn.metrics["stall_count"].missing
    assert value(turn, "audio_ms") == 400


def test_chunks_that_were_not_decoded_make_no_playout():
    events = [
        each._replace(metadata={"seq": 1, "bytes": 9}) if each.metadata.get("seq") == 1 else each
        for each in client_events(chunks=[(120, 100), (200, 100), (400, 100)])
    ]

    assert "have no audio_ms" in assemble("r1", events).metrics["stall_count"].missing


def test_chunks_that_disagree_with_their_sum_take_everything_with_them_that_rests_on_them():
    turn = assemble("r1", without_chunk(client_events(chunks=[(120, 100), (200, 100), (400, 100)]), 1))

    assert {turn.metrics[name].rejected for name in ("audio_ms", "stall_ms", "stall_count", "realtime_ratio")} == {
        "audio_length_disagrees"
    }


def test_chunks_are_played_in_the_order_in_which_they_came_whatever_their_numbers_say():
    events = client_events(chunks=[(100, 60), (150, 60), (200, 500)])
    mixed = [each._replace(metadata={**each.metadata, "seq": -each.metadata.get("seq", 0)}) for each in events]

    assert value(assemble("r1", mixed), "stall_count") == 0


def test_a_piece_that_never_ended_leaves_the_sum_of_all_pieces_unknown():
    events = [*server_events(), event("INFERENCE_START", 12, "server", piece=1)]
    turn = assemble("r1", events)

    assert turn.metrics["inference_total_ms"].missing == "1 of 2 pieces have no server.inference_complete event"
    assert value(turn, "inference_ms") == 5


def test_an_error_after_the_first_audio_keeps_the_first_audio_and_enters_no_percentile():
    broken = [each for each in client_events(outcome="error") if each.name != "LAST_AUDIO_CHUNK"]
    turn = assemble("r1", broken)

    assert (value(turn, "ttfa_ms"), turn.metrics["stall_count"].measured) == (120, False)
    assert summarize([turn]).groups == ()


def test_a_cancelled_request_is_counted_and_enters_no_percentile():
    summary = summarize([assemble("r1", client_events(outcome="cancelled"))])

    assert (summary.outcomes, summary.groups, summary.error_rate) == ({"cancelled": 1}, (), 0)


@pytest.mark.parametrize("nonsense", [float("inf"), float("nan"), -5.0, 10**400, "12", True, None, [1]])
def test_no_length_that_can_not_be_becomes_a_number(nonsense):
    names = {"LAST_AUDIO_CHUNK", "AUDIO_CHUNK_RECEIVED", "FIRST_AUDIBLE_CHUNK"}
    bad = dict.fromkeys(("audio_ms", "leading_silence_ms"), nonsense)
    events = [
        each._replace(metadata={**each.metadata, **bad}) if each.name in names else each for each in client_events()
    ]
    turn = assemble("r1", events)

    assert [name for name in ("audio_ms", "leading_silence_ms", "stall_count") if turn.metrics[name].measured] == []


def test_events_after_the_end_change_nothing_that_was_waited_for():
    before = assemble("r1", client_events() + server_events())
    after = assemble("r1", client_events() + server_events() + [event("REQUEST_COMPLETE", 60_000, "server")])

    assert waited_parts(before) == waited_parts(after)
    assert before.metrics == after.metrics


# ---- two machines


def skewed(ms):
    """What the server of another machine writes, whose wall clock is `ms` ahead."""
    events = server_events(clock=OTHER_HOST)
    return [each._replace(wall_ns=each.wall_ns + ms * NANOS_PER_MILLI, mono_ns=each.mono_ns + 77) for each in events]


@pytest.mark.parametrize("ahead", [-5000, 5000])
def test_between_clocks_that_were_not_compared_causes_and_effects_bound_the_offset_and_that_is_said(ahead):
    turn = assemble("r1", client_events() + skewed(ahead))
    (server,) = [clock for clock in turn.clocks if clock.method == "causality"]

    assert sum(length for _, length in waited_parts(turn)) == value(turn, "ttfa_ms") == 120
    assert abs(server.offset - ahead * NANOS_PER_MILLI) <= server.uncertainty
    assert turn.metrics["delivery_ms"].uncertainty == pytest.approx(server.uncertainty / NANOS_PER_MILLI)
    assert "order_from_causality" in rules(turn)


def test_time_between_clocks_of_which_nothing_is_known_is_nobodys_wait():
    events = [each._replace(service="engine") for each in skewed(5000) if each.name != "REQUEST_RECEIVED"]
    turn = assemble("r1", client_events() + [each for each in events if each.name != "FIRST_CHUNK_GENERATED"])

    assert not {name for name, _ in waited_parts(turn)} & {"to the server", "delivery"}
    assert "clock_offset_unknown" in rules(turn)


def test_the_length_of_a_turn_over_clocks_that_were_not_compared_is_unknown():
    one, other = event("stt_end", 0, "stt"), event("playback_start", 310, "tts", clock=OTHER_HOST)

    assert "offset is not known" in assemble("r1", [one, other]).metrics["turn_total_ms"].missing
