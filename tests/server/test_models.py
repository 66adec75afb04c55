"""A server with several engines: which one speaks is the request's choice."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
from collections.abc import Iterator

import numpy as np
import pytest

from tests.server.raw_client import open_request, read_answer, request_bytes, speak
from tests.server.serving import Serving, serving_models
from tests.speech.small_models import kokoro_folder, piper_folder
from voxtrace.analysis import assemble

pytestmark = pytest.mark.slow

PIPER = "en_US-small-medium"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """espeak-ng, Kokoro, a Piper voice, and a voice that can't be loaded; all models were asked to run on CUDA."""
    data = tmp_path_factory.mktemp("data")
    kokoro_folder(data / "voices" / "kokoro", names=("af_alloy", "af_heart", "am_adam"))
    piper_folder(data / "voices" / PIPER)
    (kokoro_folder(data / "voices" / "broken") / "kokoro-v1.0.int8.onnx").write_bytes(b"<html>" + b" " * 100)
    (data / "voxtrace.toml").write_text('provider = "cuda"\nprecision = "int8"\ncache_mib = 0\n')
    with serving_models(data, "--workers", "1") as running:
        yield running


def test_the_model_of_a_request_is_the_engine_that_speaks(server):
    models = ("espeak", "espeak-ng", "tts-1", "kokoro", PIPER)
    engines = [speak(server.port, model=model).headers["x-voxtrace-engine"] for model in models]

    assert engines == ["espeak-ng", "espeak-ng", "espeak-ng", "kokoro", PIPER.lower()]


def test_every_answer_is_at_the_rate_that_was_asked_for_whatever_the_engine_makes(server):
    seconds = [len(speak(server.port, model=PIPER, sample_rate=hz).body) / hz / 2 for hz in (8000, 24_000, 48_000)]

    assert max(seconds) - min(seconds) < 0.1
    assert min(seconds) > 0.5


def test_voices_are_mixed_over_http(server):
    assert speak(server.port, model="kokoro", voice="af_heart:0.7+am_adam:0.3").status == 200
    assert speak(server.port, model="kokoro", voice="af_heart:0.7+nobody:0.3").error["code"] == "voice_not_found"


def test_a_name_of_openais_is_a_voice_of_every_engine(server):
    assert {speak(server.port, model=model, voice="verse").status for model in ("kokoro", PIPER, "espeak")} == {200}


def test_a_provider_that_is_not_there_is_told_in_header_and_trace(server):
    answer = speak(server.port, "asked-cuda", model="kokoro")
    end = server.end_of("asked-cuda")

    assert (answer.headers["x-voxtrace-provider"], answer.headers["x-voxtrace-provider-asked"]) == ("cpu", "cuda")
    assert (end["provider"], end["provider_asked"], end["precision"]) == ("cpu", "cuda", "int8")
    assert "CUDAExecutionProvider" in str(end["provider_fallback"])


@pytest.mark.parametrize("model", ["kokoro", PIPER])
def test_phonemes_of_a_neural_voice_have_a_stage_of_their_own_and_are_made_once(server, model):
    def asked(number: int, **headers: str):
        body = json.dumps({"model": model, "input": f"Phonemes of {model}.", "response_format": "pcm"}).encode()
        request = request_bytes(body, x_request_id=f"{model}-{number}", **headers)
        return read_answer(open_request(server.port, request))

    def counts() -> tuple[int, int]:
        phonemes = server.status()["levels"]["phonemes"]
        return phonemes["hits"], phonemes["misses"]

    before = counts()
    fresh, first, second = asked(0, cache_control="no-cache"), asked(1), asked(2)
    turn = assemble(f"{model}-1", server.events(f"{model}-1"))
    stages = [each.partition(";")[0] for each in first.headers["server-timing"].split(", ")]

    assert first.body == second.body == fresh.body
    assert stages == ["text", "queue", "phonemes", "inference", "encode"]
    assert tuple(now - then for now, then in zip(counts(), before, strict=True)) == (1, 1)
    assert turn.metrics["phoneme_ms"].value == turn.metrics["phoneme_total_ms"].value > 0
    assert turn.metrics["inference_ms"].start == "server.phoneme_generation_complete"


def test_espeak_has_no_stage_for_phonemes_and_none_is_made_up(server):
    answer = speak(server.port, "no-phonemes", model="espeak")
    turn = assemble("no-phonemes", server.events("no-phonemes"))

    assert "phonemes" not in answer.headers["server-timing"]
    assert not turn.metrics["phoneme_ms"].measured


def test_what_the_engines_hold_is_counted_by_level(server):
    speak(server.port, model="espeak", voice="fr")
    before = server.status()["levels"]["engine"]
    for voice in ("fr", "de", "de"):
        speak(server.port, model="espeak", voice=voice)
    after = server.status()["levels"]["engine"]
    page = server.text("/metrics")

    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (2, 1)
    assert after["entries"] == 3
    assert 'voxtrace_cache_lookups_total{level="phonemes",result="miss"}' in page
    assert 'voxtrace_cache_entries{level="engine"} 3.0' in page


@pytest.mark.parametrize(("model", "voice", "language"), [("kokoro", "af_heart", "en-us"), ("espeak", "de", "de")])
@pytest.mark.parametrize("text", ["?!...", "\ue000\ue001", "🫠" * 500])
def test_a_text_that_a_voice_can_not_pronounce_is_an_error_that_names_it(server, model, voice, language, text):
    answer = speak(server.port, model=model, voice=voice, input=text)

    assert (answer.status, answer.error["code"]) == (422, "no_sound")
    assert f"the voice {voice!r}, which speaks {language}," in answer.error["message"]


@pytest.mark.parametrize("model", ["kokoro", PIPER, "espeak"])
@pytest.mark.parametrize("text", ["今天天气很好。", "Привет, мир!", "नमस्ते"])
def test_a_script_that_the_voice_lacks_is_spelt_and_never_silence(server, model, text):
    answer = speak(server.port, model=model, input=text)

    assert answer.status == 200
    assert np.abs(np.frombuffer(answer.body, np.int16).astype(int)).max() > 1000


def test_a_model_that_is_not_there_is_a_404_that_lists_those_that_are(server):
    answer = speak(server.port, model="nobody")

    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert "kokoro" in str(answer.error["message"])


def test_a_model_that_could_not_be_loaded_says_why_and_the_server_speaks(server):
    answer = speak(server.port, model="broken")

    assert (answer.status, answer.error["code"]) == (503, "model_not_loaded")
    assert "it is a web page" in str(answer.error["message"])
    assert "it is a web page" in server.status()["not_loaded"]["broken"]


def test_what_an_engine_can_is_shown_by_the_pages(server):
    model = server.get("/v1/models/kokoro")
    voices = server.get("/voices")["voices"]
    engines = {each["model"]: each for each in server.status()["engines"]}

    assert (model["precisions"], model["precision"], model["mixes_voices"]) == (["int8", "fp32"], "int8", True)
    assert model["fallback"]["asked"] == "cuda"
    assert {"id": "af_heart", "name": "Heart", "language": "en-us", "model": "kokoro"} in voices
    assert engines["kokoro"]["warmed_tokens"] == [16, 64, 256]
    assert engines[PIPER]["sample_rate"] == 22_050
    assert engines["espeak-ng"]["workers"]["ready"] == 1


def test_an_unknown_model_has_no_page(server):
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        server.get("/v1/models/nobody")

    assert json.load(caught.value)["error"]["code"] == "model_not_found"


def test_an_engine_that_dies_is_no_matter_of_the_others(server):
    pids = {each["model"]: each["workers"]["pids"] for each in server.status()["engines"]}
    os.kill(pids["kokoro"][0], signal.SIGKILL)

    assert speak(server.port, model="espeak").is_complete
    assert speak(server.port, model=PIPER).is_complete
    # A new one is loaded meanwhile, and the request waits for it.
    assert speak(server.port, model="kokoro").is_complete
