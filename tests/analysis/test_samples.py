"""A real voice-to-voice request, told as its own documentation tells it."""

from tests.samples import sample
from voxtrace.analysis import assemble
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.events.codec import decode
from voxtrace.units import millis


def turn_of(path):
    return assemble("sample", [decode(line) for line in sample(path).read_bytes().splitlines()])


def test_the_example_request_has_its_documented_timeline():
    turn = turn_of("little_timmy/latency_example.log")

    assert [round(millis(mark.at)) for mark in turn.marks] == [
        0, 15, 23, 125, 850, 862, 880, 5200, 5215, 5230, 5235, 5445, 5890, 8450,
    ]  # fmt: skip


def test_the_example_request_waited_for_its_language_model():
    turn = turn_of("little_timmy/latency_example.log")

    assert (turn.slowest.name, millis(turn.slowest.length)) == ("language model", 4320)
    assert [millis(part.length) for part in turn.parts if part.name == UNATTRIBUTED] == [210]
    assert "end_of_speech_not_logged" in {finding.rule for finding in turn.findings}


def test_two_overlapping_speech_chunks_are_kept_apart():
    turn = turn_of("english_tutor/log_analysis.jsonl")
    chunks = sorted(round(millis(span.end - span.begin)) for span in turn.spans if span.name == "synthesis")

    assert chunks == [8669, 10554]
