"""The player over real sockets: its door, its limits, and the caller that plays through it."""

import http.client
import json
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.journeys.services import wait_until
from voxtrace.audio.wav import SampleFormat, write_header
from voxtrace.cli.front_door import FrontDoor
from voxtrace.client.playback import app as app_module
from voxtrace.client.playback.app import PlayerApp
from voxtrace.client.playback.device import NullDevice
from voxtrace.client.playback.player import Player
from voxtrace.client.playback.remote import RemotePlayer
from voxtrace.client.playback.stage import Stage
from voxtrace.client.player import PlayingFailed
from voxtrace.client.recording import Recording
from voxtrace.client.sound import WavSound
from voxtrace.clock import SystemClock

RATE = 24_000
FORMAT = SampleFormat(RATE)


class Daemon:
    """A player on a real port, with a null device in real time."""

    def __init__(self):
        self.player = Player(RATE, 1, "null")
        self.out, self.notes = [], []
        device = NullDevice(RATE, 1)
        device.start(self._render)
        self._device = device
        stage = Stage(self.player, device, SystemClock(), FORMAT, "here/1.a/boot", 0)
        app = PlayerApp(stage, lambda utterance, report, wall_ns: self.notes.append((utterance, report)))
        config = uvicorn.Config(
            app.asgi(lambda inner: FrontDoor(inner)), port=0, lifespan="on", log_level="critical", ws_max_size=100_000
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: self._server.started, "the player")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"

    def _render(self, frames, pull):
        samples = self.player.render(frames, pull)
        self.out.append(samples)
        return samples

    def sound(self):
        heard = np.concatenate(self.out)
        return heard[heard != 0]

    def close(self):
        self._server.should_exit = True
        self._thread.join()
        self._device.stop()


@pytest.fixture
def daemon():
    running = Daemon()
    yield running
    running.close()


@contextmanager
def client(daemon, **more):
    with connect(daemon.url, proxy=None, **more) as socket:
        yield socket


def heard_until(socket, kind):
    """The data of the next message of that type."""
    while True:
        message = json.loads(socket.recv(timeout=10))
        if message["type"] == kind:
            return message["data"]


def ramp(ms, start=1):
    return np.arange(start, start + ms * RATE // 1000, dtype=np.int16)


def test_sound_is_played_and_told_of(daemon):
    with client(daemon) as socket:
        socket.send('{"type": "start", "request_id": "r1"}')
        socket.send(ramp(50).tobytes())
        socket.send('{"type": "end_stream"}')
        done = heard_until(socket, "completed")

    assert (done["requestId"], done["playedMs"], done["outcome"]) == ("r1", 50, "ok")
    np.testing.assert_array_equal(daemon.sound(), ramp(50))
    assert [report.name for _, report in daemon.notes][::2] == ["playback.started", "playback.completed"]


def test_of_two_clients_one_plays_and_the_other_follows(daemon):
    with client(daemon) as one, client(daemon) as other:
        one.send(ramp(80).tobytes())
        heard_until(one, "status")
        other.send(ramp(40, 5000).tobytes())
        other.send('{"type": "end_stream"}')
        one.send('{"type": "end_stream"}')
        heard_until(one, "completed")
        heard_until(other, "completed")

    np.testing.assert_array_equal(daemon.sound(), np.concatenate([ramp(80), ramp(40, 5000)]))


def test_a_client_that_dies_within_its_speech_is_heard_to_its_last_sample(daemon):
    with client(daemon) as socket:
        socket.send(ramp(60).tobytes())
        heard_until(socket, "status")
        socket.socket.close()
    wait_until(lambda: any(report.name == "playback.completed" for _, report in daemon.notes), "the end")

    assert daemon.notes[-1][1].metadata["error"] == "cut_short"
    np.testing.assert_array_equal(daemon.sound(), ramp(60))


def test_health_is_answered_to_everybody_of_this_machine_and_to_nobody_under_a_foreign_name(daemon):
    answers = []
    for host in (f"127.0.0.1:{daemon.port}", "evil.test"):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
        connection.request("GET", "/health", headers={"Host": host})
        response = connection.getresponse()
        answers.append((response.status, json.loads(response.read()).get("status")))
        connection.close()

    assert answers == [(200, "ok"), (400, None)]


def test_a_page_of_another_origin_can_not_speak(daemon):
    with pytest.raises(InvalidStatus) as refused, client(daemon, origin="http://evil.test"):
        pass

    assert refused.value.response.status_code == 403


def test_a_message_beyond_the_limit_ends_the_connection_and_nothing_else(daemon):
    with client(daemon) as socket:
        socket.send(bytes(200_000))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    with client(daemon) as other:
        other.send('{"type": "heartbeat"}')

        assert heard_until(other, "heartbeat") == {"status": "ok"}
    assert closed.value.rcvd.code == 1009


def test_more_clients_than_there_is_room_for_are_sent_away(daemon, monkeypatch):
    monkeypatch.setattr(app_module, "MAX_CLIENTS", 1)
    with client(daemon) as first:
        first.send('{"type": "heartbeat"}')
        heard_until(first, "heartbeat")
        with client(daemon) as second, pytest.raises(ConnectionClosed) as closed:
            second.recv(timeout=10)

    assert closed.value.rcvd.code == 1013


def test_a_query_that_can_t_be_played_is_explained_before_the_door_closes(daemon):
    with connect(f"{daemon.url}/?channels=9", proxy=None) as socket:
        told = heard_until(socket, "error")

    assert told["code"] == "unplayable_format"


def recorded(path, *answers):
    """A recording of answers, (request id, samples) each."""
    recording = Recording(path)
    for request_id, samples in answers:
        recording.begin_answer(request_id)
        recording.add(WavSound(), write_header(FORMAT) + samples.tobytes())
    recording.close()
    return recording


def test_a_recording_is_played_request_by_request_and_its_moments_come_back(daemon, tmp_path):
    remote = RemotePlayer(daemon.url)
    remote.connect()
    remote(recorded(tmp_path / "said.wav", ("a", ramp(30)), ("b", ramp(40, 5000))), threading.Event())
    remote.close()

    np.testing.assert_array_equal(daemon.sound(), np.concatenate([ramp(30), ramp(40, 5000)]))
    completed = [event for event in remote.events if event.name == "playback.completed"]
    assert [(event.request_id, event.metadata["played_ms"]) for event in completed] == [("a", 30), ("b", 40)]
    assert {(event.service, event.clock) for event in remote.events} == {("player", "here/1.a/boot")}


class Scripted:
    """The far end of a player's socket: what it answers to each frame, in order."""

    def __init__(self, *answers):
        self.answers, self.log = list(answers), []

    def send(self, frame):
        self.log.append("sound" if isinstance(frame, bytes) else json.loads(frame)["type"])

    def recv(self, timeout):
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            raise TimeoutError
        self.log.append(answer[0])
        return json.dumps({"type": answer[0], "data": answer[1]})


def test_a_caller_sends_nothing_while_the_player_asks_to_wait(tmp_path, monkeypatch):
    monkeypatch.setattr("voxtrace.client.recording.BLOCK_BYTES", 960)
    done = {"requestId": "a", "clock": "c", "events": [], "droppedMs": 0, "outcome": "ok", "error": None}
    wait, go_on = ("flow_control", {"pause": True}), ("flow_control", {"pause": False})
    far = Scripted(wait, None, None, ("status", {"device": "null"}), go_on, None, None, None, ("completed", done))
    remote = RemotePlayer("ws://player")
    remote._player = far
    remote(recorded(tmp_path / "said.wav", ("a", ramp(50))), threading.Event())

    assert far.log == [
        *("start", "sound", "flow_control", "status", "flow_control", "sound", "sound", "end_stream"),
        "completed",
    ]


def test_who_wants_no_more_is_obeyed(daemon, tmp_path):
    remote, stop = RemotePlayer(daemon.url), threading.Event()
    remote.connect()
    threading.Timer(0.05, stop.set).start()
    remote(recorded(tmp_path / "said.wav", ("a", ramp(1300))), stop)
    remote.close()
    wait_until(lambda: any(report.name == "playback.completed" for _, report in daemon.notes), "the end")

    assert daemon.notes[-1][1].metadata["outcome"] == "cancelled"


def test_a_player_that_is_not_there_is_named(tmp_path):
    remote = RemotePlayer("ws://127.0.0.1:9")

    assert not remote.connect()
    with pytest.raises(PlayingFailed, match=r"ws://127\.0\.0\.1:9"):
        remote(recorded(tmp_path / "said.wav", ("a", ramp(30))), threading.Event())
