"""Batches posted to a collector that answers well, badly or not at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from voxtrace.errors import Unreachable
from voxtrace.tracker import Batch, BatchRejected, Tracker, TrackerOptions, collector
from voxtrace.tracker.collector import CollectorSink

BATCH = Batch(b'{"event":"one"}\n', 1)


class FarEnd(ThreadingHTTPServer):
    """A collector that notes what it is sent and answers what the test wants."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.statuses: list[int] = []  # to answer, in order; then 200
        self.got: list[tuple[str, str, bytes]] = []
        self.hangs_up = False  # close each connection after an answer, without saying so
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: FarEnd
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = self.server.hangs_up

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    with FarEnd() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_batches_are_posted_as_json_lines_over_one_connection(far_end):
    sink = CollectorSink(f"{far_end.url}/behind/a/proxy/")
    sink(BATCH)
    sink(BATCH)
    sink.close()

    assert far_end.got == [("/behind/a/proxy/v1/events", "application/x-ndjson", BATCH.lines)] * 2
    assert far_end.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_opened_again(far_end):
    far_end.hangs_up = True
    sink = CollectorSink(far_end.url)
    for _ in range(3):
        sink(BATCH)
    sink.close()

    assert len(far_end.got) == 3


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_batch_that_will_never_be_taken_is_rejected(far_end, status):
    far_end.statuses = [status]
    sink = CollectorSink(far_end.url)

    with pytest.raises(BatchRejected, match=str(status)):
        sink(BATCH)
    sink.close()


@pytest.mark.parametrize("status", [301, 401, 404, 429, 500, 503, 507])
def test_a_batch_that_may_be_taken_later_is_kept(far_end, status):
    far_end.statuses = [status]
    sink = CollectorSink(far_end.url)

    with pytest.raises(Unreachable, match=str(status)):
        sink(BATCH)
    sink(BATCH)
    sink.close()

    assert len(far_end.got) == 2


def test_a_collector_that_is_not_there_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(Unreachable, match=url):
        CollectorSink(url)(BATCH)


def test_a_collector_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(collector, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = CollectorSink(f"http://127.0.0.1:{silent.getsockname()[1]}")

        with pytest.raises(Unreachable, match="timed out"):
            sink(BATCH)
        sink.close()


def test_what_speaks_no_http_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        sink = CollectorSink(f"http://127.0.0.1:{server.getsockname()[1]}")

        with pytest.raises(Unreachable):
            sink(BATCH)
        thread.join()
        sink.close()


def test_a_tracker_posts_to_the_collector_of_its_options(far_end, tmp_path):
    far_end.statuses = [503, 503]
    tracker = Tracker("stt", options=TrackerOptions(collector=far_end.url, data=tmp_path))
    tracker.mark("speech_end", request_id="r1")
    answers = [tracker.flush() for _ in range(3)]
    tracker.close()
    bodies = {body for _, _, body in far_end.got}

    assert answers[-1]
    assert len(bodies) == 1
    assert list(tmp_path.iterdir()) == []
