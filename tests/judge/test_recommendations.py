"""Which threshold is crossed, what its replay gains, and in which order that is told."""

import random

import pytest

from tests.analysis.test_critical_path import chunk, english_tutor, turn
from tests.samples import sample
from voxtrace.analysis import assemble
from voxtrace.analysis.cases import case_of
from voxtrace.events.codec import decode
from voxtrace.judge.recommendations import recommend
from voxtrace.testing.turns import client_events, event, server_events


def found(cases, rule, stage=None):
    (finding,) = [each for each in recommend(cases) if each.rule == rule and stage in (None, each.stage)]
    return finding


def step(begin, end, took, *, service="backend", sound=50.0, name="r1"):
    """A turn with one step of `took` milliseconds, and a sound behind it."""
    return case_of(
        assemble(
            name,
            [
                event("speech_end", 0, request_id=name),
                event(begin, 10, service, request_id=name),
                event(end, 10 + took, service, request_id=name),
                event("heard", 10 + took + sound, "player", request_id=name),
            ],
        )
    )


STEPS = [
    ("slow_classification", "v34_classification_start", "v34_classification_complete", 200),
    ("slow_embedding", "v34_retrieval_embedding_start", "v34_retrieval_embedding_complete", 200),
    ("slow_retrieval", "v34_retrieval_start", "v34_retrieval_complete", 1_000),
    ("slow_language_model", "v34_ollama_sent", "v34_ollama_received", 3_000),
    ("slow_first_token", "v34_ollama_sent", "llm_first_token", 1_000),
    ("slow_synthesis", "tts_synthesis_start", "tts_first_audio", 500),
    ("slow_metadata_call", "chunk_metadata_start", "chunk_metadata_end", 1_000),
    ("slow_speech_to_text", "stt_start", "stt_end", 1_000),
]


@pytest.mark.parametrize(("rule", "begin", "end", "limit"), STEPS)
def test_a_step_just_above_its_threshold_helps_by_what_is_above_it(rule, begin, end, limit):
    finding = found([step(begin, end, limit + 40)], rule)

    assert (finding.standing, finding.broken) == ("helps", 1)
    assert finding.gain.mean == pytest.approx(40)
    assert finding.gain.before.p50 - finding.gain.after.p50 == pytest.approx(40)


@pytest.mark.parametrize(("rule", "begin", "end", "limit"), STEPS)
def test_a_step_just_below_its_threshold_is_kept(rule, begin, end, limit):
    assert found([step(begin, end, limit - 1)], rule).standing == "kept"


@pytest.mark.parametrize("rule", [each[0] for each in STEPS])
def test_what_no_turn_tells_of_is_unknown_and_never_a_pass(rule):
    finding = found([case_of(turn(event("v34_memory_storage_start", 5), event("heard", 30, "player")))], rule)

    assert (finding.standing, finding.measured, finding.confidence.level) == ("unknown", 0, "low")


def stored(memory=300.0):
    return case_of(
        turn(
            event("v34_memory_storage_start", 0, "backend"),
            event("v34_memory_storage_complete", memory, "backend"),
            event("v34_retrieval_start", memory, "backend"),
            event("v34_retrieval_complete", memory + 100, "backend"),
            event("v34_ollama_sent", memory + 100, "backend"),
            event("v34_ollama_received", memory + 600, "backend"),
            event("tts_audio_playback_start", memory + 700, "tts"),
        )
    )


def test_a_call_that_nobody_needs_gains_all_that_was_waited_for_it():
    finding = found([stored()], "serial_calls", "memory storage, retrieval")

    assert finding.gain.mean == pytest.approx(300)


def test_two_calls_that_both_are_needed_gain_the_shorter_one():
    both = case_of(
        turn(
            event("v34_classification_start", 0, "backend"),
            event("v34_classification_complete", 150, "backend"),
            event("v34_retrieval_start", 150, "backend"),
            event("v34_retrieval_complete", 250, "backend"),
            event("tts_audio_playback_start", 400, "tts"),
        )
    )

    assert found([both], "serial_calls", "classification, retrieval").gain.mean == pytest.approx(100)


def test_a_call_that_ran_beside_another_already_gains_nothing():
    beside = case_of(
        turn(
            event("v34_classification_start", 0, "backend"),
            event("v34_retrieval_start", 0, "backend"),
            event("v34_classification_complete", 150, "backend"),
            event("v34_retrieval_complete", 250, "backend"),
            event("tts_audio_playback_start", 400, "tts"),
        )
    )

    assert found([beside], "serial_calls", "classification, retrieval").standing == "kept"


def test_the_first_sentence_can_be_spoken_while_the_model_goes_on():
    whole = case_of(
        turn(
            event("v34_ollama_sent", 0, "backend"),
            event("llm_first_token", 200, "backend"),
            event("llm_first_sentence", 400, "backend"),
            event("v34_ollama_received", 2_000, "backend"),
            event("tts_synthesis_start", 2_010, "tts"),
            event("tts_audio_playback_start", 2_300, "tts"),
        )
    )

    assert found([whole], "serial_calls", "language model, synthesis").gain.mean == pytest.approx(1_600)


def test_the_same_text_spoken_again_behind_the_first_sound_is_hidden():
    again = case_of(turn(*chunk(0, 10, 100, 5_000, text_hash="a"), *chunk(1, 120, 900, 5_000, text_hash="a")))
    finding = found([again], "same_text_twice")

    assert (finding.standing, finding.gain.mean, finding.value.p50) == ("hidden", 0, 780)


def test_pieces_whose_text_no_event_names_are_unknown_and_not_different():
    assert found([case_of(turn(*chunk(0, 10, 100, 500), *chunk(1, 120, 900, 500)))], "same_text_twice").standing == (
        "unknown"
    )


def test_a_slow_piece_that_nobody_waits_for_is_hidden_and_comes_last():
    slow = case_of(turn(*chunk(0, 10, 700, 9_000), *chunk(1, 720, 2_000, 500)))
    model = step("v34_ollama_sent", "v34_ollama_received", 3_100)
    order = [each.standing for each in recommend([slow, model])]

    assert order == sorted(order, key=["helps", "open", "unknown", "kept", "hidden"].index)


def test_the_largest_gain_stands_first_and_the_order_of_turns_does_not_matter():
    cases = [stored(100.0 + n) for n in range(8)]
    cases += [step("v34_ollama_sent", "v34_ollama_received", 3_000 + 100 * n, name=f"r{n}") for n in range(8)]
    shuffled = random.Random(3).sample(cases, len(cases))
    findings = recommend(cases)
    gains = [each.gain.spared for each in findings if each.standing == "helps"]

    assert findings == recommend(shuffled)
    assert gains == sorted(gains, reverse=True)


def test_many_turns_that_agree_are_believed_and_one_turn_is_an_example():
    many = [step("v34_ollama_sent", "v34_ollama_received", 4_000 + n, name=f"r{n}") for n in range(40)]

    assert found(many, "slow_language_model").confidence.level == "high"
    assert found(many[:1], "slow_language_model").confidence.level == "low"


def test_one_slow_turn_in_forty_keeps_the_threshold():
    cases = [step("v34_ollama_sent", "v34_ollama_received", 3_500 if n == 7 else 900, name=f"r{n}") for n in range(40)]
    finding = found(cases, "slow_language_model")

    assert (finding.standing, finding.broken) == ("kept", 1)


def test_silence_at_the_head_gains_no_more_than_there_is():
    request = case_of(assemble("r1", client_events(first_byte=100, chunks=[(100, 500)], leading_silence=300)))

    assert found([request], "silence_at_the_head").gain.mean == pytest.approx(300)


def test_a_queue_is_the_queues_and_not_the_engines():
    request = case_of(
        assemble("r1", client_events(first_byte=400, chunks=[(400, 600)]) + server_events(queue=300, inference=50))
    )
    finding = found([request], "queue_wait")

    assert (finding.owner, finding.standing) == ("queue", "helps")
    assert finding.gain.mean == pytest.approx(300, abs=1)


def test_a_repeated_prompt_that_costs_time_gains_by_the_slope():
    cases = []
    for n in range(40):
        chars = 1_000 + 500 * n
        events = [
            event("v34_prompt_built", 0, "backend", request_id=f"r{n}", prompt_chars=chars),
            event("v34_ollama_sent", 0, "backend", request_id=f"r{n}"),
            event("v34_ollama_received", 300 + chars / 10, "backend", request_id=f"r{n}"),
            event("heard", 400 + chars / 10, "player", request_id=f"r{n}"),
        ]
        cases.append(case_of(assemble(f"r{n}", events)))
    finding = found(cases, "prompt_growth")

    assert finding.value.p50 == pytest.approx(100, rel=0.01)
    assert finding.gain.after.largest < finding.gain.before.largest


def test_the_samples_second_synthesis_stands_at_the_top():
    findings = recommend([case_of(english_tutor())])
    helping = [(each.rule, round(each.gain.mean)) for each in findings if each.standing == "helps"]

    assert helping == [
        ("second_synthesis", 5240),
        ("slow_metadata_call", 4240),
        ("slow_synthesis", 2929),
        ("slow_language_model", 1970),
        ("slow_pace", 629),
    ]


def test_the_samples_turn_of_another_agent_waits_for_its_model():
    lines = sample("little_timmy/latency_example.log").read_bytes().splitlines()
    first = recommend([case_of(assemble("r1", [decode(line) for line in lines]))])[0]

    assert (first.rule, round(first.gain.mean)) == ("slow_language_model", 1_320)
