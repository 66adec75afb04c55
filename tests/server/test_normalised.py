"""What is written is spoken as words, by every way of asking, and told of as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.server.live_client import live
from tests.server.raw_client import speak
from tests.server.serving import Serving, serving

pytestmark = pytest.mark.slow

STEADY = "en-us+Denis"  # the one voice of espeak-ng that makes the same samples each time
WRITTEN = (
    "It is 5 km from here, and the ticket is $3.50 for **everybody** 😀. Then ask at https://example.org/x for more."
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("normalised"), faults=None) as server:
        yield server


def sound(server: Serving, text: str, **fields: object) -> bytes:
    answer = speak(server.port, input=text, voice=STEADY, **fields)
    assert answer.status == 200, answer.body
    return answer.body


def test_a_unit_is_spoken_as_a_word_unless_the_request_does_not_want_it(server):
    words = sound(server, "It is 5 kilometers.", normalise=False)

    assert sound(server, "It is 5 km.") == words
    assert sound(server, "It is 5 km.", normalise=False) != words
    assert sound(server, "It is 5 km.", normalize=False) == sound(server, "It is 5 km.", normalise=False)
    assert sound(server, "<speak>It is 5 km.</speak>") == words


def test_a_server_that_is_set_so_speaks_what_is_written_unless_the_request_does_not_want_it(server, tmp_path):
    with serving(tmp_path, faults=None, normalise=False) as other:
        as_written, as_words = sound(other, "It is 5 km."), sound(other, "It is 5 km.", normalise=True)

    assert as_written == sound(server, "It is 5 km.", normalise=False)
    assert as_words == sound(server, "It is 5 km.")


def test_the_live_socket_speaks_the_same_however_its_text_is_cut(server):
    whole = sound(server, WRITTEN)
    with live(server.port) as client:
        cut = [
            client.speak(*(WRITTEN[at : at + size] for at in range(0, len(WRITTEN), size)), voice=STEADY)
            for size in (1, 7)
        ]
        as_written = client.speak(WRITTEN, voice=STEADY, normalise=False)

    assert [heard.sound for heard in cut] == [whole, whole]
    assert as_written.sound == sound(server, WRITTEN, normalise=False) != whole


def test_timings_and_events_speak_of_what_was_written(server):
    answer = speak(server.port, "written", input=WRITTEN, voice=STEADY, stream_format="sse", timings=True)
    events = [json.loads(each.removeprefix("data: ")) for each in answer.body.decode().split("\n\n") if each]
    spans = [each["text"] for each in events if each["type"] == "voxtrace.timing"]
    asked = [each.metadata for each in server.events("written") if each.name == "QUEUE_START"]

    assert spans == sorted(spans)
    assert (spans[0][0], spans[-1][1]) == (0, len(WRITTEN))
    assert sum(each["text_chars"] for each in asked) == len(WRITTEN)
    assert [each["text_begin"] for each in asked] == [
        sum(e["text_chars"] for e in asked[:n]) for n in range(len(asked))
    ]


def test_a_piece_of_which_nothing_is_left_is_skipped_and_a_text_of_which_nothing_is_left_is_no_sound(server):
    some = sound(server, "Hello there, this is me, and that is it. 😀😀😀 😀😀😀")
    none = speak(server.port, input="😀 😀", voice=STEADY)
    with live(server.port) as client:
        late = client.speak("😀😀 ", "😀😀 ", "Hello there.", voice=STEADY)
        nothing = client.speak("😀 ", voice=STEADY)

    assert len(some) > 48_000
    assert (none.status, none.error["code"]) == (422, "no_sound")
    assert late.end["type"] == "done"
    assert nothing.end["error"]["code"] == "no_sound"


def test_what_is_spoken_alike_is_kept_once(tmp_path):
    with serving(tmp_path, faults=None, cache_bytes=10_000_000) as server:
        first = speak(server.port, input="It is 5 km.", voice=STEADY)
        again = speak(server.port, input="It is 5 kilometers.", voice=STEADY)

    assert [each.headers["x-voxtrace-cache"] for each in (first, again)] == ["miss", "hit"]
    assert again.body == first.body


def test_reading_the_text_is_a_part_of_the_time_to_first_audio(server):
    answer = speak(server.port, "read", input="<speak>It is 5 km.</speak>", voice=STEADY)
    names = [each.name for each in server.events("read")]

    assert "text;dur=" in answer.headers["server-timing"]
    assert names.index("TEXT_PROCESSING_COMPLETE") < names.index("QUEUE_START") < names.index("INFERENCE_START")
