"""The exact requests of voice-agent frameworks and chat front ends, read the way they read the answers.

Taken from their sources: LiveKit's `livekit-plugins-openai` 1.8, Pipecat's `OpenAITTSService` 1.14, Open WebUI's audio
router. They are replayed because the packages are far larger than this one.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator

import openai
import pytest

from tests.server.raw_client import speak
from tests.server.serving import Serving, serving
from tests.speech.decoders import by_libav

pytestmark = pytest.mark.slow

TEXT = "Hello world, this is a test of voice agents."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("agents"), faults=None) as server:
        yield server


def base_url(server: Serving) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


def as_livekit(server: Serving, model: str, form: str) -> tuple[str, str, bytes]:
    """Request id, Content-Type and sound, as its `ChunkedStream` takes them."""

    async def ask() -> tuple[str, str, bytes]:
        async with (
            openai.AsyncOpenAI(base_url=base_url(server), api_key="x", max_retries=0) as client,
            client.audio.speech.with_streaming_response.create(
                input=TEXT,
                model=model,
                voice="ash",
                response_format=form,  # type: ignore[arg-type]
                speed=1.0,
                instructions=openai.omit,
                stream_format="audio" if model in ("tts-1", "tts-1-hd") else "sse",
            ) as answer,
        ):
            kind = answer.headers["content-type"].split(";")[0]
            if kind != "text/event-stream":
                return answer.request_id or "", kind, b"".join([chunk async for chunk in answer.iter_bytes()])
            sound, usage = b"", None
            async for line in answer.iter_lines():
                if not line.startswith("data: "):
                    continue
                event = json.loads(line[6:])
                if event.get("type") == "speech.audio.delta":
                    sound += b64decode(event["audio"])
                elif event.get("type") == "speech.audio.done":
                    usage = event["usage"]
            assert isinstance(usage["input_tokens"], int)
            assert isinstance(usage["output_tokens"], int)
            return answer.request_id or "", kind, sound

    return asyncio.run(ask())


@pytest.mark.parametrize("form", ["mp3", "wav", "opus", "flac", "aac"])
@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
def test_livekit_hears_the_whole_text_whichever_way_it_asks(server, model, form):
    request_id, _, sound = as_livekit(server, model, form)
    decoded, rate_hz = by_libav(sound)

    assert request_id
    assert 2 < decoded.size / rate_hz < 6


def test_pipecat_gets_samples_at_24_khz(server):
    with (
        openai.OpenAI(base_url=base_url(server), api_key="x", max_retries=0) as client,
        client.audio.speech.with_streaming_response.create(
            input=TEXT, model="gpt-4o-mini-tts", voice="alloy", response_format="pcm"
        ) as answer,
    ):
        chunks = list(answer.iter_bytes(24_000))

    assert answer.status_code == 200
    assert 2 < sum(map(len, chunks)) / 48_000 < 6


def test_pipecat_reads_an_error_as_a_bad_request(server):
    with (
        openai.OpenAI(base_url=base_url(server), api_key="x", max_retries=0) as client,
        pytest.raises(openai.BadRequestError),
    ):
        client.audio.speech.create(input="", model="gpt-4o-mini-tts", voice="alloy", response_format="pcm")


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
