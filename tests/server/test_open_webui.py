"""The exact requests of Open WebUI's audio router, taken from its source and read the way it reads the answers.

They are replayed because the package is far larger than this one. The plugins of LiveKit and Pipecat are driven as they
are: see tests/agents.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.server.raw_client import speak
from tests.server.serving import Serving, serving

pytestmark = pytest.mark.slow

TEXT = "Hello world, this is a test of voice agents."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("webui"), faults=None) as server:
        yield server


def base_url(server: Serving) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


def test_open_webui_finds_models_and_voices_and_speaks(server):
    models = server.get("/v1/audio/models")["models"]
    voices = server.get("/v1/audio/voices")["voices"]
    answer = speak(server.port, model=models[0]["id"], voice=voices[0]["id"], input=TEXT, response_format="mp3")

    assert all("id" in model for model in models)
    assert all({"id", "name"} <= set(voice) for voice in voices)
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/mpeg")


def test_open_webui_finds_the_reason_of_an_error_where_it_looks(server):
    body = json.dumps({"model": "tts-1", "voice": "nobody", "input": TEXT}).encode()
    asked = urllib.request.Request(
        f"{base_url(server)}/audio/speech", body, {"content-type": "application/json", "authorization": "Bearer x"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=10)

    assert "nobody" in json.load(refused.value)["error"]["message"]
