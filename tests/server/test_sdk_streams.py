"""OpenAI's own Python client, unmodified: every format, each of its two kinds, each of its ways to read an answer."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from tests.server.serving import Serving, serving
from tests.speech.decoders import by_libav

pytestmark = pytest.mark.slow

TEXT = "Hello world, this is a test of every format."
SAMPLES = len(TEXT) * 60 * 24  # that the faulty engine hums
# A decoder may give more than was spoken: the delay of the codec, and the rest of its last frame.
MORE = {"pcm": 0, "wav": 0, "flac": 0, "opus": 0, "mp3": 3_000, "aac": 4_000}

Ask = Callable[..., bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("sdk"), faults={}) as server:
        yield server


def fields_of(asked: dict[str, object]) -> dict[str, Any]:
    return {"model": "tts-1", "voice": "alloy", "input": TEXT, **asked}


def options(server: Serving) -> dict[str, Any]:
    return {"base_url": f"http://127.0.0.1:{server.port}/v1", "api_key": "unused", "max_retries": 0}


def streamed(server: Serving, **asked: object) -> bytes:
    with (
        openai.OpenAI(**options(server)) as client,
        client.audio.speech.with_streaming_response.create(**fields_of(asked)) as answer,
    ):
        return b"".join(answer.iter_bytes(4096))


def whole(server: Serving, **asked: object) -> bytes:
    with openai.OpenAI(**options(server)) as client:
        return client.audio.speech.create(**fields_of(asked)).read()


def streamed_async(server: Serving, **asked: object) -> bytes:
    async def ask() -> bytes:
        async with (
            openai.AsyncOpenAI(**options(server)) as client,
            client.audio.speech.with_streaming_response.create(**fields_of(asked)) as answer,
        ):
            return b"".join([chunk async for chunk in answer.iter_bytes(4096)])

    return asyncio.run(ask())


def whole_async(server: Serving, **asked: object) -> bytes:
    async def ask() -> bytes:
        async with openai.AsyncOpenAI(**options(server)) as client:
            return await (await client.audio.speech.create(**fields_of(asked))).aread()

    return asyncio.run(ask())


def events(server: Serving, **asked: object) -> list[dict]:
    """Its own reader of server-sent events; for speech it has no typed ones, so they are taken as they are."""
    with openai.OpenAI(**options(server)) as client:
        body = fields_of({"stream_format": "sse", **asked})
        stream = client.post("/audio/speech", body=body, cast_to=object, stream=True, stream_cls=openai.Stream[object])
        return list(stream)


def events_async(server: Serving, **asked: object) -> list[dict]:
    async def ask() -> list[dict]:
        async with openai.AsyncOpenAI(**options(server)) as client:
            body = fields_of({"stream_format": "sse", **asked})
            kind = openai.AsyncStream[object]
            stream = await client.post("/audio/speech", body=body, cast_to=object, stream=True, stream_cls=kind)
            return [event async for event in stream]

    return asyncio.run(ask())


def as_sound(events: list[dict]) -> bytes:
    return b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")


def samples_of(form: str, sound: bytes) -> int:
    if form == "pcm":
        return len(sound) // 2
    decoded, rate_hz = by_libav(sound)
    return decoded.size * 24_000 // rate_hz


@pytest.mark.parametrize("form", MORE)
@pytest.mark.parametrize("ask", [streamed, whole, streamed_async, whole_async])
def test_every_format_is_there_to_the_last_sample(server, ask: Ask, form):
    heard = samples_of(form, ask(server, response_format=form))

    assert SAMPLES <= heard <= SAMPLES + MORE[form]


@pytest.mark.parametrize("form", MORE)
@pytest.mark.parametrize("ask", [events, events_async])
def test_every_format_can_come_as_server_sent_events_with_what_it_cost(server, ask, form):
    told = ask(server, response_format=form)
    usage = told[-1]["usage"]

    assert {event["type"] for event in told[:-1]} == {"speech.audio.delta"}
    assert told[-1]["type"] == "speech.audio.done"
    assert samples_of(form, as_sound(told)) == samples_of(form, streamed(server, response_format=form))
    assert (usage["input_tokens"], usage["total_tokens"]) == (len(TEXT), len(TEXT) + usage["output_tokens"])


@pytest.mark.parametrize("ask", [events, events_async])
def test_an_engine_that_breaks_in_the_midst_is_its_own_error_with_the_reason(tmp_path, ask):
    with serving(tmp_path, faults={"fail_after_ms": 120}) as server, pytest.raises(openai.APIError) as caught:
        ask(server, response_format="pcm")

    assert (caught.value.code, type(caught.value)) == ("engine_failed", openai.APIError)


@pytest.mark.parametrize("ask", [streamed, streamed_async])
def test_bare_audio_that_breaks_in_the_midst_is_not_taken_for_a_whole_answer(tmp_path, ask):
    with serving(tmp_path, faults={"fail_after_ms": 120}) as server, pytest.raises(Exception, match="incomplete"):
        ask(server, response_format="pcm")


@pytest.mark.parametrize("ask", [whole, whole_async])
def test_its_typed_errors_arrive_whichever_kind_asks(server, ask):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(server, voice="nobody")

    assert (caught.value.code, caught.value.param) == ("voice_not_found", "voice")
    assert caught.value.request_id


def test_a_whole_answer_can_be_written_to_a_file(server, tmp_path):
    with openai.OpenAI(**options(server)) as client:
        client.audio.speech.create(**fields_of({"response_format": "wav"})).write_to_file(tmp_path / "said.wav")

    assert samples_of("wav", (tmp_path / "said.wav").read_bytes()) == SAMPLES
