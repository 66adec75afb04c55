"""LiveKit's `openai.TTS`, as it is installed, pointed at a real server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from tests.agents.agents import ask
from tests.server.raw_client import speak
from tests.server.serving import Serving, serving, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TEXT = "Hello world, this is a test of voice agents. It has two sentences, so that it can be cut."
SAMPLES = 60 * 24  # that the faulty engine hums for each character
# How many samples more than were spoken it may hear, from and to. PCM: it puts 10 ms of silence behind. Opus and FLAC:
# it opens them with libav's `low_delay`, which loses the last frame of every such stream, here 20 ms. MP3 and AAC:
# the delay of the codec, and the rest of its last frame.
MORE = {"pcm": (240, 240), "wav": (0, 0), "flac": (-480, 0), "opus": (-480, 0), "mp3": (0, 3_000), "aac": (0, 4_000)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("livekit"), faults=None) as server:
        yield server


def livekit(server: Serving, text: str = TEXT, how: str = "whole", **voice: object) -> dict:
    return ask("livekit_speaks", server.port, text, {"voice": "ash", **voice}, how=how)[0]


def test_it_hears_every_sample_in_every_format_whichever_way_it_asks(tmp_path):
    ways = list(product(("tts-1", "gpt-4o-mini-tts"), MORE))  # bare audio, and server-sent events
    with serving(tmp_path, faults={}) as server:
        voices = [{"voice": "ash", "model": model, "response_format": form} for model, form in ways]
        heard = ask("livekit_speaks", server.port, TEXT, *voices)
    beyond = {way: each["samples"] - len(TEXT) * SAMPLES for way, each in zip(ways, heard, strict=True)}

    assert [each["shapes"] for each in heard] == [[[24_000, 1]]] * len(ways)
    assert {way: more for way, more in beyond.items() if not MORE[way[1]][0] <= more <= MORE[way[1]][1]} == {}


def test_its_metrics_know_the_request_and_what_it_cost(server):
    heard = livekit(server, model="gpt-4o-mini-tts", response_format="pcm")
    metrics = heard["metrics"][0]

    assert heard["request_ids"] == [metrics["request_id"]]
    assert server.end_of(metrics["request_id"])["outcome"] == "ok"
    assert metrics["audio_duration"] == pytest.approx(heard["samples"] / 24_000)
    assert (metrics["input_tokens"], metrics["characters_count"]) == (len(TEXT), len(TEXT))
    assert metrics["output_tokens"] > 0
    assert metrics["ttfb"] > 0


def test_written_word_by_word_it_is_spoken_sentence_by_sentence(server):
    heard = livekit(server, how="written", response_format="pcm")
    requests = [each["request_id"] for each in heard["metrics"]]
    apart_s = sum(each["audio_duration"] for each in heard["metrics"])

    assert len(set(requests)) == 2
    assert [server.end_of(request)["outcome"] for request in requests] == ["ok", "ok"]
    # The adapter itself adds 10 ms between them.
    assert heard["samples"] / 24_000 == pytest.approx(apart_s, abs=0.03)


def test_a_refusal_is_its_own_error_with_status_reason_and_request(server):
    voices = [{"voice": "nobody"}, {"model": "whisper-1"}, {"speed": 9.0}]
    errors = [each["error"] for each in ask("livekit_speaks", server.port, TEXT, *voices)]

    assert [(each["status_code"], each["body"]["param"]) for each in errors] == [
        (400, "voice"),
        (404, "model"),
        (400, "speed"),
    ]
    assert not any(each["retryable"] for each in errors)
    assert [server.end_of(each["request_id"])["outcome"] for each in errors] == ["error"] * 3


def test_an_engine_that_breaks_is_an_error_that_it_may_try_again(tmp_path):
    with serving(tmp_path, faults={"fail_after_ms": 0}) as server:
        error = livekit(server, "abc")["error"]

    assert (error["status_code"], error["retryable"], error["body"]["code"]) == (500, True, "engine_failed")


def test_an_interruption_frees_the_engine(tmp_path):
    with serving(tmp_path, faults={"block_delay_ms": 30, "only": "x"}, workers=1) as server:
        heard = livekit(server, "x" * 300, how="interrupted", response_format="pcm")
        wait_until(lambda: server.status()["requests"]["cancelled"] == 1, "the request to be cancelled")
        after = speak(server.port, input="abc")
        status = server.status()

    assert (heard["frames"], heard["metrics"][0]["cancelled"]) == (1, True)
    assert after.is_complete
    assert (status["workers"]["busy"], status["workers"]["restarts"]) == (0, 0)
