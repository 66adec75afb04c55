import json

import pytest

from tests.client.answers import END, MS, chunk, head, mp3, pcm, wav, whole
from tests.client.scripted_server import CLOSE, ScriptedServer
from voxtrace.client.errors import AnswerCutShort
from voxtrace.client.recording import RecordingFailed
from voxtrace.client.request import SpeechRequest, endpoint
from voxtrace.client.saying import DETAILED_REQUESTS, Progress, SayOptions, say
from voxtrace.events.codec import decode
from voxtrace.tracker import Tracker, TrackerOptions

LONG = "A sentence of eight words is said here. " * 250  # 10,000 characters: three requests


class Mouth:
    """Says texts to a server and keeps what was marked."""

    def __init__(self, tmp_path):
        self.out = tmp_path / "said.wav"
        self._options = TrackerOptions(data=tmp_path)

    def say(self, server, text="Hello", show=None, **more):
        lines = []
        tracker = Tracker("client", sink=lambda batch: lines.extend(batch.lines.splitlines()), options=self._options)
        options = SayOptions(endpoint(server.url), SpeechRequest(text), **{"out": str(self.out)} | more)
        try:
            return say(options, tracker, show)
        finally:
            tracker.close()
            self.events = [decode(line) for line in lines]


@pytest.fixture
def mouth(tmp_path):
    return Mouth(tmp_path)


def inputs(server):
    return [json.loads(request.partition(b"\r\n\r\n")[2])["input"] for request in server.requests]


def test_a_short_text_is_one_request_without_a_session(mouth):
    with ScriptedServer(head(content_type="audio/wav"), chunk(wav(pcm(0, 60))), END) as server:
        saying = mouth.say(server)

    assert (saying.requests, saying.session_id, saying.failure) == (1, None, None)
    assert saying.sound.file == mouth.out
    assert mouth.out.stat().st_size == 44 + 60 * MS


def test_a_long_text_is_said_in_order_and_heard_as_one(mouth):
    with ScriptedServer(head(content_type="audio/wav"), chunk(wav(pcm(0, 60))), END) as server:
        saying = mouth.say(server, LONG)

    assert saying.requests == len(saying.said) == len(server.requests) == 3
    assert " ".join(inputs(server)) == LONG.strip()
    assert mouth.out.stat().st_size == 44 + 180 * MS


def test_the_requests_of_one_text_are_a_session(mouth):
    with ScriptedServer(whole(pcm(0, 60))) as server:
        saying = mouth.say(server, LONG, request_id="mine")

    assert [said.request_id for said in saying.said] == ["mine", "mine-2", "mine-3"]
    assert {event.session_id for event in mouth.events} == {"mine"}


def test_what_is_seen_is_what_is_marked(mouth):
    with ScriptedServer(whole(pcm(0, 60))) as server:
        saying = mouth.say(server)

    seen = [(moment.name, moment.at.mono_ns, moment.metadata) for moment in saying.said[0].moments]
    assert seen == [(event.name, event.mono_ns, event.metadata) for event in mouth.events]


def test_after_a_failure_nothing_more_is_asked_and_what_came_stays(mouth):
    with ScriptedServer(head(), chunk(pcm(0, 60)), CLOSE) as server:
        saying = mouth.say(server, LONG)

    assert isinstance(saying.failure, AnswerCutShort)
    assert (saying.requests, len(saying.said), len(server.requests)) == (3, 1, 1)
    assert saying.was_heard
    assert mouth.out.read_bytes() == pcm(0, 60)


def test_a_refusal_leaves_no_file(mouth):
    with ScriptedServer(whole(b"{}", 400)) as server:
        saying = mouth.say(server)

    assert not saying.was_heard
    assert not mouth.out.exists()


def test_progress_tells_the_request_and_the_audio_so_far(mouth):
    told = []
    with ScriptedServer(whole(pcm(0, 500))) as server:
        mouth.say(server, LONG, show=told.append)

    assert told[0] == Progress(1, 3, 0.5)
    assert told[-1] == Progress(3, 3, 1.5)


def test_a_file_that_can_not_be_written_ends_the_request_as_cancelled(mouth, tmp_path):
    with ScriptedServer(whole(mp3(pcm(0, 60)), content_type="audio/mpeg")) as server, pytest.raises(RecordingFailed):
        mouth.say(server, out=str(tmp_path / "no" / "folder" / "said.mp3"))

    assert mouth.events[-1].metadata["outcome"] == "cancelled"


def test_of_a_book_the_reads_of_later_requests_are_not_kept(mouth):
    with ScriptedServer(whole(pcm(0, 60))) as server:
        saying = mouth.say(server, "A sentence of eight words is said here. " * 1000)
    kept = [sum(moment.name == "AUDIO_CHUNK_RECEIVED" for moment in said.moments) for said in saying.said]

    assert len(kept) > DETAILED_REQUESTS
    assert [reads > 0 for reads in kept] == [number < DETAILED_REQUESTS for number in range(len(kept))]
    assert sum(event.name == "AUDIO_CHUNK_RECEIVED" for event in mouth.events) >= len(kept)
