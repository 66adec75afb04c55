"""Speech that was made before, over real processes."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.raw_client import open_request, read_answer, request_bytes, speak
from tests.server.serving import serving
from voxtrace.analysis import assemble
from voxtrace.cli.main import main

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
TEXT = "Good morning, how can I help you today? I am listening."


def ask(server, request_id: str, **headers: str):
    body = json.dumps({"input": TEXT, "response_format": "pcm"}).encode()
    return read_answer(open_request(server.port, request_bytes(body, x_request_id=request_id, **headers)))


def test_the_second_time_nobody_speaks_and_everybody_is_told(tmp_path):
    with serving(tmp_path, cache_bytes=MIB * 10) as server:
        first, second = ask(server, "first"), ask(server, "second")
        ends = server.end_of("first"), server.end_of("second")
        turn = assemble("second", server.events("second"))

    assert first.body == second.body
    assert (first.headers["x-voxtrace-cache"], second.headers["x-voxtrace-cache"]) == ("miss", "hit")
    assert (ends[0]["cache"], ends[1]["cache"]) == ("miss", "hit")
    assert "inference" not in second.headers["server-timing"]
    assert turn.labels.cache == "hit"
    assert not turn.metrics["inference_ms"].measured
    assert turn.metrics["server_response_ms"].measured


def test_the_header_tells_of_what_is_heard_first_and_not_of_what_follows(tmp_path):
    texts = [
        f"{opening}, and here is what both have in common." for opening in ("The first opening", "Quite another one")
    ]
    with serving(tmp_path, cache_bytes=MIB * 10) as server:
        answers = [speak(server.port, "", input=text) for text in texts]

    assert [answer.headers["x-voxtrace-cache"] for answer in answers] == ["miss", "miss"]


def test_a_text_whose_beginning_was_heard_before_is_partly_cached(tmp_path):
    with serving(tmp_path, cache_bytes=MIB * 10) as server:
        ask(server, "first")
        speak(server.port, "second", input=TEXT + " And this is a sentence that nobody has heard before.")

        assert server.end_of("second")["cache"] == "partial"


def test_who_wants_no_cache_meets_an_engine_and_warms_nothing(tmp_path):
    with serving(tmp_path, cache_bytes=MIB * 10) as server:
        ask(server, "probe", cache_control="no-cache")
        ask(server, "probe-again", cache_control="no-cache")
        ask(server, "real")
        ends = [server.end_of(each)["cache"] for each in ("probe", "probe-again", "real")]

    assert ends == ["miss", "miss", "miss"]


def test_what_is_kept_survives_a_restart_and_can_be_cleared(tmp_path):
    with serving(tmp_path, cache_bytes=MIB * 10) as server:
        first = ask(server, "first")
    with serving(tmp_path, cache_bytes=MIB * 10) as server:
        second = ask(server, "second")
        level = [dict(event.metadata)["level"] for event in server.events("second") if event.name == "CACHE_HIT"]
        clear = urllib.request.Request(f"http://127.0.0.1:{server.port}/performance/clear_cache", method="POST")
        with urllib.request.urlopen(clear, timeout=10) as answer:
            cleared = json.load(answer)["cleared"]
        third = ask(server, "third")

    assert second.body == first.body
    assert set(level) == {"disk"}
    assert cleared == len(level)
    assert third.headers["x-voxtrace-cache"] == "miss"


def test_many_who_ask_the_same_at_once_are_served_by_one_piece_of_work(tmp_path):
    with serving(tmp_path, faults={"block_delay_ms": 5}, cache_bytes=MIB * 10, workers=1) as server:
        with ThreadPoolExecutor(12) as crowd:
            answers = list(crowd.map(lambda _: speak(server.port, input="abcdefgh" * 4), range(12)))
        report = server.status()["cache"]

    assert len({answer.body for answer in answers}) == 1
    assert all(answer.is_complete for answer in answers)
    assert report["shared"] + report["levels"]["memory"]["hits"] == 11


def test_the_cache_command_warms_reports_and_empties(tmp_path, capsys):
    texts = tmp_path / "greetings.txt"
    texts.write_text("Good morning.\n\nHow are you?\n")

    def cache(*words: str) -> str:
        assert main(["cache", *words, "--url", url, "--data", str(tmp_path)]) == 0
        return capsys.readouterr().out

    with serving(tmp_path / "served", cache_bytes=MIB * 10) as server:
        url = f"http://127.0.0.1:{server.port}"
        warmed = cache("warm", str(texts))
        hits = [speak(server.port, input="How are you?").headers["x-voxtrace-cache"] for _ in range(3)]
        stats = json.loads(cache("stats", "--json"))
        pieces = cache("analyze")
        cleared = cache("clear")

    assert "2 of 2 texts spoken" in warmed
    assert hits == ["hit"] * 3
    assert (stats["levels"]["memory"]["hits"], stats["levels"]["memory"]["misses"]) == (3, 2)
    assert "How are you" not in pieces
    assert "2 pieces forgotten" in cleared
