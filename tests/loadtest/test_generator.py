"""The generator against a far end whose every byte is known."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections import Counter

import pytest

from tests.client.answers import END, MS, chunk, head, pcm, whole
from tests.loadtest.far_end import CLOSE, RESET, FarEnd
from voxtrace.loadtest.arrivals import ClosedLoop, OpenLoop
from voxtrace.loadtest.generator import Conduct
from voxtrace.loadtest.listener import Patience
from voxtrace.loadtest.plan import Workload, make_plan
from voxtrace.loadtest.record import moments_of
from voxtrace.loadtest.running import run_plan
from voxtrace.loadtest.target import find_target

SHORT = Workload({"short": 1})
SPEECH = pcm(10, 100)
HURRIED = Conduct(Patience(connect_s=5, first_byte_s=0.2, stall_s=0.2))


class Crowd:
    """One run and what it left."""

    def __init__(self, url, arrivals, workload=SHORT, conduct=None, most=100, watch=None):
        self.records = []
        plan = make_plan(arrivals, workload, most=most)
        self.run = run_plan(plan, find_target(url), self.records.append, conduct, watch)

    @property
    def ends(self):
        return Counter(record.error or record.outcome for record in self.records)

    @property
    def only(self):
        (record,) = self.records
        return record


def one(script, workload=SHORT, conduct=HURRIED):
    """What becomes of a single request."""
    with FarEnd(lambda _: script) as server:
        return Crowd(server.url, ClosedLoop(1, 60), workload, conduct, most=1).only


def test_every_planned_request_is_sent_and_has_an_end():
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        crowd = Crowd(server.url, OpenLoop(200, 0.3))

    expected = len(crowd.run.plan.requests)
    assert expected > 30
    assert (crowd.run.offered, crowd.run.sent, crowd.run.completed) == (expected,) * 3
    assert crowd.ends == {"ok": expected}
    assert sorted(record.planned.number for record in crowd.records) == list(range(expected))


def test_an_open_loop_does_not_wait_for_answers():
    """All ten requests are under way before the first of them is answered."""
    with FarEnd(lambda _: [0.5, whole(SPEECH)]) as server:
        crowd = Crowd(server.url, OpenLoop(100, 0.1, "constant"))

    assert max(record.sent_ns for record in crowd.records) < min(record.first_byte_ns for record in crowd.records)
    assert server.connections == 10


def test_a_closed_loop_has_never_more_under_way_than_users():
    with FarEnd(lambda _: [0.01, whole(SPEECH)]) as server:
        crowd = Crowd(server.url, ClosedLoop(3, 60), most=12)
    edges = sorted([(r.sent_ns, 1) for r in crowd.records] + [(r.ended_ns, -1) for r in crowd.records])
    under_way = most = 0
    for _, step in edges:
        under_way += step
        most = max(most, under_way)

    assert crowd.ends == {"ok": 12}
    assert most <= 3


def test_connections_are_used_again_unless_each_request_shall_have_its_own():
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        kept = Crowd(server.url, ClosedLoop(1, 60), most=5)
        fresh = Crowd(server.url, ClosedLoop(1, 60), conduct=Conduct(reuse_connections=False), most=5)

    assert (kept.run.connections, fresh.run.connections) == (1, 5)
    assert [record.is_reused for record in kept.records] == [False, True, True, True, True]


def test_a_delay_of_the_server_is_in_the_number():
    record = one([0.05, whole(SPEECH)], conduct=None)

    assert record.first_byte_ns - record.sent_ns >= 50_000_000


def test_chunks_have_the_time_at_which_they_came():
    record = one([head(), chunk(SPEECH), 0.05, chunk(SPEECH), END], conduct=None)
    (first, *_), *_, (last, *_) = record.reads()

    assert last - first >= 50_000_000
    assert sum(size for _, size, _ in record.reads()) == 2 * len(SPEECH)


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ([5.0], "first_byte_timeout"),
        ([head(), 5.0], "first_byte_timeout"),
        ([head(), chunk(SPEECH), 5.0], "stalled"),
        ([RESET], "cut_short"),
        ([head(), chunk(SPEECH), RESET], "cut_short"),
        ([head(), chunk(SPEECH), CLOSE], "cut_short"),
        ([whole(SPEECH)[:-10], CLOSE], "cut_short"),
        ([whole(b'{"error":{"message":"full"}}', 429, "application/json", retry_after="3")], "busy"),
        ([whole(b"", 500)], "server_failed"),
        ([whole(b"", 400)], "rejected"),
        ([whole(b"hello", content_type="text/plain")], "not_audio"),
        ([b"220 mail ESMTP\r\n", 1.0], "not_http"),
    ],
)
def test_each_failure_has_its_cause(script, cause):
    record = one(script)

    assert (record.outcome, record.error) == ("error", cause)
    assert record.error_message


def test_a_busy_server_says_when_to_come_back():
    assert "wait 3 s" in one([whole(b"", 429, retry_after="3")]).error_message


def test_nothing_listening_is_a_refused_connection():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    crowd = Crowd(f"http://127.0.0.1:{port}", ClosedLoop(1, 60), most=3)

    assert crowd.ends == {"connection_refused": 3}
    assert (crowd.run.offered, crowd.run.sent) == (3, 0)


def test_a_failure_does_not_touch_the_requests_beside_it():
    with FarEnd(lambda number: [head(), chunk(SPEECH), RESET] if number % 2 else [whole(SPEECH)]) as server:
        crowd = Crowd(server.url, OpenLoop(200, 0.1, "constant"))

    assert crowd.ends == {"ok": 10, "cut_short": 10}


def test_more_than_may_be_under_way_are_counted_and_not_sent():
    with FarEnd(lambda _: [0.3, whole(SPEECH)]) as server:
        crowd = Crowd(server.url, OpenLoop(100, 0.1, "constant"), conduct=Conduct(max_in_flight=4))

    assert crowd.ends == {"ok": 4, "not_sent": 6}
    assert crowd.run.errors == {"not_sent": 6}


@pytest.mark.slow
def test_a_listener_in_real_time_lets_the_server_feel_it():
    """Four seconds of sound are there at once; who plays one second ahead reads them over more than two."""
    seconds = [chunk(pcm(0, 1000)) for _ in range(4)]
    workload = Workload({"short": 1}, pace="real time")
    record = one([head(), *seconds, END], workload, conduct=Conduct(Patience(stall_s=0.3)))
    (first, *_), *_, (last, *_) = record.reads()

    assert record.outcome == "ok"
    assert last - first >= 1_500_000_000


def test_a_listener_who_leaves_is_no_error():
    workload = Workload({"short": 1}, leave_after_s=0.02)
    record = one([head(), chunk(SPEECH), 5.0], workload)

    assert (record.outcome, record.error) == ("cancelled", "")
    assert record.body_bytes == len(SPEECH)


def test_listeners_leave_when_the_run_has_waited_long_enough_for_answers():
    with FarEnd(lambda _: [head(), chunk(SPEECH), 20.0]) as server:
        crowd = Crowd(server.url, OpenLoop(50, 0.1, "constant"), conduct=Conduct(drain_s=0.2))

    assert crowd.ends == {"cancelled": 5}


def test_ctrl_c_ends_a_run_and_keeps_what_was_measured():
    presses = iter([lambda: os.kill(os.getpid(), signal.SIGINT)])

    def press(progress):
        if progress.completed >= 5:
            next(presses, lambda: None)()

    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        crowd = Crowd(server.url, OpenLoop(50, 30), most=5000, watch=press)

    assert crowd.run.interrupted
    assert crowd.ends["ok"] >= 5
    assert crowd.run.offered < len(crowd.run.plan.requests)


def test_a_run_in_a_thread_needs_no_signals():
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        runs = []
        thread = threading.Thread(target=lambda: runs.append(Crowd(server.url, ClosedLoop(1, 60), most=2)))
        thread.start()
        thread.join(30)

    assert runs[0].ends == {"ok": 2}


def test_the_events_of_a_request_are_those_of_every_other_client():
    with FarEnd(lambda _: [head(x_voxtrace_cache="miss"), chunk(SPEECH), END]) as server:
        crowd = Crowd(server.url, ClosedLoop(1, 60), most=1)
    moments = list(moments_of(crowd.only, crowd.run.told))
    names = [moment.name for moment in moments]
    facts = {moment.name: moment.metadata for moment in moments}

    assert names[:4] == ["REQUEST_START", "REQUEST_SENT", "HEADERS_RECEIVED", "FIRST_BYTE_RECEIVED"]
    assert names[-2:] == ["LAST_AUDIO_CHUNK", "REQUEST_COMPLETE"]
    assert {"FIRST_AUDIO_CHUNK", "AUDIO_CHUNK_RECEIVED", "FIRST_AUDIBLE_CHUNK"} <= set(names)
    assert facts["REQUEST_START"]["source"] == "load"
    assert facts["FIRST_AUDIBLE_CHUNK"] == {"leading_silence_ms": 10.0}
    assert facts["LAST_AUDIO_CHUNK"] == {"chunks": 1, "bytes": 110 * MS, "audio_ms": 110.0}
    assert facts["REQUEST_COMPLETE"] == {"outcome": "ok", "bytes": 110 * MS, "status": 200, "cache": "miss"}
    assert [moment.at.mono_ns for moment in moments] == sorted(moment.at.mono_ns for moment in moments)
    assert {moment.at.wall_ns - moment.at.mono_ns for moment in moments} == {crowd.run.told.wall_offset_ns}
