"""An engine's process, here as a thread, spoken to over a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from voxtrace.speech.engines import load_engine
from voxtrace.speech.errors import EngineDidNotStart
from voxtrace.speech.wire import Frame, FrameReader, Kind, pack
from voxtrace.speech.worker import Link, serve
from voxtrace.testing.faulty_engine import FAULTY_ENGINE, Faults, FaultyEngine

TEXT = "x" * 100  # hums for 6 s, 288,000 bytes


class Server:
    """The other end of the worker's socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._frames: list[Frame] = []

    def send(self, kind: Kind, job: int, **utterance: object) -> None:
        self._connection.sendall(pack(kind, job, json.dumps(utterance).encode()))

    def receive(self) -> Frame:
        while not self._frames:
            self._frames.extend(self._reader.feed(self._connection.recv(65536)))
        return self._frames.pop(0)

    def until(self, *kinds: Kind) -> tuple[int, Frame]:
        """Bytes of audio before the first frame of `kinds`, and that frame."""
        audio = 0
        while (frame := self.receive()).kind not in kinds:
            audio += len(frame.payload)
        return audio, frame


@contextmanager
def worker(**faults) -> Iterator[Server]:
    ours, theirs = socket.socketpair()
    engine = FaultyEngine(Faults(**faults))
    thread = threading.Thread(target=serve, args=(engine, Link(theirs)), daemon=True)
    thread.start()
    try:
        yield Server(ours)
    finally:
        ours.close()
        thread.join(5)
        theirs.close()


def test_it_says_what_it_can_before_anything_else():
    with worker() as server:
        frame = server.receive()

    assert (frame.kind, json.loads(frame.payload)["engine"]) == (Kind.READY, "faulty")


def test_it_speaks_and_says_how_much_it_made():
    with worker() as server:
        server.receive()
        server.send(Kind.SPEAK, 7, text=TEXT, voice="hum")
        audio, done = server.until(Kind.DONE)

    facts = json.loads(done.payload)
    assert (done.job, audio, facts["samples"]) == (7, 288_000, 144_000)
    assert facts["busy_ns"] > 0


def test_silence_before_the_first_sound_of_an_answer_is_not_sent():
    with worker(leading_silence_ms=250) as server:
        server.receive()
        server.send(Kind.SPEAK, 1, text=TEXT, voice="hum", is_first=True)
        first, _ = server.until(Kind.DONE)
        server.send(Kind.SPEAK, 2, text=TEXT, voice="hum")
        later, _ = server.until(Kind.DONE)

    assert later == 288_000
    assert later - first == pytest.approx(249 * 48, abs=48)


def test_a_cancelled_job_stops_early_and_the_next_one_is_spoken():
    with worker(block_delay_ms=2, only="x") as server:
        server.receive()
        server.send(Kind.SPEAK, 1, text=TEXT, voice="hum")
        server.receive()
        server.send(Kind.CANCEL, 1)
        audio, done = server.until(Kind.DONE)
        server.send(Kind.SPEAK, 2, text="abc", voice="hum")
        after, _ = server.until(Kind.DONE)

    assert done.job == 1
    assert audio < 100_000
    assert after == 3 * 60 * 48


def test_a_cancel_that_comes_too_late_does_no_harm():
    with worker() as server:
        server.receive()
        server.send(Kind.SPEAK, 1, text="abc", voice="hum")
        server.until(Kind.DONE)
        server.send(Kind.CANCEL, 1)
        server.send(Kind.SPEAK, 2, text="abc", voice="hum")
        audio, done = server.until(Kind.DONE)

    assert (audio, done.job) == (3 * 60 * 48, 2)


def test_an_engine_that_fails_says_why_and_the_next_job_is_spoken():
    with worker(fail_after_ms=60, only="bad") as server:
        server.receive()
        server.send(Kind.SPEAK, 1, text="bad text", voice="hum")
        _, failed = server.until(Kind.FAILED, Kind.DONE)
        server.send(Kind.SPEAK, 2, text="good", voice="hum")
        _, done = server.until(Kind.FAILED, Kind.DONE)

    assert (failed.kind, failed.payload) == (Kind.FAILED, b"it was told to fail")
    assert done.kind == Kind.DONE


def test_a_job_that_makes_no_sense_is_refused_and_the_worker_lives_on():
    with worker() as server:
        server.receive()
        server.send(Kind.SPEAK, 1, text="abc", voice="hum", nonsense=1)
        _, failed = server.until(Kind.FAILED)
        server.send(Kind.SPEAK, 2, text="abc", voice="hum")
        _, done = server.until(Kind.DONE)

    assert (failed.job, done.job) == (1, 2)


def test_an_unknown_engine_is_named():
    with pytest.raises(EngineDidNotStart, match="no_such_engine"):
        load_engine("no_such_engine:Engine", {})


def test_options_that_an_engine_does_not_have_are_named():
    with pytest.raises(EngineDidNotStart, match="colour"):
        load_engine(FAULTY_ENGINE, {"colour": "blue"})
