import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from tests.client.answers import END, MS, chunk, head, pcm, wav, whole
from tests.client.scripted_server import CLOSE, RESET, ScriptedServer
from voxtrace.client.caller import Caller, CallOptions, Timeouts
from voxtrace.client.errors import (
    AnswerCutShort,
    ConnectionRefused,
    ConnectTimedOut,
    FirstByteTimedOut,
    HostUnknown,
    NotHttp,
    RequestRejected,
    StreamStalled,
    TlsFailed,
)
from voxtrace.client.request import SpeechRequest, endpoint
from voxtrace.errors import InvalidOption
from voxtrace.events.codec import decode
from voxtrace.tracker import Batch, Tracker, TrackerOptions

ID = "0af7651916cd43dd8448eb211c80319c"
HURRIED = Timeouts(connect_s=5, first_byte_s=0.2, stall_s=0.2)


class Call:
    """One call, what it marked and what it heard."""

    def __init__(self, tmp_path, url, options=None, request_id=ID, when_heard=lambda: None):
        self._when_heard = when_heard
        self.heard = b""
        self.events = []
        self.error = None
        tracker = Tracker("client", sink=self._keep, options=TrackerOptions(data=tmp_path))
        caller = Caller(endpoint(url), tracker, options)
        try:
            self.exchange = caller.speak(SpeechRequest("Hello", format="pcm"), request_id, self.listen)
        except BaseException as error:  # noqa: BLE001 - the tests look at it
            self.error = error
        tracker.close()

    def listen(self, exchange, body):
        self.heard += body
        self._when_heard()

    def _keep(self, batch: Batch):
        self.events += [decode(line) for line in batch.lines.splitlines()]

    @property
    def names(self):
        return [event.name for event in self.events]

    @property
    def end(self):
        return dict(self.events[-1].metadata)


@pytest.fixture
def call(tmp_path):
    return lambda url, options=None, **more: Call(tmp_path, url, options, **more)


def test_speech_is_heard_and_every_stage_marked(call):
    with ScriptedServer(head(), chunk(pcm(0, 60)), END) as server:
        done = call(server.url)

    assert done.heard == pcm(0, 60)
    assert done.names[:3] == ["REQUEST_START", "REQUEST_SENT", "HEADERS_RECEIVED"]
    assert done.names[-3:] == ["FIRST_AUDIBLE_CHUNK", "LAST_AUDIO_CHUNK", "REQUEST_COMPLETE"]
    assert {(event.request_id, event.service) for event in done.events} == {(ID, "client")}
    assert done.end == {"outcome": "ok", "bytes": 60 * MS, "status": 200}
    assert dict(done.events[0].metadata) == {
        "text_chars": 5, "voice": "alloy", "format": "pcm", "speed": 1.0, "source": "real",
        "url": f"{server.url}/v1/audio/speech",
    }  # fmt: skip


def test_the_marks_keep_the_time_of_their_read(call):
    with ScriptedServer(head(), chunk(pcm(30, 60)), END) as server:
        done = call(server.url)
    at = {event.name: (event.mono_ns, event.wall_ns) for event in done.events}

    assert at["FIRST_BYTE_RECEIVED"] == at["FIRST_AUDIO_CHUNK"] == at["FIRST_AUDIBLE_CHUNK"]
    assert at["REQUEST_START"] < at["REQUEST_SENT"] <= at["HEADERS_RECEIVED"] <= at["LAST_AUDIO_CHUNK"]


def test_audio_is_handed_on_while_the_server_still_speaks(tmp_path):
    first_was_heard = threading.Event()
    with ScriptedServer(head(), chunk(pcm(0, 60)), first_was_heard.wait, chunk(pcm(0, 60)), END) as server:
        caller = Caller(endpoint(server.url), Tracker("client", sink=lambda batch: None))
        done = caller.speak(SpeechRequest("Hello"), ID, lambda exchange, body: first_was_heard.set())

    assert done.chunks == 2


def test_the_request_id_travels_in_both_headers(call):
    with ScriptedServer(whole(pcm(0, 20))) as server:
        call(server.url)

    assert f"x-request-id: {ID}".encode() in server.requests[0]
    assert f"traceparent: 00-{ID}-".encode() in server.requests[0]


@pytest.mark.parametrize("bad", ["", "two words", "a\r\nx-evil: 1", "ü"])
def test_a_request_id_that_can_not_stand_in_a_header_is_refused_before_anything_is_sent(call, bad):
    done = call("http://127.0.0.1:9", request_id=bad)

    assert isinstance(done.error, InvalidOption)
    assert done.events == []


def test_a_key_is_sent_and_never_marked(call):
    with ScriptedServer(whole(pcm(0, 20))) as server:
        done = call(server.url, CallOptions(api_key="sk-very-secret"))

    assert b"Authorization: Bearer sk-very-secret" in server.requests[0]
    assert "sk-very-secret" not in str(done.events)


def test_nothing_listening_is_a_refused_connection(call):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = call(f"http://127.0.0.1:{port}")

    assert isinstance(done.error, ConnectionRefused)
    assert "voxtrace up" in str(done.error)
    assert done.error.exit_code == 3
    assert done.names == ["REQUEST_START", "REQUEST_COMPLETE"]
    assert (done.end["outcome"], done.end["error"]) == ("error", "connection_refused")


def test_a_name_that_leads_nowhere_is_told_apart(call):
    done = call("http://no-such-host.invalid")

    assert isinstance(done.error, HostUnknown)


def test_a_listener_that_accepts_nobody_is_a_connect_timeout(call):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        done = call(f"http://127.0.0.1:{address[1]}", CallOptions(Timeouts(connect_s=0.2)))
        for filler in fillers:
            filler.close()

    assert isinstance(done.error, ConnectTimedOut)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", head()], ids=["nothing", "half a header", "a header"])
def test_no_byte_of_the_body_is_a_first_byte_timeout(call, said):
    never = threading.Event()
    with ScriptedServer(said, lambda: never.wait(20)) as server:
        done = call(server.url, CallOptions(HURRIED))
        never.set()

    assert isinstance(done.error, FirstByteTimedOut)
    assert done.end["error"] == "first_byte_timeout"


def test_a_server_that_drips_headers_does_not_move_the_deadline(call):
    gone = threading.Event()
    dripping = [step for _ in range(100) for step in (b"x-a: 1\r\n", lambda: gone.wait(0.05))]
    with ScriptedServer(b"HTTP/1.1 200 OK\r\n", *dripping) as server:
        done = call(server.url, CallOptions(HURRIED))
        gone.set()

    assert isinstance(done.error, FirstByteTimedOut)


def test_a_body_that_stops_in_the_middle_is_a_stall_and_what_came_is_kept(call):
    never = threading.Event()
    with ScriptedServer(head(), chunk(pcm(0, 60)), lambda: never.wait(20)) as server:
        done = call(server.url, CallOptions(HURRIED))
        never.set()

    assert isinstance(done.error, StreamStalled)
    assert done.heard == pcm(0, 60)
    assert done.names[-2:] == ["FIRST_AUDIBLE_CHUNK", "REQUEST_COMPLETE"]
    assert done.end["bytes"] == 60 * MS


@pytest.mark.parametrize("how", [CLOSE, RESET])
def test_a_chunked_body_that_is_aborted_is_an_error_and_what_came_is_kept(call, how):
    heard = threading.Event()
    with ScriptedServer(head(), chunk(pcm(0, 60)), heard.wait, how) as server:
        done = call(server.url, when_heard=heard.set)

    assert isinstance(done.error, AnswerCutShort)
    assert done.heard == pcm(0, 60)
    assert (done.end["outcome"], done.end["error"], done.end["status"]) == ("error", "cut_short", 200)


def test_a_refusal_comes_with_the_servers_own_words(call):
    with ScriptedServer(whole(b'{"error":{"message":"no voice x"}}', 400, "application/json")) as server:
        done = call(server.url)

    assert isinstance(done.error, RequestRejected)
    assert (done.end["error"], done.end["status"]) == ("rejected", 400)
    assert "no voice x" in done.end["error_message"]
    assert done.heard == b""


def test_what_does_not_speak_http_is_named(call):
    with ScriptedServer(b"220 mail.example ESMTP\r\n", CLOSE) as server:
        done = call(server.url)

    assert isinstance(done.error, NotHttp)


def test_tls_to_a_server_without_it_is_a_tls_error(call):
    with ScriptedServer(whole(b"")) as server:
        done = call(server.url.replace("http", "https"))

    assert isinstance(done.error, TlsFailed)
    assert "http://" in str(done.error)


def test_a_listener_that_leaves_ends_the_request_as_cancelled(tmp_path):
    events = []
    tracker = Tracker("client", sink=lambda batch: events.extend(batch.lines.splitlines()))
    with ScriptedServer(head(), chunk(pcm(0, 60)), END) as server:

        def leave(exchange, body):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Caller(endpoint(server.url), tracker).speak(SpeechRequest("Hello"), ID, leave)
    tracker.close()

    assert decode(events[-1]).metadata["outcome"] == "cancelled"


def test_a_wav_that_ends_with_its_connection_is_whole(call):
    raw = b"HTTP/1.0 200 OK\r\ncontent-type: audio/wav\r\n\r\n" + wav(pcm(0, 60))
    with ScriptedServer(raw, CLOSE) as server:
        done = call(server.url)

    assert done.error is None
    assert done.end["outcome"] == "ok"


@pytest.fixture
def certificate(tmp_path):
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    return certificate, lambda connection: served.wrap_socket(connection, server_side=True)


def test_speech_over_tls_is_the_same_speech(call, certificate):
    path, wrap = certificate
    trust = ssl.create_default_context(cafile=path)
    with ScriptedServer(head(), chunk(pcm(0, 60)), END, wrap=wrap) as server:
        done = call(server.url.replace("http", "https"), CallOptions(trust=trust))

    assert done.error is None
    assert done.heard == pcm(0, 60)


def test_a_certificate_that_is_not_trusted_is_named(call, certificate):
    with ScriptedServer(whole(pcm(0, 20)), wrap=certificate[1]) as server:
        done = call(server.url.replace("http", "https"))

    assert isinstance(done.error, TlsFailed)
    assert "self-signed certificate" in str(done.error)
    assert server.requests == []
