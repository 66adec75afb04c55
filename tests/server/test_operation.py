"""What whoever runs the server sees of it, and how it is stopped."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.live_client import live
from tests.server.raw_client import accepts, open_speech, read_head, speak
from tests.server.serving import Serving, serving, wait_until

pytestmark = pytest.mark.slow

LONG = "x" * 50  # hums for 3 s
WRITING_S = 1.0


@pytest.fixture
def serve(tmp_path: Path):
    """`serve(drain_s, pool, **faults)`; stopped at the end."""
    with ExitStack() as stack:

        def start(drain_s: int = 5, pool: dict[str, object] | None = None, **faults: object) -> Serving:
            return stack.enter_context(serving(tmp_path, faults=faults, drain_s=drain_s, **(pool or {})))

        yield start


def samples(server: Serving) -> dict[str, float]:
    """Every sample by its name and labels, as Prometheus would read them: a label that is empty is none."""
    families = text_string_to_metric_families(server.text("/metrics"))
    return {
        each.name + ",".join(f"{{{name}={value}}}" for name, value in sorted(each.labels.items()) if value): each.value
        for family in families
        for each in family.samples
    }


def test_prometheus_reads_how_fast_it_was(serve):
    server = serve(delay_ms=20)
    speak(server.port, input="abcdef")
    seen = samples(server)

    assert seen["voxtrace_requests_total{outcome=ok}"] == 1
    assert seen["voxtrace_ttfa_seconds_count{cache=miss},{engine=faulty}"] == 1
    assert seen["voxtrace_server_response_seconds_sum{cache=miss},{engine=faulty}"] >= 0.02
    assert seen["voxtrace_rtf_count{engine=faulty}"] == 1
    assert seen["voxtrace_engines_ready"] == 2
    assert seen["voxtrace_predicted_ttfa_seconds"] >= 0.02


def test_silence_in_front_of_the_sound_counts_as_waiting(serve):
    # Of more than 300 ms of silence the rest is left to be heard: 150 ms.
    server = serve(leading_silence_ms=450)
    speak(server.port, input="abcdefghijklmnop")
    seen = samples(server)
    kind = "{cache=miss},{engine=faulty}"
    waited = seen[f"voxtrace_ttfa_seconds_sum{kind}"] - seen[f"voxtrace_server_response_seconds_sum{kind}"]

    assert waited == pytest.approx(0.150, abs=0.006)


def test_the_time_that_a_client_takes_to_write_is_not_the_engines(serve):
    server = serve(delay_ms=20)
    with live(server.port) as client:
        client.say("text", text="abc")
        time.sleep(WRITING_S)
        client.say("text", text="def")
        client.say("end")
        client.hear("done")
    seen = samples(server)

    assert 0.02 <= seen["voxtrace_ttfa_seconds_sum{cache=miss},{engine=faulty}"] < WRITING_S


def test_an_engine_slower_than_speech_is_seen_as_underruns(serve):
    server = serve(block_delay_ms=70)  # for 60 ms of sound
    speak(server.port, input="abcdef")
    seen = samples(server)

    assert seen["voxtrace_predicted_underruns_total"] >= 1
    assert seen["voxtrace_predicted_underrun_seconds_total"] > 0


def test_sound_that_nobody_took_is_counted(serve):
    server = serve(block_delay_ms=10)
    with open_speech(server.port, "leaves", input=LONG) as connection:
        read_head(connection)
    server.end_of("leaves")
    seen = samples(server)

    assert seen["voxtrace_requests_total{outcome=cancelled}"] == 1
    assert seen["voxtrace_cancelled_audio_seconds_total"] == pytest.approx(server.status()["wasted_audio_ms"] / 1000)


def test_the_status_tells_of_each_engine_and_of_the_pace(serve):
    server = serve(delay_ms=5)
    before = server.status()
    speak(server.port, input="abcdef")
    wait_until(lambda: server.status()["loop_lag"] is not None, "the first look at the loop")
    after = server.status()

    assert (before["pace"]["rtf"], before["predicted_ttfa_ms"]) == (None, None)
    assert after["pace"]["rtf"] > 0
    assert after["predicted_ttfa_ms"] >= 5
    assert sorted(each["jobs"] for each in after["workers"]["processes"]) == [0, 1]
    assert all(each["rss_mib"] > 5 for each in after["workers"]["processes"])


def test_a_stop_lets_running_answers_come_to_their_end_and_takes_no_new_ones(serve):
    server = serve(drain_s=20, block_delay_ms=20)
    with open_speech(server.port, "drained", input=LONG) as connection:
        read_head(connection)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts(server.port), "the port to be closed")
        rest = b""
        while more := connection.recv(65536):
            rest += more

    assert rest.endswith(b"0\r\n\r\n")
    assert server.end_of("drained")["outcome"] == "ok"
    assert server.process.wait(30) == 0


def test_an_answer_that_takes_too_long_is_cut_off_by_a_stop(serve):
    server = serve(drain_s=0, stall_after_ms=60)
    with open_speech(server.port, "cut", input=LONG) as connection:
        read_head(connection)
        server.process.send_signal(signal.SIGTERM)
        rest = read_to_end(connection)

    assert not rest.endswith(b"0\r\n\r\n")
    assert server.process.wait(30) == 0


def test_what_can_not_be_served_in_time_is_refused_and_running_speech_goes_on(serve):
    """One engine that needs half of the time for a stream feeds one; three times as many ask."""
    server = serve(pool={"workers": 1, "max_load": 0.9}, block_delay_ms=30)
    speak(server.port, input="abcdefgh")  # so that the pace is known
    with open_speech(server.port, "admitted", input="a b c d e f g h i j. " * 4) as admitted:
        read_head(admitted)
        refused = [speak(server.port, input="abc") for _ in range(3)]
        answer = read_to_end(admitted)

    assert [each.status for each in refused] == [429] * 3
    assert {each.error["code"] for each in refused} == {"no_capacity"}
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refused)
    assert answer.endswith(b"0\r\n\r\n")
    assert samples(server)["voxtrace_predicted_underruns_total"] == 0
    assert samples(server)["voxtrace_refused_requests_total{reason=no_capacity}"] == 3


def test_an_error_in_a_later_piece_ends_the_answer_there(serve):
    text = "This is the first piece, and this is a second one that breaks."
    server = serve(fail_after_ms=120, only="breaks")
    answer = speak(server.port, "breaks-later", input=text)
    events = server.events("breaks-later")
    spoken = next(each for each in events if each.name == "INFERENCE_COMPLETE")
    end = server.end_of("breaks-later")

    assert (answer.status, answer.is_complete) == (200, False)
    assert (end["outcome"], end["error"]) == ("error", "engine_failed")
    # All of the first piece was heard, and of the second what was made before it broke.
    assert len(answer.body) >= spoken.metadata["audio_ms"] * 48
    assert "AUDIO_GENERATION_COMPLETE" not in [each.name for each in events]


def test_two_engines_together_give_the_samples_of_one(serve, tmp_path):
    text = "This sentence is one of several that are all of them alike. " * 3
    alone = serve(pool={"workers": 1}, block_delay_ms=2)
    one = speak(alone.port, input=text).body
    both = speak(serve(pool={"workers": 2}, block_delay_ms=6).port, input=text).body

    assert len(one) == len(both)
    assert one == both


def read_to_end(connection: socket.socket) -> bytes:
    data = b""
    while more := connection.recv(1 << 16):
        data += more
        if data.endswith(b"0\r\n\r\n"):
            break
    return data
