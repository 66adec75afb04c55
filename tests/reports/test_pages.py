"""Golden pages of turns and summaries."""

import json
from io import StringIO

import pytest
from rich.console import Console

from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.statistics.interval import Interval
from voxtrace.reports.json_report import summary_to_json, turn_to_json
from voxtrace.reports.summary_report import summary_to_markdown, summary_to_terminal
from voxtrace.reports.terminal import list_of_turns, one_turn
from voxtrace.reports.words import amount, interval_words, percent
from voxtrace.testing.turns import client_events, event, server_events

CONVERSATION = [
    event("stt_transcript_finalized", 0, "stt"),
    event("v34_webhook_received", 23, "v34"),
    event("v34_ollama_sent", 880, "v34", temperature=0.4),
    event("v34_ollama_received", 5200, "v34", response_length=120),
    event("tts_request_received", 5230, "tts"),
    event("tts_pause_sent", 5235, "tts"),
    event("tts_synthesis_start", 5445, "tts"),
    event("tts_audio_playback_start", 5890, "tts"),
    event("tts_audio_playback_complete", 8450, "tts"),
]


def page(renderable, width=110) -> str:
    paper = StringIO()
    Console(width=width, color_system=None, file=paper, highlight=False).print(renderable)
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines()) + "\n"


def population():
    ids = [f"r{number}" for number in range(25)]
    made = [
        assemble(
            each,
            client_events(
                request_id=each, first_byte=100 + n, leading_silence=None if n == 3 else 20, chunks=[(100 + n, 900)]
            )
            + server_events(request_id=each, inference=5 + n),
        )
        for n, each in enumerate(ids)
    ]
    failed = [event("REQUEST_START", 0, "client", request_id="bad")]
    failed += [event("REQUEST_COMPLETE", 1, "client", request_id="bad", outcome="error", error="refused")]
    return [*made, assemble("bad", failed)]


def test_what_lacks_the_same_stands_together_and_no_name_of_a_metric_loses_its_end():
    summary = summarize([assemble("r1", client_events(leading_silence=None))])
    narrow = page(summary_to_terminal(summary, 60), width=60)

    assert "required_prebuffer_ms" in narrow
    assert all("1/1" in line for line in narrow.splitlines() if line.startswith(("ttfb_ms  ", "stall_ms  ")))
    assert any(line.startswith("stall_ms  ") for line in narrow.splitlines())
    assert "| phoneme_ms, inference_ms | no server.inference_start event (1) |" in summary_to_markdown(summary)


def test_an_interval_of_counts_has_no_places_behind_the_point():
    assert interval_words(Interval(1.0, 2.0, "order statistics", 0.95), "count") == "1 – 2"
    assert interval_words(Interval(1.0, None, "order statistics", 0.95), "ms") == "≥ 1.00"


def test_one_slow_conversation(golden):
    golden("conversation.txt", page(one_turn(assemble("r1", CONVERSATION), 110)))


def test_one_speech_request_of_both_sides(golden):
    golden("speech.txt", page(one_turn(assemble("r1", client_events() + server_events()), 110)))


def test_long_facts_push_neither_time_nor_name_out_of_the_line():
    events = [event("REQUEST_START", 0, "client", url="http://127.0.0.1/" + "x" * 500), *CONVERSATION]

    lines = page(one_turn(assemble("r1", events), 110)).splitlines()

    assert any(line.startswith("    0 ms  client   REQUEST_START") for line in lines)


def test_long_names_of_parts_are_whole_and_those_without_end_leave_room_for_the_bar():
    events = [
        event("playback.started", 0, "player"),
        event("playback.first_sample", 20, "player"),
        event("x" * 90, 30, "player"),
        event("REQUEST_COMPLETE", 40, "client", outcome="ok"),
    ]

    lines = page(one_turn(assemble("r1", events), 110)).splitlines()

    assert any(line.startswith("silence before the speech  ") for line in lines)
    assert all(len(line) <= 110 for line in lines)


def test_a_list_of_requests(golden):
    golden("requests.txt", page(list_of_turns([assemble("r1", CONVERSATION), *population()[-3:]])))


def test_a_summary_for_the_terminal(golden):
    golden("summary.txt", page(summary_to_terminal(summarize(population()))))


def test_a_summary_as_markdown(golden):
    golden("summary.md", summary_to_markdown(summarize(population())))


def test_a_turn_and_a_summary_as_json(golden):
    golden("turn.json", json.dumps(turn_to_json(assemble("r1", CONVERSATION)), indent=2) + "\n")
    golden("summary.json", json.dumps(summary_to_json(summarize(population())), indent=2) + "\n")


def test_every_metric_of_json_is_in_exactly_one_state():
    metrics = turn_to_json(assemble("r1", client_events() + CONVERSATION))["metrics"]

    assert {len({"value", "missing", "rejected"} & set(metric)) for metric in metrics.values()} == {1}


def test_in_eighty_columns_a_list_has_whole_numbers():
    speech = assemble("5ce2a446131edc2ad94e3584ddfaf674", client_events(first_byte=100, leading_silence=None))
    paper = StringIO()
    Console(width=80, color_system=None, file=paper).print(list_of_turns([speech, assemble("r1", CONVERSATION)], 80))
    first, second = paper.getvalue().splitlines()[1:]

    assert "first_audio_ms 100.0 ms" in first
    assert "≥ 5,890 ms" in second
    assert second.rstrip().endswith("language model")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "ms", "0 ms"),
        (0.0004, "ms", "<0.001 ms"),
        (0.0031, "ms", "0.0031 ms"),
        (0.26, "ms", "0.26 ms"),
        (0.0015, "ratio", "0.0015"),
        (1234.5, "ms", "1,234 ms"),
        (0.252, "%", "25.2%"),
    ],
)
def test_only_nothing_is_written_as_0(value, unit, words):
    assert amount(value, unit) == words


@pytest.mark.parametrize(
    ("share", "words"), [(0, "0.0%"), (0.0001, "<0.1%"), (0.5, "50.0%"), (0.9996, ">99.9%"), (1, "100.0%")]
)
def test_a_share_is_all_or_nothing_only_where_it_is(share, words):
    assert percent(share) == words
