"""Every format and both ways to stream it, asked for by OpenAI's own client, blocking and not."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterable, Iterator

import openai
import pytest

from tests.server.raw_client import speak
from tests.server.serving import Serving, serving
from tests.speech.decoders import by_libav
from voxtrace.speech.edges import FADE_MS

pytestmark = pytest.mark.slow

TEXT = "Hello world, this is a test. It has two sentences, and the second one is a little longer."
# A variant of espeak-ng without flutter: the same text is the same samples every time.
STEADY = "en-us+Denis"
MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
}
# Seconds that a decoder may find beyond the samples: frames that have to be whole, and the codec's delay.
SURPLUS_S = {"mp3": (1105 + 2 * 576) / 24_000, "aac": 2 * 1024 / 24_000}

EVERY_FORMAT = pytest.mark.parametrize("name", list(MEDIA_TYPES))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("formats"), faults=None) as server:
        yield server


def asked(name: str, **fields: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": STEADY, "input": TEXT, "response_format": name, **fields}


def url(server: Serving) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


def blocking(server: Serving, **request: object) -> tuple[str, bytes]:
    with (
        openai.OpenAI(base_url=url(server), api_key="unused", max_retries=0) as client,
        client.audio.speech.with_streaming_response.create(**request) as answer,
    ):
        return answer.headers["content-type"], b"".join(answer.iter_bytes(1024))


def not_blocking(server: Serving, **request: object) -> tuple[str, bytes]:
    async def ask() -> tuple[str, bytes]:
        async with (
            openai.AsyncOpenAI(base_url=url(server), api_key="unused", max_retries=0) as client,
            client.audio.speech.with_streaming_response.create(**request) as answer,
        ):
            return answer.headers["content-type"], b"".join([block async for block in answer.iter_bytes(1024)])

    return asyncio.run(ask())


EITHER_CLIENT = pytest.mark.parametrize("ask", [blocking, not_blocking], ids=["blocking", "async"])


def events_of(lines: Iterable[str]) -> list[dict]:
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


def seconds_of(name: str, sound: bytes) -> float:
    if name == "pcm":
        return len(sound) / 48_000
    decoded, rate_hz = by_libav(sound)
    return decoded.size / rate_hz


@EVERY_FORMAT
@EITHER_CLIENT
def test_every_format_holds_all_of_the_samples(server, name, ask):
    samples = len(ask(server, **asked("pcm"))[1]) // 2
    media_type, sound = ask(server, **asked(name))

    assert media_type == MEDIA_TYPES[name]
    surplus = seconds_of(name, sound) - samples / 24_000
    assert 0 <= surplus < SURPLUS_S.get(name, 0) + 1e-9


@EVERY_FORMAT
@EITHER_CLIENT
def test_server_sent_events_carry_the_same_sound(server, name, ask):
    media_type, body = ask(server, **asked(name, extra_body={"stream_format": "sse"}))
    *deltas, done = events_of(body.decode().split("\n\n"))
    sound = b"".join(b64decode(each["audio"]) for each in deltas)

    assert media_type == "text/event-stream"
    assert {each["type"] for each in deltas} == {"speech.audio.delta"}
    assert len(deltas) > 1
    assert seconds_of(name, sound) == seconds_of(name, ask(server, **asked(name))[1])
    usage = done["usage"]
    assert (done["type"], usage["input_tokens"]) == ("speech.audio.done", len(TEXT))
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert done["voxtrace"]["audio_ms"] == pytest.approx(
        seconds_of(name, sound) * 1000, abs=SURPLUS_S.get(name, 0) * 1000 + 0.1
    )


def test_an_engine_that_breaks_in_mid_stream_is_an_event_and_the_body_ends_well(tmp_path):
    with serving(tmp_path, faults={"fail_after_ms": 120}) as server:
        answer = speak(server.port, "breaks", input="x" * 100, stream_format="sse")
        end = server.end_of("breaks")
    *deltas, last = events_of(answer.body.decode().split("\n\n"))

    assert answer.is_complete
    assert sum(len(b64decode(each["audio"])) for each in deltas) == (120 + FADE_MS) * 48
    assert (last["type"], last["error"]["code"]) == ("error", "engine_failed")
    assert end["outcome"] == "error"


def test_timings_between_the_deltas_tell_of_each_of_them(server):
    answer = speak(server.port, input=TEXT, voice=STEADY, stream_format="sse", timings=True)
    events = events_of(answer.body.decode().split("\n\n"))
    deltas, timings = (
        [each for each in events if each["type"] == kind] for kind in ("speech.audio.delta", "voxtrace.timing")
    )

    assert [each["bytes"] for each in timings] == [len(b64decode(each["audio"])) for each in deltas]
    assert (timings[0]["text"][0], timings[-1]["text"][1]) == (0, len(TEXT))
    assert timings[-1]["audio_end_ms"] == pytest.approx(sum(each["bytes"] for each in timings) / 48, abs=0.01)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac"])
def test_the_first_sound_of_seconds_that_are_there_at_once_does_not_wait_for_the_rest(tmp_path, name):
    """From a cache: only what the format holds back is encoded before something is sent."""
    with serving(tmp_path, faults={}, cache_bytes=10_000_000) as server:
        asked = {"input": "x" * 60, "response_format": name, "stream_format": "sse", "timings": True}
        speak(server.port, **asked)
        answer = speak(server.port, **asked)
    timings = [each for each in events_of(answer.body.decode().split("\n\n")) if each["type"] == "voxtrace.timing"]

    assert timings[0]["cache"] == "memory"
    assert timings[0]["audio_end_ms"] <= 120
    assert timings[-1]["audio_end_ms"] == 60 * 60


def test_an_engine_that_breaks_before_its_first_sound_is_a_status_there_too(tmp_path):
    with serving(tmp_path, faults={"fail_after_ms": 0}) as server:
        answer = speak(server.port, input="x" * 100, stream_format="sse")

    assert (answer.status, answer.error["code"]) == (500, "engine_failed")


@pytest.mark.parametrize(
    ("name", "rate_hz", "media_type"),
    [
        ("pcm", 8_000, "audio/pcm;rate=8000;channels=1"),
        ("pcm", 24_000, "audio/pcm"),
        ("wav", 16_000, "audio/wav"),
        ("flac", 44_100, "audio/flac"),
        ("mp3", 16_000, "audio/mpeg"),
    ],
)
def test_another_rate_is_made_and_declared(server, name, rate_hz, media_type):
    usual = len(speak(server.port, input=TEXT, voice=STEADY).body) / 48_000
    answer = speak(server.port, input=TEXT, voice=STEADY, response_format=name, sample_rate=rate_hz)
    seconds = len(answer.body) / rate_hz / 2 if name == "pcm" else seconds_of(name, answer.body)

    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-voxtrace-sample-rate"] == str(rate_hz)
    assert seconds == pytest.approx(usual, abs=0.1 if name == "mp3" else 1 / rate_hz)


def test_what_can_be_made_is_listed(server):
    formats = server.get("/status")["formats"]

    assert server.get("/v1/models")["formats"] == list(formats) == list(MEDIA_TYPES)
    assert all(each["available"] for each in formats.values())
