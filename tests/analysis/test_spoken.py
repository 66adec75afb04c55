"""How much of an answer was spoken, how soon the agent fell silent, and how fast the model wrote."""

from __future__ import annotations

from functools import partial

import pytest

from voxtrace.analysis import assemble
from voxtrace.events import Event
from voxtrace.testing.turns import event

mark = partial(event, service="agent")
# Two chunks of 20 and 40 characters; the first is heard from 1,000 to 2,000 ms, the second until 4,000 ms.
CHUNKS = ((0, 600.0, 1000.0, 20, 1000.0), (1, 1000.0, 1500.0, 40, 2000.0))


def answer(*, length: int | None = 60, **facts: object) -> list[Event]:
    told = facts if length is None else {"response_length": length, **facts}
    return [
        mark("user.speech_start", -2000.0),
        mark("user.speech_end", 0.0),
        mark("llm.request_sent", 100.0),
        mark("llm.response_received", 600.0, **told),
    ]


def chunks(*, has_text: bool = True) -> list[Event]:
    events = [mark("playback.started", 1000.0)]
    for number, begin, end, chars, audio in CHUNKS:
        facts = {"chunk": number, "audio_duration_ms": audio} | ({"text_length": chars} if has_text else {})
        events += [mark("tts.synthesis_start", begin, **facts), mark("tts.synthesis_complete", end, **facts)]
    return events


def told(events: list[Event], name: str) -> tuple[float | None, str | None]:
    metric = assemble("r1", events).metrics[name]
    return metric.value, metric.missing


def interrupted(at: float, stopped: float) -> list[Event]:
    return [
        mark("user.speech_start", at),
        mark("user.interrupted", stopped - 10.0),
        mark("playback.completed", stopped),
    ]


def test_an_answer_that_was_heard_to_its_end_was_spoken_whole():
    assert told(answer() + chunks() + [mark("playback.completed", 4000.0)], "spoken_ratio") == (1.0, None)


def test_a_chunk_that_was_given_up_is_missing_from_what_was_spoken():
    assert told(answer(length=120) + chunks(), "spoken_ratio") == (0.5, None)


def test_of_an_answer_that_was_cut_off_counts_what_had_been_heard():
    """At 3,000 ms the first chunk had been heard, and half of the second."""
    assert told(answer() + chunks() + interrupted(2700.0, 3000.0), "spoken_ratio") == (pytest.approx(40 / 60), None)


def test_where_nobody_tells_when_the_sound_stopped_the_share_is_unknown():
    value, why = told([*answer(), *chunks(), mark("user.interrupted", 2700.0)], "spoken_ratio")

    assert value is None
    assert "no playback.completed event" in why


def test_the_text_that_was_handed_over_stands_for_chunks_that_tell_none():
    whole = [*answer(), mark("tts.request_received", 605.0, text_length=45), *chunks(has_text=False)]

    assert told(whole, "spoken_ratio") == (0.75, None)
    assert told(answer() + chunks(has_text=False), "spoken_ratio")[0] is None


@pytest.mark.parametrize("length", [None, 0])
def test_of_no_answer_nothing_is_a_share(length):
    assert told(answer(length=length) + chunks(), "spoken_ratio")[0] is None


def test_the_agent_falls_silent_from_the_users_first_word_to_its_own_last_sample():
    assert told(answer() + chunks() + interrupted(2700.0, 3000.0), "barge_in_stop_ms") == (300.0, None)


def test_a_framework_that_notes_the_interruption_does_not_tell_when_it_began():
    events = [*answer(), *chunks(), mark("user.interrupted", 2990.0), mark("playback.completed", 3000.0)]
    value, why = told(events, "barge_in_stop_ms")

    assert value is None
    assert why == "no event says when the user began to speak into the answer"


def test_a_user_who_speaks_when_the_answer_is_over_interrupts_nobody():
    events = [*answer(), *chunks(), mark("playback.completed", 4000.0), mark("user.speech_start", 4500.0)]

    assert "barge_in_stop_ms" not in assemble("r1", events).metrics
    assert told(events, "spoken_ratio") == (1.0, None)


@pytest.mark.parametrize("name", ["completion_tokens", "eval_count"])
def test_tokens_a_second_are_those_of_the_answer_over_the_models_time(name):
    assert told(answer(**{name: 40}), "llm_tokens_per_s") == (80.0, None)
    assert told(answer(), "llm_tokens_per_s")[1] == "no llm.response_received event with completion_tokens"


def test_tokens_of_several_calls_are_added_up_or_unknown():
    second = [mark("llm.request_sent", 700.0), mark("llm.response_received", 1200.0, completion_tokens=20)]

    assert told(answer(completion_tokens=40) + second, "llm_tokens_per_s") == (60.0, None)
    assert told(answer() + second, "llm_tokens_per_s")[0] is None
