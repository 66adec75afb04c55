"""What another length of a step would do to whole turns."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.test_critical_path import chunk, english_tutor, turn
from voxtrace.analysis import assemble
from voxtrace.analysis.record import pack_steps
from voxtrace.analysis.whatif import Supposing, UnknownStep, UnreadableChange, names_of, read_wishes, replayable
from voxtrace.testing.turns import client_events, event, server_events


def recorded(found):
    """A turn as it comes out of a store."""
    packed = pack_steps(found)
    numbers = array("d")
    numbers.frombytes(packed.numbers)
    return replayable(found.total, numbers.tolist(), packed.texts)


def supposed(turns, sets=(), drops=()):
    supposing = Supposing(read_wishes(sets, drops))
    for found in turns:
        supposing.add("all", recorded(found))
    return supposing.effects()[0]


def outcome(effect, name="first sound"):
    return next(each for each in effect.outcomes if each.name == name)


def answer(first_token=600.0, synthesis=300.0, name="r1"):
    """From the end of speech to the first sound, with a search beside the model that nobody waits for."""
    at = 100 + first_token
    return assemble(
        name,
        [
            event("speech_end", 0, request_id=name),
            event("stt_end", 100, request_id=name),
            event("v34_ollama_sent", 100, "backend", request_id=name),
            event("llm_first_token", at, "backend", request_id=name),
            event("v34_memory_storage_start", 100, "backend", request_id=name),
            event("v34_memory_storage_complete", 150, "backend", request_id=name),
            event("tts_synthesis_start", at, "tts", request_id=name),
            event("tts_audio_playback_start", at + synthesis, "tts", request_id=name),
        ],
    )


def searched(classification, retrieval):
    """A message that is classified while its context is searched, and a prompt that needs both."""
    found = 10 + max(classification, retrieval)
    return assemble(
        "r1",
        [
            event("speech_end", 0),
            event("v34_webhook_received", 10, "backend"),
            event("v34_classification_start", 10, "backend"),
            event("v34_retrieval_start", 10, "backend"),
            event("v34_classification_complete", 10 + classification, "backend"),
            event("v34_retrieval_complete", 10 + retrieval, "backend"),
            event("v34_prompt_built", found + 5, "backend"),
            event("tts_audio_playback_start", found + 105, "tts"),
        ],
    )


@pytest.mark.parametrize(("classification", "retrieval", "gained"), [(80, 300, 0), (300, 80, 220)])
def test_a_prompt_waits_for_the_later_one_of_two_steps_beside_each_other(classification, retrieval, gained):
    dropped = supposed([searched(classification, retrieval)], drops=["classification"])
    part = next(each for each in searched(classification, retrieval).parts if each.name == "prompt")

    assert outcome(dropped).gained.p50 == gained
    assert part.length == 5_000_000


def test_the_samples_second_synthesis_costs_what_its_replay_gains():
    effect = supposed([english_tutor()], drops=["tts.metadata"])
    sound, whole = outcome(effect), outcome(effect, "whole turn")

    assert (sound.before.p50, sound.after.p50, sound.gained.p50) == (14_281, 9_041, 5_240)
    assert whole.gained.p50 == 5_480


def test_percentiles_are_of_the_replayed_turns_and_not_sums():
    turns = [answer(first_token=100.0 * n, synthesis=4_000 / n, name=f"r{n}") for n in range(1, 41)]
    effect = supposed(turns, ["llm.first_token=300ms"])
    before = sorted(100 + 100.0 * n + 4_000 / n for n in range(1, 41))
    after = sorted(400 + 4_000 / n for n in range(1, 41))

    assert outcome(effect).before.p95 == pytest.approx(before[37])
    assert outcome(effect).after.p95 == pytest.approx(after[37])


def test_what_ran_beside_a_longer_branch_gains_nothing():
    effect = supposed([answer()], drops=["memory storage"])

    assert (effect.touched, outcome(effect).gained.p50) == (1, 0)


@pytest.mark.parametrize(
    ("told", "gained"),
    [
        ("first token=300ms", 300),
        ("first-token=0.3s", 300),
        ("llm.first_token=-20%", 120),
        ("First Token=50%", 300),
        ("first_token=0.5x", 300),
        ("first_token=-50ms", 50),
        ("first_token=+50ms", -50),
        ("first_token=-9s", 550),  # then what ran beside it is what the synthesis waits for
    ],
)
def test_a_length_is_absolute_or_relative(told, gained):
    assert outcome(supposed([answer()], [told])).gained.p50 == pytest.approx(gained)


@pytest.mark.parametrize("sets", [(), ("synthesis",), ("synthesis=fast",), ("=3ms",), ("a=1s", "a=2s"), ("a=-200%",)])
def test_a_change_that_means_nothing_says_what_one_is(sets):
    with pytest.raises(UnreadableChange, match="Say --set STEP=300ms"):
        read_wishes(sets, [])


def test_an_unknown_step_lists_those_there_are():
    with pytest.raises(UnknownStep, match=r"a step 'tts.magic'; there are: first token \(1 turn\), memory storage"):
        supposed([answer()], drops=["tts.magic"])


def test_a_stage_names_the_step_that_it_ends():
    known = ["metadata call", "synthesis", "first token", "my own step"]

    assert names_of("tts.metadata", known) == ["metadata call"]
    assert names_of("tts.synthesis_complete", known) == ["synthesis"]
    assert names_of("my-own_step", known) == ["my own step"]


def test_turns_that_can_not_be_replayed_are_counted_with_their_reason():
    whole = turn(
        event("v34_retrieval_start", 0),
        event("v34_retrieval_embedding_start", 10),
        event("v34_retrieval_embedding_complete", 300),
        event("v34_retrieval_complete", 400),
    )
    single = assemble("r2", [event("speech_end", 0, request_id="r2")])
    effect = supposed([whole, single], ["retrieval=100ms"])

    assert (effect.turns, effect.replayed) == (2, 0)
    assert dict(effect.unplayable) == {
        "retrieval contains other steps that would take longer than it": 1,
        "no step of it has a beginning and an end": 1,
    }


def test_a_slower_second_chunk_becomes_a_gap():
    found = turn(*chunk(0, 10, 100, 500), *chunk(1, 20, 550, 400))
    effect = supposed([found], ["synthesis=2x"])

    # The first is ready at 190 and plays until 690; the second, needed by then, is ready at 1,080.
    assert outcome(effect, "gaps in the answer").after.p50 == pytest.approx(390)


@given(st.floats(0, 3), st.floats(1, 500), st.floats(1, 500))
def test_a_request_for_speech_gains_what_its_inference_gains(factor, inference, first):
    arrival = 600.0 + first
    caller = client_events(first_byte=arrival, chunks=[(arrival, 60)])
    found = assemble("r1", caller + server_events(inference=inference))
    effect = supposed([found], [f"inference={factor:.3f}x"])
    of = outcome(effect)

    assert of.gained.p50 == pytest.approx(inference * (1 - round(factor, 3)), abs=0.01)
