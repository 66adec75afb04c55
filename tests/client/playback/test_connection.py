"""One client of the player: what its frames do and what it is answered, without a socket."""

import base64
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.playback.bench import FRAMES_PER_MS, RATE, Bench
from voxtrace.audio.wav import SampleFormat
from voxtrace.client.playback import connection as connection_module
from voxtrace.client.playback import player as player_module
from voxtrace.client.playback.answers import health
from voxtrace.client.playback.connection import Connection
from voxtrace.client.playback.errors import UnplayableFormat
from voxtrace.client.playback.stage import Stage


class Line:
    """A client on the bench: everything that it was answered, reports delivered as the daemon would."""

    def __init__(self, bench=None, number=1, query=None):
        self.bench = bench or Bench()
        self.stage = Stage(
            self.bench.player, self.bench.device, self.bench.clock, SampleFormat(RATE), "here/1.a/boot", 0
        )
        self.connection = Connection(self.stage, number, query)
        self.number = number
        self.answers = []

    def say(self, kind, **data):
        self.answers += self.connection.receive_text(json.dumps({"type": kind, "data": data}))
        return self

    def control(self, action, **params):
        return self.say("control", action=action, params=params)

    def send(self, samples):
        self.answers += self.connection.receive_bytes(np.asarray(samples, "<i2").tobytes())
        return self

    def at(self, ms):
        self.bench.at(ms)
        self.deliver()
        self.answers += self.connection.tick()
        return self

    def deliver(self):
        for utterance, report in self.bench.player.take_reports():
            if utterance.owner == self.number:
                self.answers += self.connection.told(utterance, report)

    def of(self, kind):
        return [each.data for each in self.answers if each.type == kind]


def ramp(ms, start=1):
    return np.arange(start, start + ms * FRAMES_PER_MS, dtype=np.int16)


def sound_of(bench):
    return bench.heard[bench.heard != 0]


def test_binary_frames_of_a_request_are_played_and_completed_with_its_id():
    line = Line()
    line.say("start", request_id="r1").send(ramp(100)).send(ramp(50, 1000)).say("end_stream").at(500)
    (done,) = line.of("completed")

    assert (done["requestId"], done["outcome"], done["playedMs"], done["underruns"]) == ("r1", "ok", 150, 0)
    np.testing.assert_array_equal(sound_of(line.bench), np.concatenate([ramp(100), ramp(50, 1000)]))
    assert [each["name"] for each in done["events"]][::2] == ["playback.started", "playback.completed"]


def test_several_requests_on_one_connection_play_in_order():
    line = Line()
    for number in range(3):
        line.say("start", request_id=f"r{number}").send(ramp(20, 1 + 1000 * number))
    line.say("end_stream").at(500)

    assert [each["requestId"] for each in line.of("completed")] == ["r0", "r1", "r2"]
    np.testing.assert_array_equal(sound_of(line.bench), np.concatenate([ramp(20, 1 + 1000 * n) for n in range(3)]))


def test_the_query_may_name_the_request_and_describe_its_samples():
    line = Line(query={"request_id": "q1", "sample_rate": str(RATE), "channels": "2"})
    line.send(np.repeat(ramp(50), 2)).say("end_stream").at(200)

    assert line.of("completed")[0]["requestId"] == "q1"
    np.testing.assert_array_equal(sound_of(line.bench), ramp(50))


def test_a_query_that_can_t_be_played_is_refused():
    with pytest.raises(UnplayableFormat):
        Line(query={"channels": "17"})


@pytest.mark.parametrize("encode", [lambda raw: base64.b64encode(raw).decode(), list, None])
def test_an_older_streamer_is_played_without_any_start_or_id(encode):
    raw = ramp(50).tobytes()
    if encode is list:
        chunk = {"type": "Buffer", "data": list(raw)}
    else:
        chunk = encode(raw) if encode else {str(n): value for n, value in enumerate(raw)}
    line = Line()
    line.control("play").say("audio_chunk", chunk=chunk, format={}, sequence=0).control("end_stream").at(200)
    (done,) = line.of("completed")

    assert (done["state"], done["playedMs"], len(done["requestId"])) == ("idle", 50, 32)


@given(st.lists(st.integers(0, 800), max_size=6))
def test_bytes_may_be_cut_within_a_sample(cuts):
    raw, line = ramp(50).tobytes(), Line()
    edges = [0, *sorted(cuts), len(raw)]
    line.say("start")
    for begin, end in pairwise(edges):
        line.answers += line.connection.receive_bytes(raw[begin:end])
    line.say("end_stream").at(200)

    np.testing.assert_array_equal(sound_of(line.bench), ramp(50))
    assert line.of("error") == []


def test_an_odd_total_is_told_and_the_whole_samples_are_played():
    line = Line()
    line.say("start", request_id="odd")
    line.answers += line.connection.receive_bytes(ramp(50).tobytes() + b"\7")
    line.say("end_stream").at(200)
    (error,), (done,) = line.of("error"), line.of("completed")

    assert (error["code"], error["requestId"]) == ("torn_sample", "odd")
    assert (done["outcome"], done["error"], done["playedMs"]) == ("error", "torn_sample", 50)


def test_a_change_of_rate_within_a_request_loses_nothing():
    line = Line()
    line.say("start", sample_rate=2 * RATE)
    tone = (8000 * np.sin(np.arange(200 * FRAMES_PER_MS) / 3)).astype(np.int16)
    line.send(tone).control("configure", format={"sampleRate": RATE}).send(ramp(100)).say("end_stream").at(500)
    (done,) = line.of("completed")

    assert done["playedMs"] == pytest.approx(200, abs=0.2)
    np.testing.assert_array_equal(sound_of(line.bench)[-100 * FRAMES_PER_MS :], ramp(100))


def test_pause_resume_and_stop_are_answered_with_the_state():
    line = Line()
    line.say("start").send(ramp(100)).at(20)
    line.control("pause").at(60)
    line.control("resume").at(80)
    line.control("stop").at(90)
    (done,) = line.of("completed")

    states = [each["state"] for each in line.of("status")]
    assert [state for state, before in zip(states, [None, *states], strict=False) if state != before] == [
        "idle",
        "playing",
        "paused",
        "playing",
        "idle",
    ]
    assert (done["outcome"], done["playedMs"], done["droppedMs"]) == ("cancelled", 40, 60)


def test_after_a_stop_the_next_sound_is_a_new_request():
    line = Line()
    line.send(ramp(100)).control("stop").send(ramp(50)).control("end_stream").at(300)

    assert [each["outcome"] for each in line.of("completed")] == ["cancelled", "ok"]
    assert len({each["requestId"] for each in line.of("completed")}) == 2


def test_a_client_that_dies_is_played_to_the_end_of_what_it_sent():
    line = Line()
    line.say("start", request_id="r1").send(ramp(100)).at(10)
    line.connection.lost()
    line.at(300)
    (done,) = line.of("completed")

    assert (done["outcome"], done["error"], done["playedMs"]) == ("error", "cut_short", 100)


def test_a_client_that_dies_while_it_paused_holds_up_nobody():
    bench = Bench()
    line, other = Line(bench, 1), Line(bench, 2)
    line.send(ramp(100)).control("pause")
    other.send(ramp(50)).control("end_stream")
    line.connection.lost()
    other.at(100)

    assert [each["outcome"] for each in other.of("completed")] == ["ok"]


def test_who_sends_far_ahead_is_asked_to_wait_and_then_to_go_on(monkeypatch):
    monkeypatch.setattr(player_module, "MAX_BUFFERED_BYTES", 1000 * FRAMES_PER_MS * 2)
    line = Line()
    line.send(ramp(400)).send(ramp(200)).at(100).at(400)

    assert [each["pause"] for each in line.of("flow_control")] == [True, False]
    assert line.of("error") == []


def test_who_does_not_wait_is_told_once_that_sound_was_dropped_and_at_the_end_how_much(monkeypatch):
    monkeypatch.setattr(player_module, "MAX_BUFFERED_BYTES", 100 * FRAMES_PER_MS * 2)
    line = Line()
    line.say("start").send(ramp(80)).send(ramp(80)).send(ramp(80)).say("end_stream").at(500)
    (error,), (done,) = line.of("error"), line.of("completed")

    assert error["code"] == "buffer_full"
    assert (done["playedMs"], done["droppedMs"]) == (100, 140)


def test_no_more_requests_wait_on_a_connection_than_are_allowed(monkeypatch):
    monkeypatch.setattr(connection_module, "MAX_UTTERANCES", 2)
    line = Line()
    for number in range(4):
        line.say("start", request_id=f"r{number}").send(ramp(10))

    assert {each["code"] for each in line.of("error")} == {"too_many_utterances"}


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("start", {"sample_rate": 1}, "unplayable_format"),
        ("start", {"request_id": "no blanks please"}, "message_not_understood"),
        ("start", {"request_id": 7}, "message_not_understood"),
        ("audio_chunk", {"chunk": 7}, "message_not_understood"),
        ("dance", {}, "message_not_understood"),
    ],
)
def test_bad_messages_are_answered_and_the_connection_goes_on(kind, data, code):
    line = Line()
    line.say(kind, **data).say("start", request_id="good").send(ramp(20)).say("end_stream").at(200)

    assert [each["code"] for each in line.of("error")] == [code]
    assert [each["requestId"] for each in line.of("completed")] == ["good"]


def test_status_comes_at_most_every_two_seconds_and_a_heartbeat_every_ten():
    line = Line()
    line.say("start").send(ramp(2000)).send(ramp(2000)).send(ramp(2000)).at(1)
    line.answers.clear()
    for ms in range(100, 6000, 100):
        line.at(ms)
    statuses = len(line.of("status"))
    for ms in range(6000, 31_000, 500):
        line.at(ms)

    assert statuses == 2
    assert len(line.of("heartbeat")) == 3


def test_the_envelope_is_that_of_older_daemons():
    line = Line().say("heartbeat")

    assert json.loads(line.answers[0].text(1_764_253_805_015_999_999)) == {
        "type": "heartbeat",
        "timestamp": 1_764_253_805_015,
        "data": {"status": "ok"},
    }


def test_the_timing_analysis_knows_how_the_sound_came_and_went():
    line = Line()
    line.say("timing_analysis").say("start").send(ramp(100)).at(50)
    line.send(ramp(100)).say("end_stream").at(400).say("timing_analysis")
    before, after = line.of("timing_analysis")

    assert before["basic"] == dict.fromkeys(
        ("expectedDuration", "actualDuration", "accuracy", "processingOverhead"), None
    )
    assert (after["basic"]["expectedDuration"], after["basic"]["actualDuration"]) == (200, 200)
    assert (after["chunkAnalysis"]["totalChunks"], after["chunkAnalysis"]["chunkDeliveryTime"]) == (2, 50)
    assert after["playbackAnalysis"]["underruns"] == 0


def test_health_has_the_shape_that_older_clients_read():
    line = Line().send(ramp(500))
    facts = health(line.stage, 1, 0)

    assert set(facts) == {"status", "timestamp", "uptime", "version", "audioProcessor", "clients"}
    assert facts["audioProcessor"]["isPlaying"]
    assert facts["audioProcessor"]["ringBuffer"]["size"] == 500 * FRAMES_PER_MS
