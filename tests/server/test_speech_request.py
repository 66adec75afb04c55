"""What may be asked, and what is said about what may not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.server.api_error import ApiError
from voxtrace.server.models import Models
from voxtrace.server.speech_request import SpeechRequest, read_request
from voxtrace.speech.ports import Abilities, Catalogue, Voice
from voxtrace.speech.voices import OPENAI_VOICES, VoiceNotFound

CATALOGUE = Catalogue(
    "espeak-ng",
    "cpu",
    tuple(Voice(name, name, name) for name in ("en-us", "en-gb", "fr")),
    ("f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m7"),
)


def read(**fields) -> SpeechRequest:
    return read_request(json.dumps({"input": "Hello", **fields}).encode(), Models(CATALOGUE))


def refusal(body: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read_request(body, Models(CATALOGUE))
    return caught.value


def test_only_the_text_is_needed():
    assert read() == SpeechRequest("Hello", "alloy", "en-us", "mp3", 1.0)


def test_a_field_that_is_null_is_as_good_as_none():
    fields = ("voice", "model", "response_format", "speed", "sample_rate", "stream_format", "timings", "instructions")
    others = ("quality", "hedge", "normalise", "normalize", "input_type")

    assert read(**dict.fromkeys((*fields, *others))) == read()


def test_everything_that_openai_takes_is_taken():
    asked = read(
        model="gpt-4o-mini-tts",
        voice="nova",
        instructions="Cheerful.",
        response_format="wav",
        speed=1.5,
        stream_format="sse",
        sample_rate=16_000,
    )

    assert asked == SpeechRequest("Hello", "nova", "en-us+f3", "wav", 1.5, 16_000, "sse")


@pytest.mark.parametrize("voice", [*OPENAI_VOICES, "fr", "fr+f3", {"id": "alloy"}])
def test_these_voices_are_known(voice):
    assert read(voice=voice).engine_voice


@pytest.mark.parametrize("text", ["Grüße\tund\r\nKüsse", "👩‍👩‍👧", "‮right to left", "x" * 4096, "😀" * 4096])
def test_these_texts_are_spoken(text):
    assert read(input=text).text == text


@pytest.mark.parametrize(
    ("fields", "status", "param", "word"),
    [
        ({"input": ""}, 400, "input", "empty"),
        ({"input": " \n\t "}, 400, "input", "empty"),
        ({"input": None}, 400, "input", "missing"),
        ({"input": 7}, 400, "input", "must be the text"),
        ({"input": "x" * 4097}, 400, "input", "4097"),
        ({"input": "a\x00b"}, 400, "input", "U+0000"),
        ({"input": "a\x1b[31m"}, 400, "input", "U+001B"),
        ({"input": "a\x85b"}, 400, "input", "U+0085"),
        ({"input": "\ud800"}, 400, "input", "U+D800"),
        ({"voice": "nobody"}, 400, "voice", "nobody"),
        ({"voice": "fr+nobody"}, 400, "voice", "nobody"),
        ({"voice": "../../etc/passwd"}, 400, "voice", "passwd"),
        ({"voice": 7}, 400, "voice", "name"),
        ({"voice": {}}, 400, "voice", "name"),
        ({"response_format": "ogg"}, 400, "response_format", "mp3, wav, pcm, opus, aac, flac"),
        ({"response_format": 7}, 400, "response_format", "mp3, wav, pcm"),
        ({"speed": 0.2}, 400, "speed", "0.25 to 4"),
        ({"speed": 4.01}, 400, "speed", "0.25 to 4"),
        ({"speed": 10**400}, 400, "speed", "0.25 to 4"),
        ({"speed": "fast"}, 400, "speed", "number"),
        ({"speed": True}, 400, "speed", "number"),
        ({"model": "whisper-1"}, 404, "model", "tts-1"),
        ({"model": ["tts-1"]}, 400, "model", "text"),
        ({"stream_format": "websocket"}, 400, "stream_format", "audio, sse"),
        ({"stream_format": ["sse"]}, 400, "stream_format", "audio, sse"),
        ({"timings": 1}, 400, "timings", "true or false"),
        ({"timings": True}, 400, "timings", "sse"),
        ({"sample_rate": "8k"}, 400, "sample_rate", "whole number"),
        ({"sample_rate": 7_999, "response_format": "pcm"}, 400, "sample_rate", "8000 to 48000"),
        ({"sample_rate": 44_100, "response_format": "opus"}, 400, "sample_rate", "24000, 48000"),
        ({"sample_rate": 10**30}, 400, "sample_rate", "mp3, which takes"),
        ({"instructions": 7}, 400, "instructions", "text"),
        ({"input_type": "html"}, 400, "input_type", "auto, text, ssml"),
        ({"input_type": ["ssml"]}, 400, "input_type", "auto, text, ssml"),
        ({"input_type": "ssml"}, 400, "input", "line 1, column 1"),
        ({"input": "<speak>a"}, 400, "input", "line 1, column 9"),
        ({"input": "<speak xml:lang='fr'>a</speak>"}, 400, "input", "ask for another voice"),
        ({"input": "<speak>" + "<p/>" * 1100 + "</speak>"}, 400, "input", "4415"),
        ({"normalise": "no"}, 400, "normalise", "true or false"),
        ({"normalize": 0}, 400, "normalise", "true or false"),
    ],
)
def test_what_is_wrong_is_named(fields, status, param, word):
    error = refusal(json.dumps({"input": "Hello", **fields}).encode())

    assert (error.status, error.param) == (status, param)
    assert word in str(error)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"input": NaN}', b"\xff", b"[" * 100_000, b'{"input": "a'])
def test_a_body_that_is_no_json_object_is_said_to_be_none(body):
    error = refusal(body)

    assert (error.status, error.code) == (400, "invalid_json")


def test_ssml_is_read_where_a_text_looks_like_it_or_is_said_to_be():
    marked = "<speak>Hello</speak>"

    assert read(input=marked).document == read(input=marked, input_type="ssml").document
    assert read(input=marked).document is not None
    assert read(input=marked, input_type="text").document is None
    assert read(input=f"See {marked}").document is None


@pytest.mark.parametrize(
    ("fields", "normalises"),
    [
        ({}, None),
        ({"normalise": False}, False),
        ({"normalize": False}, False),
        ({"normalise": None, "normalize": False}, False),
        ({"normalise": True}, True),
    ],
)
def test_whether_a_text_is_normalised_is_the_servers_affair_unless_a_request_says_it(fields, normalises):
    assert read(**fields).normalises is normalises


def test_who_asks_for_a_voice_there_is_not_is_told_which_names_this_engine_knows():
    mixing = Catalogue("kokoro", "cpu", (Voice("af_heart", "Heart", "en-us"),), abilities=Abilities(mixes=True))
    plain = Catalogue("piper", "cpu", (Voice("lessac", "Lessac", "en-us"),))

    assert "with or without a variant" in str(VoiceNotFound("x", CATALOGUE))
    assert str(VoiceNotFound("x", mixing)).endswith("or a mix of them, such as 'af_heart:0.7+af_bella:0.3'")
    assert str(VoiceNotFound("x", plain)).endswith("that GET /v1/audio/voices lists")


def test_an_error_has_openais_shape():
    shown = json.loads(refusal(b'{"input": ""}').body)

    assert shown == {
        "error": {
            "message": "input: is empty: there is nothing to speak",
            "type": "invalid_request_error",
            "param": "input",
            "code": "invalid_input",
        }
    }


FIELDS = "input voice model speed response_format sample_rate stream_format instructions input_type normalise timings"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from(FIELDS.split()),
        JSON | st.text("<>/&;#speakbr timelang='\"0123456789", max_size=60).map("<speak>{}</speak>".format),
    )
)
def test_any_json_is_either_read_or_refused(record):
    try:
        answer: object = read_request(json.dumps(record).encode(), Models(CATALOGUE))
    except ApiError as error:
        answer = (error.status, bool(str(error)))

    assert isinstance(answer, SpeechRequest) or answer in [(400, True), (404, True)]
