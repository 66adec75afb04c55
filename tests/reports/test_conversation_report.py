"""The story of a turn in every form: the same sections, and what the user lived through."""

from __future__ import annotations

import json

import pytest

from tests.reports.test_pages import page
from voxtrace.analysis import assemble
from voxtrace.judge.turn_story import tell
from voxtrace.reports.conversation_html import story_to_html
from voxtrace.reports.conversation_report import story_to_json, story_to_markdown, story_to_terminal
from voxtrace.reports.conversation_words import sections_of
from voxtrace.reports.session_story import session_sections
from voxtrace.testing.turns import client_events, event, server_events


def talk(*chunks, request_id="r1", spoken=True, played=None, more=()):
    """A turn whose chunks are (begun, ready, sound in seconds)."""

    def mark(name, at, service, **facts):
        return event(name, at * 1000, service, request_id=request_id, **facts)

    events = [mark("user.speech_end", 0.0, "stt")] if spoken else []
    events += [
        mark("stt_start", 0.0, "stt"),
        mark("stt_end", 0.6, "stt"),
        mark("request_received", 0.65, "backend"),
        mark("ollama_start", 0.7, "ollama"),
        mark("ollama_end", 3.7, "ollama", response_length=200),
    ]
    for number, (begun, ready, sound) in enumerate(chunks):
        events.append(mark("chunk_tts_start", begun, "tts", chunk=number, text_length=40))
        facts = {} if sound is None else {"audio_duration_s": sound}
        events.append(mark("chunk_tts_end", ready, "tts", chunk=number, **facts))
    events += [mark("playback.started", played, "player")] if played else []
    last = max((ready for _, ready, _ in chunks), default=3.7)
    events.append(mark("request_end", max(last, played or 0) + 0.1, "backend"))
    return [*events, *(mark(*each) for each in more)]


def story(*chunks, **more):
    return tell(assemble("r1", talk(*chunks, **more)))


def lines(told, title):
    return next((each.lines for each in sections_of(told) if each.title == title), ())


def user(told):
    return [" ".join(line.split()) for line in lines(told, "AS THE USER LIVES IT")]


GAPPED = story((3.8, 6.0, 4.0), (3.9, 14.3, 3.0), (6.0, 9.0, 2.0), played=6.0)


def test_a_story_for_the_terminal(golden):
    golden("story.txt", page(story_to_terminal(GAPPED)))


def test_a_story_as_markdown(golden):
    golden("story.md", story_to_markdown(GAPPED))


def test_a_story_as_a_page(golden):
    golden("story.html", story_to_html(GAPPED))


def test_a_story_as_json(golden):
    golden("story.json", json.dumps(story_to_json(GAPPED), indent=2) + "\n")


def test_a_session_stands_in_front_of_its_slowest_turn(golden):
    stories = [GAPPED, story((3.8, 5.0, 4.0)), story((3.8, 5.5, None), spoken=False)]

    golden("story_session.txt", page(story_to_terminal(GAPPED, session_sections("s1", stories))))


def test_the_user_hears_nothing_then_a_word_then_silence_then_the_rest():
    assert user(GAPPED) == [
        "0.0 s you stop speaking",
        "0.0 s … nothing is heard for 0.6 s: speech to text",
        "0.7 s … nothing is heard for 3.0 s: language model",
        "3.7 s … nothing is heard for 0.1 s: unattributed",
        "3.8 s … nothing is heard for 2.2 s: synthesis",
        "6.0 s the first word",
        "10.0 s silence for 4.3 s, in the middle of the answer",
        "14.3 s it goes on",
        "19.3 s the answer is over, unless it was paused",
    ]


def test_a_chunk_that_is_ready_early_is_played_in_its_place():
    told = story((3.8, 6.0, 4.0), (3.9, 9.0, 3.0), (4.0, 5.0, 2.0), played=6.0)

    assert user(told)[-1].startswith("15.0 s the answer is over")
    assert not any("silence" in line for line in user(told))


def test_what_was_not_logged_is_not_claimed():
    told = story((3.8, 6.0, None), spoken=False)

    assert "was not" in user(told)[0]
    assert "at the earliest" in user(told)[-2]
    assert user(told)[-1] == "6.0 s how long the answer lasts, the log does not tell"


def test_an_answer_that_is_interrupted_ends_there():
    told = story((3.8, 6.0, 4.0), played=6.0, more=[("user.interrupted", 8.0, "stt")])

    assert user(told)[-1] == "8.0 s you speak into the answer"


def test_of_a_turn_that_nobody_heard_it_is_said():
    told = story(played=None)

    assert user(told)[-1].endswith("no event says that anything was ever heard")
    assert told.cause.certainty == "possible"


def test_a_late_chunk_is_what_is_slow_and_a_hidden_one_is_what_works():
    assert any("chunk 1 came 4.30 s too late" in line for line in lines(GAPPED, "WHAT IS SLOW"))
    assert any("chunk 2 was there 8.30 s before it was needed" in line for line in lines(GAPPED, "WHAT WORKS"))


def test_a_stage_within_its_target_works_and_one_behind_it_is_slow_and_gains_by_a_replay():
    told = story((3.8, 9.0, 4.0), played=9.0)

    assert any(line.startswith("language model: 3,000 ms") for line in lines(told, "WHAT WORKS"))
    assert any("5,200 ms, 1.73× its target ≤ 3,000 ms" in line for line in lines(told, "WHAT IS SLOW"))
    assert next((each.rule, each.gain) for each in told.advice) == ("slow_synthesis", 4_700_000_000)


def test_one_speech_request_is_told_by_the_budget_of_its_population():
    chunks = [(120.0, 60.0), (400.0, 500.0)]
    told = tell(assemble("r1", client_events(chunks=chunks) + server_events(cache="hit")))

    assert {each.profile for each in told.judged} == {"cached", "server", "streaming"}
    assert user(told)[0] == "0 ms you ask for speech"
    assert "180 ms silence for 220 ms, in the middle of the answer" in user(told)


def test_a_single_event_is_told_without_a_cause():
    told = tell(assemble("r1", [event("stt_start", 0, "stt")]))

    assert told.cause is None
    assert told.verdict == "inconclusive"
    assert "not known" in lines(told, "ROOT CAUSE")[0]


@pytest.mark.parametrize("number", [3, 3000])
def test_long_answers_keep_the_page_short(number):
    told = story(*((3.8 + n, 4.8 + n, 0.5) for n in range(number)))

    assert len(story_to_html(told)) < 60_000


def test_what_stands_in_a_log_is_text_in_every_form():
    events = [event("<script>alert(1)</script>", 0, "<b>", request_id="<i>"), *talk((3.8, 6.0, 4.0), request_id="<i>")]
    told = tell(assemble("<i>", events))

    assert "<script>" not in story_to_html(told)
    assert "<i>" not in story_to_html(told).replace('<i style="', "")


def test_what_does_not_fit_on_a_line_goes_on_behind_its_moment_and_not_under_it():
    heard = page(story_to_terminal(GAPPED), width=44).split("AS THE USER LIVES IT\n")[1].split("\n\n")[0].splitlines()
    wrapped = [line for line in heard if not line.lstrip()[0].isdigit()]

    assert wrapped
    assert all(line.startswith(" " * 12) for line in wrapped)
