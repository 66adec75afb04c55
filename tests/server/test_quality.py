"""Modes of a voice model, over a real server with a small Kokoro in two precisions: the louder one is fp32."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

from tests.server.live_client import live
from tests.server.raw_client import Answer, speak
from tests.server.serving import Serving, serving, serving_models, wait_until
from tests.speech.small_models import kokoro_folder
from voxtrace.analysis import assemble
from voxtrace.analysis.summary import population_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    data = tmp_path_factory.mktemp("data")
    kokoro_folder(data / "voices" / "kokoro")
    with serving_models(data, "--workers", "1") as running:
        yield running


def said(server: Serving, request_id: str = "", **fields: object) -> Answer:
    return speak(server.port, request_id, **{"model": "kokoro", "voice": "af_heart", **fields})


def quality_of(server: Serving) -> dict[str, object]:
    return next(each["quality"] for each in server.status()["engines"] if each["model"] == "kokoro")


def loudness(sound: bytes) -> float:
    return round(float(np.abs(np.frombuffer(sound, np.int16).astype(int)).max()) / 32767, 2)


def test_the_mode_of_a_request_chooses_the_model_and_is_told_everywhere(server):
    answers = [said(server, f"as-{mode}", quality=mode) for mode in ("fast", "balanced", "high")]
    events = server.events("as-fast")
    end = server.end_of("as-fast")

    assert [loudness(answer.body) for answer in answers] == [0.2, 0.3, 0.3]
    assert [answer.headers["x-voxtrace-mode"] for answer in answers] == ["fast", "balanced", "high"]
    assert [answer.headers["x-voxtrace-precision"] for answer in answers] == ["int8", "fp32", "fp32"]
    assert (end["mode"], end["precision"]) == ("fast", "int8")
    assert next(each.metadata["mode"] for each in events if each.name == "INFERENCE_START") == "fast"
    assert population_of(assemble("as-fast", events)).mode == "fast"


def test_what_one_model_spoke_is_not_played_for_another(server):
    text = "This is said by either model, and kept for each."
    answers = [said(server, input=text, quality=mode) for mode in ("fast", "high", "fast", "high")]

    assert [answer.headers["x-voxtrace-cache"] for answer in answers] == ["miss", "miss", "hit", "hit"]
    assert [loudness(answer.body) for answer in answers] == [0.2, 0.3, 0.2, 0.3]


def test_a_fast_answer_begins_with_a_shorter_piece(server):
    text = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."
    chars = []
    for mode in ("fast", "high"):
        said(server, f"first-{mode}", input=text, quality=mode)
        events = server.events(f"first-{mode}")
        chars += [e.metadata["first_piece_chars"] for e in events if e.name == "TEXT_PROCESSING_COMPLETE"]

    assert chars[0] < chars[1]


def test_an_engine_without_modes_takes_the_wish_and_says_that_it_changed_nothing(server):
    asked, not_asked = (said(server, model="espeak", voice="alloy", **each) for each in ({"quality": "fast"}, {}))

    assert (asked.status, asked.headers["x-voxtrace-mode"]) == (200, "none")
    assert "x-voxtrace-mode" not in not_asked.headers


@pytest.mark.parametrize("quality", ["best", "", 1, ["fast"]])
def test_a_mode_that_nobody_knows_is_refused(server, quality):
    answer = said(server, quality=quality)

    assert (answer.status, answer.error["code"]) == (400, "invalid_quality")
    assert "auto, fast, balanced, high" in str(answer.error["message"])


def test_a_live_utterance_is_spoken_in_the_mode_of_its_start(server):
    with live(server.port) as client:
        heard = client.speak("Spoken live, ", "by the fast one.", model="kokoro", voice="af_heart", quality="fast")

    assert loudness(heard.sound) == 0.2
    assert heard.end["mode"] == "fast"


def test_a_server_that_is_quick_speaks_in_its_best_mode_and_says_why(tmp_path):
    kokoro_folder(tmp_path / "voices" / "kokoro")
    asked = count()
    with serving_models(tmp_path, "--workers", "1") as server:
        before = quality_of(server)

        def is_high() -> bool:
            said(server, input=f"Number {next(asked)} is quick.")
            return quality_of(server)["mode"] == "high"

        wait_until(is_high, "the best mode")  # ten seconds after the start, at the earliest
        after = quality_of(server)
        answer = said(server, "in-high", input="And now it sounds better.")
        metrics = server.text("/metrics")

    assert (before["mode"], before["setting"]) == ("balanced", "auto")
    assert len(after["decided_by_ms"]) == 5
    assert "below 400 ms" in str(after["why"])
    assert answer.headers["x-voxtrace-mode"] == "high"
    assert 'voxtrace_quality_mode{mode="high",model="kokoro"} 1.0' in metrics


def test_answers_from_a_cache_and_other_modes_do_not_count(server):
    said(server, input="Said once.")
    before = quality_of(server)["ttfa_ms"]
    said(server, input="Said once.")
    said(server, input="Said in another mode.", quality="fast")

    assert before
    assert quality_of(server)["ttfa_ms"] == before


def test_a_mode_can_be_set_for_the_server(tmp_path):
    kokoro_folder(tmp_path / "voices" / "kokoro")
    with serving_models(tmp_path, "--workers", "1", "--quality", "fast") as server:
        answers = [said(server), said(server, quality="high")]
        modes = server.get("/v1/models/kokoro")["modes"]

    assert [answer.headers["x-voxtrace-mode"] for answer in answers] == ["fast", "high"]
    assert modes[0] == {"mode": "fast", "precision": "int8", "first_piece_words": 6}
    assert json.dumps(modes).count("fp32") == 2


def test_a_slow_server_makes_itself_fast_and_so_does_one_that_others_stand_in_for(tmp_path):
    """Both models take 1.2 s, and 10 ms in their fast mode; a stand-in hides the one's slowness from listeners."""
    slow = {"delay_ms": 1200, "fast_delay_ms": 10}

    def modes(server: Serving) -> dict[str, object]:
        return {each["model"]: each["quality"] for each in server.status()["engines"] if "quality" in each}

    with serving(tmp_path, models={"slow": slow, "hidden": slow}) as server:

        def are_fast() -> bool:
            speak(server.port, model="slow")
            speak(server.port, model="hidden", hedge=True)
            return {each["mode"] for each in modes(server).values()} == {"fast"}

        wait_until(are_fast, "the fast mode")
        why = {model: each["why"] for model, each in modes(server).items()}
        answer = speak(server.port, "quick", model="hidden", hedge=True)

    assert "above 1000 ms" in str(why["slow"])
    assert why["hidden"] == "another engine had to speak first 5 times in a row"
    assert answer.headers["x-voxtrace-mode"] == "fast"
    assert "x-voxtrace-hedged" not in answer.headers
