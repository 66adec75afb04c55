"""espeak-ng begins where a model is late, over real processes. The models hum at 220 Hz, which espeak-ng does not."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from tests.server.live_client import live
from tests.server.raw_client import open_speech, read_answer, read_head, speak
from tests.server.serving import Serving, serving, wait_until
from voxtrace.analysis import assemble
from voxtrace.analysis.summary import population_of
from voxtrace.speech.ports import OUTPUT_RATE_HZ

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
MODELS: dict[str, dict[str, object]] = {
    "late": {"delay_ms": 800},
    "prompt": {},
    "broken": {"crash_after_ms": 0, "only": "boom"},
}
LONG = "Well, this is how it begins. And this is what is said after it, by whoever was asked in the first place."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """espeak-ng and models that stand for slow, quick and broken ones; nobody is hedged who does not ask for it."""
    with serving(tmp_path_factory.mktemp("data"), models=MODELS) as running:
        yield running


def share_of_hum(pcm: bytes) -> float:
    """How much of the loudness is at 220 Hz."""
    samples = np.frombuffer(pcm, np.int16).astype(float)
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(samples.size, 1 / OUTPUT_RATE_HZ)
    return float(power[(hz > 210) & (hz < 230)].sum() / power.sum())


def hedges(server: Serving, model: str) -> dict[str, float]:
    return next(each["hedge"] for each in server.status()["engines"] if each["model"] == model)


def is_quiet(server: Serving) -> bool:
    status = server.status()
    busy = sum(each["workers"]["busy"] + each["workers"]["waiting"] for each in status["engines"])
    return status["requests"]["active"] == 0 and busy == 0


def test_the_first_piece_of_a_late_engine_is_spoken_by_the_fast_one_and_the_rest_by_itself(server):
    answer = speak(server.port, "hedged", model="late", input=LONG, hedge=True)
    events = server.events("hedged")
    made = {e.metadata["piece"]: e.metadata for e in events if e.name == "INFERENCE_COMPLETE"}
    begin = round(float(made[0]["audio_ms"]) * 48)

    assert answer.is_complete
    assert (answer.headers["x-voxtrace-engine"], answer.headers["x-voxtrace-hedged"]) == ("faulty", "espeak-ng")
    assert share_of_hum(answer.body[:begin]) < 0.5
    assert share_of_hum(answer.body[begin : begin + 24_000]) > 0.95
    assert (made[0]["engine"], made[0]["hedged"]) == ("espeak-ng", True)
    assert all("hedged" not in facts for piece, facts in made.items() if piece)


def test_a_hedged_answer_is_in_no_number_of_the_engine_that_was_asked(server):
    speak(server.port, "apart", model="late", hedge=True)
    end, turn = server.end_of("apart"), assemble("apart", server.events("apart"))
    metrics = server.text("/metrics")

    assert (end["hedge"], end["hedged"], end["outcome"]) == ("won", "espeak-ng", "ok")
    assert float(end["hedge_after_ms"]) >= 199  # the event loop's timers are whole milliseconds
    assert (turn.labels.engine, turn.labels.hedged) == ("faulty", "espeak-ng")
    assert "begun by espeak-ng" in population_of(turn).name
    assert 'voxtrace_ttfa_seconds_count{cache="miss",engine="faulty",hedged="espeak-ng",mode=""}' in metrics
    assert 'voxtrace_hedges_total{model="late",result="won"}' in metrics


def test_the_wish_is_needed_and_a_prompt_engine_never_loses(server):
    unasked = speak(server.port, "unasked", model="late")
    speak(server.port, "prompt", model="prompt", hedge=True)

    assert "x-voxtrace-hedged" not in unasked.headers
    assert share_of_hum(unasked.body) > 0.95
    assert "hedge" not in server.end_of("prompt")
    assert hedges(server, "prompt")["started"] == 0


@pytest.mark.parametrize("hedge", ["yes", 1, []])
def test_a_wish_that_is_neither_yes_nor_no_is_refused(server, hedge):
    answer = speak(server.port, model="late", hedge=hedge)

    assert (answer.status, answer.error["code"]) == (400, "invalid_hedge")


def test_the_fast_engine_itself_takes_the_wish_and_has_nobody_to_stand_in(server):
    answer = speak(server.port, model="espeak", hedge=True)

    assert (answer.status, "x-voxtrace-hedged" in answer.headers) == (200, False)


def test_a_voice_whose_language_is_not_known_is_waited_for(server):
    answer = speak(server.port, model="late", voice="hum", hedge=True)

    assert "x-voxtrace-hedged" not in answer.headers


def test_an_engine_that_crashes_before_any_sound_is_stood_in_for_and_the_trace_says_why(server):
    saved = speak(server.port, "saved", model="broken", input="boom", hedge=True)
    lost = speak(server.port, model="broken", input="boom")
    end = server.end_of("saved")

    assert (saved.status, saved.headers["x-voxtrace-hedged"]) == (200, "espeak-ng")
    assert (end["outcome"], end["hedge_failure"]) == ("ok", "engine_crashed")
    assert hedges(server, "broken")["rescued"] == 1
    assert lost.error["code"] == "engine_crashed"


def test_a_client_that_leaves_while_the_fast_engine_speaks_leaves_nothing_behind(server):
    connection = open_speech(server.port, "left-later", model="late", input=LONG * 20, hedge=True)
    read_head(connection)
    connection.close()
    end = server.end_of("left-later")
    wait_until(lambda: is_quiet(server), "the engines")

    assert (end["outcome"], end["hedge"]) == ("cancelled", "won")
    assert speak(server.port, model="late", hedge=True).is_complete


def test_a_live_utterance_is_hedged_and_told(server):
    with live(server.port) as client:
        heard = client.speak(LONG, model="late", hedge=True)
    timings = heard.of("timing")

    assert heard.end["hedged"] == "espeak-ng"
    assert timings[0]["hedged"] == "espeak-ng"
    assert "hedged" not in timings[-1]


# With a fast engine that is no faster


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(
        tmp_path_factory.mktemp("slow"),
        faults={"delay_ms": 1500},
        models={"late": {"delay_ms": 400}, "never": {"delay_ms": 3000}},
        hedge={"hedge": True, "hedge_after_ms": 50},
    ) as running:
        yield running


def test_the_engine_that_was_asked_may_still_be_the_first_to_sound(slow_server):
    answer = speak(slow_server.port, "slower-help", model="late")
    end = slow_server.end_of("slower-help")

    assert (answer.status, "x-voxtrace-hedged" in answer.headers) == (200, False)
    assert end["hedge"] == "lost"
    assert "hedged" not in end
    assert assemble("slower-help", slow_server.events("slower-help")).labels.hedged == ""


def test_a_request_may_decline_what_the_server_does(slow_server):
    before = hedges(slow_server, "late")["started"]
    speak(slow_server.port, model="late", hedge=False)

    assert hedges(slow_server, "late")["started"] == before


def test_a_client_that_leaves_before_anybody_sounded_stops_both(slow_server):
    connection = open_speech(slow_server.port, "left-early", model="never")
    wait_until(lambda: hedges(slow_server, "never")["started"] == 1, "both engines")
    waiting = [each["workers"]["waiting"] for each in slow_server.status()["engines"]]
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
    end = slow_server.end_of("left-early")
    wait_until(lambda: is_quiet(slow_server), "the engines")

    assert sum(waiting) == 0
    assert (end["outcome"], hedges(slow_server, "never")["given_up"]) == ("cancelled", 1)


def test_two_engines_that_fail_are_one_error_of_the_one_that_was_asked(tmp_path):
    with serving(
        tmp_path,
        faults={"fail_after_ms": 0},
        models={"broken": {"crash_after_ms": 0, "delay_ms": 200}},
        hedge={"hedge": True, "hedge_after_ms": 10},
    ) as server:
        answer = speak(server.port, model="broken")
        counts = hedges(server, "broken")

    assert (answer.status, answer.error["code"]) == (500, "engine_crashed")
    assert (counts["started"], counts["failed"], counts["won"]) == (1, 1, 0)


def test_with_a_cache_the_stand_in_is_kept_as_itself_and_never_as_the_model(tmp_path):
    with serving(tmp_path, cache_bytes=10 * MIB, models=MODELS, hedge={"hedge": True}) as server:
        first, second = (speak(server.port, f"cached-{n}", model="late") for n in range(2))
        neural = speak(server.port, model="late", hedge=False)
        third = speak(server.port, model="late")

    assert [a.headers.get("x-voxtrace-hedged") for a in (first, second, neural)] == ["espeak-ng", "espeak-ng", None]
    assert [a.headers["x-voxtrace-cache"] for a in (first, second, neural)] == ["miss", "hit", "miss"]
    assert share_of_hum(neural.body) > 0.95
    # Now the model's own is kept, and nobody has to stand in.
    assert (third.headers["x-voxtrace-cache"], third.body) == ("hit", neural.body)
    assert "x-voxtrace-hedged" not in third.headers


def test_a_server_that_is_stopped_in_the_middle_lets_a_hedged_answer_come_to_its_end(tmp_path):
    with serving(tmp_path, models=MODELS, hedge={"hedge": True}) as server:
        connection = open_speech(server.port, model="late", input=LONG)
        head = read_head(connection)
        server.process.send_signal(signal.SIGTERM)
        rest = b""
        while more := connection.recv(1 << 20):
            rest += more
        status = server.process.wait(20)
        connection.close()

    assert (head[0], status) == (200, 0)
    assert rest.endswith(b"0\r\n\r\n")


def test_a_server_that_is_stopped_while_nobody_sounds_ends(tmp_path):
    with serving(
        tmp_path,
        faults={"delay_ms": 60_000},
        models={"never": {"delay_ms": 60_000}},
        hedge={"hedge": True, "hedge_after_ms": 10},
        drain_s=1,
        hang_limit_s=100,
    ) as server:
        connection = open_speech(server.port, model="never")
        wait_until(lambda: hedges(server, "never")["started"] == 1, "both engines")
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(20)
        connection.close()

    assert status == 0


def test_hedged_answers_in_parallel_are_each_whole(tmp_path):
    with serving(tmp_path, models={"late": {"delay_ms": 800}}, hedge={"hedge": True}) as server:
        connections = [open_speech(server.port, model="late", input=f"Hello number {n}") for n in range(4)]
        answers = [read_answer(connection) for connection in connections]
        wait_until(lambda: is_quiet(server), "the engines")

    assert [answer.headers.get("x-voxtrace-hedged") for answer in answers] == ["espeak-ng"] * 4
    assert all(answer.is_complete for answer in answers)
