"""Clients that misbehave and engines that break: each has its own error, and nobody else notices."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.raw_client import open_speech, read_answer, read_head, speak
from tests.server.serving import Serving, serving, wait_until
from voxtrace.speech.edges import FADE_MS

pytestmark = pytest.mark.slow

LONG = "x" * 100  # hums for 6 s, 288,000 bytes


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[object]:
    """`serve(**faults)` with pool options in `pool`; stopped at the end."""
    with ExitStack() as stack:

        def start(pool: dict[str, object] | None = None, **faults: object) -> Serving:
            return stack.enter_context(serving(tmp_path, faults=faults, **{"hang_limit_s": 2, **(pool or {})}))

        yield start


def busy(server: Serving) -> int:
    return server.status()["workers"]["busy"]


def test_the_first_block_arrives_although_the_engine_never_finishes(serve):
    server = serve(stall_after_ms=60)

    with open_speech(server.port) as connection:
        status, headers, body = read_head(connection)
        while len(body) < (60 - FADE_MS) * 48:
            body += connection.recv(65536)

    assert (status, headers["content-type"]) == (200, "audio/pcm")


def test_a_client_that_leaves_after_one_block_frees_the_engine_and_the_waste_is_counted(serve):
    server = serve(block_delay_ms=20, only="x", pool={"workers": 1})

    with open_speech(server.port, "leaves", input=LONG) as connection:
        read_head(connection)
    end = server.end_of("leaves")

    assert end["outcome"] == "cancelled"
    assert 0 <= end["wasted_audio_ms"] < 3000
    assert "AUDIO_GENERATION_COMPLETE" not in [event.name for event in server.events("leaves")]
    assert speak(server.port, input="abc").is_complete


def test_a_client_that_leaves_while_it_waits_for_an_engine_is_forgotten(serve):
    server = serve(stall_after_ms=60, only="x", pool={"workers": 1})
    with open_speech(server.port, input=LONG) as holder:
        read_head(holder)
        with open_speech(server.port, "waits", input="abc"):
            wait_until(lambda: server.status()["requests"]["waiting"] == 1, "the second request")
        wait_until(lambda: server.status()["requests"]["waiting"] == 0, "it to be forgotten")

    assert server.end_of("waits")["outcome"] == "cancelled"


def test_an_engine_that_is_killed_in_mid_sentence_ends_only_its_own_request(serve):
    server = serve(stall_after_ms=120, only="x", pool={"workers": 2})
    with open_speech(server.port, "killed", input=LONG) as connection:
        read_head(connection)
        events = server.events("killed", until="INFERENCE_START")
        started = next(event for event in events if event.name == "INFERENCE_START")
        os.kill(started.metadata["worker"], signal.SIGKILL)
        rest = b""
        while more := connection.recv(65536):
            rest += more
    end = server.end_of("killed")

    assert not rest.endswith(b"0\r\n\r\n")
    assert (end["outcome"], end["error"], end["stage"]) == ("error", "engine_crashed", "inference")
    assert speak(server.port, input="abc").is_complete
    wait_until(lambda: server.status()["workers"]["ready"] == 2, "a new engine")


def test_an_engine_that_dies_before_its_first_block_is_an_error_with_a_status(serve):
    server = serve(crash_after_ms=0, only="x")

    answer = speak(server.port, "dies", input=LONG)

    assert (answer.status, answer.error["code"]) == (500, "engine_crashed")
    assert answer.headers["x-request-id"] == "dies"
    assert speak(server.port, input="abc").is_complete


def test_an_engine_that_hangs_is_replaced(serve):
    server = serve(stall_after_ms=0, only="x", pool={"workers": 1, "hang_limit_s": 0.5})

    answer = speak(server.port, "hangs", input=LONG)

    assert (answer.status, answer.error["code"]) == (500, "engine_hung")
    assert speak(server.port, input="abc").is_complete
    assert server.status()["workers"]["restarts"] == 1


def test_an_engine_that_refuses_is_asked_again(serve):
    server = serve(fail_after_ms=0, only="x", pool={"workers": 1})

    answer = speak(server.port, input=LONG)

    assert (answer.status, answer.error["code"]) == (500, "engine_failed")
    assert speak(server.port, input="abc").is_complete
    assert server.status()["workers"]["restarts"] == 0


def test_an_engine_that_makes_no_sound_is_not_taken_for_success(serve):
    server = serve(silent=True, only="x")

    answer = speak(server.port, "silent", input=LONG)

    assert (answer.status, answer.error["code"]) == (422, "no_sound")
    assert server.end_of("silent")["outcome"] == "error"


def test_more_requests_than_may_wait_are_told_when_to_come_back(serve):
    server = serve(stall_after_ms=60, only="x", pool={"workers": 1, "max_waiting": 1})
    with open_speech(server.port, input=LONG) as holder:
        read_head(holder)
        with open_speech(server.port, input="abc"):
            wait_until(lambda: server.status()["requests"]["waiting"] == 1, "the second request")
            answer = speak(server.port, input="abc")

    assert (answer.status, answer.error["code"]) == (429, "queue_full")
    assert int(answer.headers["retry-after"]) >= 1


def test_health_is_answered_while_all_engines_are_busy(serve):
    server = serve(stall_after_ms=60, pool={"workers": 1})
    with open_speech(server.port, input=LONG) as holder:
        read_head(holder)

        assert busy(server) == 1
        assert server.get("/health") == {"status": "ok"}


def test_a_client_that_never_reads_keeps_neither_memory_nor_an_engine(serve):
    """One piece of 240 characters is an hour of sound here, 170 MB: nothing that could be buffered."""
    server = serve(only="x", ms_per_char=15_000, pool={"workers": 1, "reader_limit_s": 0.5})
    before = server.resident_mib()
    with open_speech(server.port, "never-reads", receive_buffer=4096, input="x" * 240):
        end = server.end_of("never-reads")
        grown = server.resident_mib() - before

    assert (end["outcome"], end["error"], end["stage"]) == ("error", "reader_too_slow", "delivery")
    assert grown < 20
    assert speak(server.port, input="abc").is_complete


def test_a_client_that_reads_slowly_does_not_hold_an_engine(serve):
    """What it does not read fits into the buffer, so the only engine is free for others."""
    server = serve(pool={"workers": 1})
    with open_speech(server.port, "dawdles", receive_buffer=4096, input=LONG) as connection:
        status, _, _ = read_head(connection)

        assert status == 200
        assert speak(server.port, input="abc").is_complete
        assert read_answer(open_speech(server.port, input="abc")).is_complete
        connection.recv(1024)


def test_many_clients_that_come_and_go_leave_nothing_behind(serve):
    server = serve(block_delay_ms=1, pool={"workers": 2})

    def visit(number: int) -> None:
        with open_speech(server.port, input=LONG) as connection:
            if number % 2:
                read_head(connection)

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(visit, range(60)))
    wait_until(lambda: server.status()["requests"]["active"] == 0, "the last of them")

    assert busy(server) == 0
    assert server.status()["requests"]["waiting"] == 0
    assert speak(server.port, input="abc").is_complete


def test_a_stop_ends_the_engines_too(serve):
    server = serve(stall_after_ms=60, pool={"workers": 2})
    pids = server.status()["workers"]["pids"]
    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(30) == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_engines_end_with_a_server_that_is_killed(serve):
    server = serve(stall_after_ms=60, pool={"workers": 2})
    pids = server.status()["workers"]["pids"]
    server.process.kill()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the engines to end")
