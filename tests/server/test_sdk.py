"""OpenAI's own Python client, unmodified, against a real server with espeak-ng."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import openai
import pytest

from tests.server.raw_client import open_request, read_answer, request_bytes, speak
from tests.server.serving import Serving, serving
from voxtrace.speech.encode import open_encoder

pytestmark = pytest.mark.slow

TEXT = "Hello world, this is a test. It has two sentences, and the second one is a little longer."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("sdk"), faults=None) as server:
        yield server


@pytest.fixture
def client(server: Serving) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="unused", max_retries=0) as client:
        yield client


def stream(client: openai.OpenAI, **fields: object) -> list[bytes]:
    asked = {"model": "tts-1", "voice": "alloy", "input": TEXT, **fields}
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        return list(answer.iter_bytes(4096))


def decoded_seconds(sound: bytes) -> float:
    with av.open(io.BytesIO(sound)) as container:
        return sum(frame.samples for frame in container.decode(audio=0)) / 24_000


def test_pcm_is_streamed(client):
    chunks = stream(client, response_format="pcm")

    assert len(chunks) > 1
    assert 4 < sum(map(len, chunks)) / 48_000 < 8


def test_wav_is_streamed_with_one_header(client):
    sound = b"".join(stream(client, response_format="wav"))

    assert sound.startswith(open_encoder("wav").encode(bytes(2))[:44])
    assert sound.count(b"RIFF") == 1


def test_mp3_is_what_comes_when_no_format_is_named_and_it_is_as_long_as_the_samples(client):
    mp3, pcm = b"".join(stream(client)), b"".join(stream(client, response_format="pcm"))

    assert decoded_seconds(mp3) == pytest.approx(len(pcm) / 48_000, abs=0.15)


def test_speed_shortens_what_is_said(client):
    normal, fast = (sum(map(len, stream(client, response_format="pcm", speed=speed))) for speed in (1.0, 2.0))

    assert normal / fast == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"input": ""}, openai.BadRequestError),
        ({"input": "x" * 4097}, openai.BadRequestError),
        ({"input": "a\x07b"}, openai.BadRequestError),
        ({"voice": "nobody"}, openai.BadRequestError),
        ({"response_format": "ogg"}, openai.BadRequestError),
        ({"speed": 9}, openai.BadRequestError),
        ({"model": "whisper-1"}, openai.NotFoundError),
    ],
)
def test_its_typed_errors_arrive(client, fields, error):
    with pytest.raises(error) as caught:
        stream(client, **fields)

    assert caught.value.param in fields
    assert caught.value.code


def test_a_text_without_any_sound_is_an_error_and_not_an_empty_file(client):
    with pytest.raises(openai.UnprocessableEntityError):
        stream(client, input="...")


def test_models_can_be_listed_and_looked_up(client):
    names = [model.id for model in client.models.list()]

    assert {"tts-1", "gpt-4o-mini-tts", "espeak-ng"} <= set(names)
    assert client.models.retrieve("tts-1").id == "tts-1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("whisper-1")


def test_voices_are_listed_where_clients_look_for_them(server):
    lists = [server.get(path)["voices"] for path in ("/v1/audio/voices", "/audio/voices", "/voices")]

    assert lists[0] == lists[1] == lists[2]
    assert {"alloy", "verse", "en-us", "fr-fr", "ja"} <= {voice["id"] for voice in lists[0]}
    assert {"id", "name"} <= set(lists[0][0])


def test_the_same_text_at_the_same_time_gives_the_same_samples(server):
    """Denis is a variant of espeak-ng without flutter; with it no two renderings are alike, alone or not."""
    from concurrent.futures import ThreadPoolExecutor

    def say(number: int) -> bytes:
        # Other texts in between would spoil it if engines shared anything.
        text = TEXT if number % 2 == 0 else f"Something else, number {number}."
        return speak(server.port, voice="en-us+Denis", input=text).body

    alone = say(0)
    with ThreadPoolExecutor(6) as crowd:
        together = list(crowd.map(say, range(24)))

    assert len(alone) > 200_000
    assert set(together[::2]) == {alone}


def test_every_answer_says_who_when_and_where_time_went(server):
    answer = speak(server.port, "my-request")
    sent, received = int(answer.headers["x-voxtrace-sent"]), int(answer.headers["x-voxtrace-received"])

    assert answer.headers["x-request-id"] == "my-request"
    assert [each.partition(";")[0] for each in answer.headers["server-timing"].split(", ")] == [
        "text",
        "queue",
        "inference",
        "encode",
    ]
    assert 0 < sent - received < 10**10
    assert answer.headers["x-voxtrace-engine"] == "espeak-ng"
    assert answer.headers["x-voxtrace-cache"] == "miss"


def test_a_trace_is_taken_up_and_given_back(server):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = read_answer(open_request(server.port, request_bytes(b"{", traceparent=trace)))

    assert answer.status == 400
    assert answer.headers["traceparent"] == trace
    assert answer.headers["x-request-id"] == "0af7651916cd43dd8448eb211c80319c"
    assert server.end_of("0af7651916cd43dd8448eb211c80319c")["outcome"] == "error"


def test_all_stages_of_a_request_are_marked_in_their_order(server):
    speak(server.port, "all-stages", input=TEXT)
    events = sorted(server.events("all-stages"), key=lambda event: event.mono_ns or 0)
    names = [event.name for event in events]
    first = [name for name in names if name.startswith("FIRST_")]

    assert events[0].metadata["transport"] == "http"
    assert names[:6] == [
        "REQUEST_RECEIVED",
        "PROCESSING_START",
        "TEXT_PROCESSING_COMPLETE",
        "QUEUE_START",
        "INFERENCE_START",
        "FIRST_CHUNK_GENERATED",
    ]
    # A whole piece may be there before its first chunk is sent, so only these have an order.
    assert first == ["FIRST_CHUNK_GENERATED", "FIRST_CHUNK_ENCODED", "FIRST_CHUNK_SENT"]
    assert names.count("QUEUE_START") == names.count("INFERENCE_START") == names.count("INFERENCE_COMPLETE") > 1
    assert names.index("AUDIO_GENERATION_COMPLETE") > max(
        index for index, name in enumerate(names) if name == "AUDIO_CHUNK_GENERATED"
    )
    end = dict(events[-1].metadata)
    assert end.pop("start") in ("cold", "warm")
    assert end == {"outcome": "ok", "cache": "miss", "provider": "cpu", "truth": "L1"}


def test_the_audio_of_all_pieces_is_the_audio_that_was_sent(server):
    answer = speak(server.port, "adds-up", input=TEXT)
    pieces = [event.metadata["audio_ms"] for event in server.events("adds-up") if event.name == "INFERENCE_COMPLETE"]

    assert len(pieces) > 1
    assert sum(pieces) == pytest.approx(len(answer.body) / 48, abs=0.01)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET /v1/audio/speech", 405), (b"GET /nowhere", 404), (b"DELETE /health", 405), (b"GET /v1/models/a/b", 404)],
)
def test_other_routes_answer_in_the_same_shape(server, request_line, status):
    answer = read_answer(open_request(server.port, request_line + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"))

    assert answer.status == status
    assert answer.error["message"]
    assert "x-request-id" in answer.headers


def test_a_body_that_is_too_large_is_refused_unread(server):
    head = b"POST /v1/audio/speech HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000000\r\n\r\n"
    answer = read_answer(open_request(server.port, head))

    assert (answer.status, answer.error["code"]) == (413, "body_too_large")


def test_who_sends_ten_mebibytes_reads_why_they_are_refused(server):
    head = b"POST /v1/audio/speech HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10485760\r\n\r\n"
    answer = read_answer(open_request(server.port, head + b"x" * 10_485_760))

    assert (answer.status, answer.error["code"]) == (413, "body_too_large")


def test_a_chunked_body_that_grows_too_large_is_refused(server):
    head = b"POST /v1/audio/speech HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = read_answer(open_request(server.port, head + b"80000\r\n" + b"x" * 0x80000 + b"\r\n0\r\n\r\n"))

    assert (answer.status, answer.error["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("voice", ["fr", "fr-fr", "de", "zh", "en", "es+f2", "fable"])
def test_a_language_can_be_asked_for_by_any_of_its_names(server, voice):
    assert len(speak(server.port, voice=voice).body) > 10_000
