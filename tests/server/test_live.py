"""Text in while it is written, sound out while it is spoken, over one real socket."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.live_client import Heard, live
from tests.server.raw_client import speak
from tests.server.serving import Serving, serving
from tests.speech.decoders import by_libav
from voxtrace.speech.edges import FADE_MS

pytestmark = pytest.mark.slow

STEADY = "en-us+Denis"
TEXT = (
    "Hello world, this is a test of the live socket. It has three sentences, and the second one is a little "
    "longer than the first. The third one ends it."
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("live"), faults=None) as server:
        yield server


def packets(text: str, size: int) -> list[str]:
    return [text[begin : begin + size] for begin in range(0, len(text), size)]


def says(server: Serving, *parts: str, **fields: object) -> Heard:
    with live(server.port) as client:
        return client.speak(*parts, voice=STEADY, **fields)


@pytest.mark.parametrize("size", [1, 4, 33, 1000])
def test_however_the_text_is_cut_into_packets_the_sound_is_that_of_the_whole_text(server, size):
    whole = speak(server.port, input=TEXT, voice=STEADY).body

    assert says(server, *packets(TEXT, size)).sound == whole


def test_the_first_sound_comes_before_the_last_word_is_written(server):
    with live(server.port) as client:
        client.say("start", voice=STEADY)
        for packet in packets(TEXT[:80], 4):
            client.say("text", text=packet)
        early = client.hear("timing")
        client.say("text", text=TEXT[80:])
        client.say("end")
        late = client.hear()

    assert len(early.sound) > 0
    assert early.sound + late.sound == speak(server.port, input=TEXT, voice=STEADY).body


def test_what_is_flushed_is_spoken_although_the_sentence_goes_on(server):
    with live(server.port) as client:
        client.say("text", text="Wait a")
        client.say("flush")
        early = client.hear("timing")
        client.say("text", text=" minute.")
        client.say("end")
        late = client.hear()

    assert len(early.sound) > 0
    assert (late.end["type"], late.end["text_chars"]) == ("done", len("Wait a minute."))


def test_frames_tell_which_text_and_which_sound_each_chunk_is_and_where_its_time_went(server):
    heard = says(server, *packets(TEXT, 5))
    timings = heard.of("timing")

    assert [each["seq"] for each in timings] == list(range(len(heard.audio)))
    assert [each["bytes"] for each in timings] == [len(audio) for audio in heard.audio]
    assert timings[0]["audio_begin_ms"] == 0
    assert all(one["audio_end_ms"] == two["audio_begin_ms"] for one, two in itertools.pairwise(timings))
    assert timings[-1]["audio_end_ms"] == pytest.approx(len(heard.sound) / 48, abs=0.01)
    assert timings[0]["text"][0] == 0
    assert timings[-1]["text"][1] == len(TEXT)
    assert all(one["text"][0] <= two["text"][0] for one, two in itertools.pairwise(timings))
    assert all(0 < each["infer_ms"] < 60_000 for each in timings if each["cache"] == "miss")
    assert timings[0]["lead_ms"] == pytest.approx(timings[0]["audio_end_ms"], abs=0.001)
    assert heard.end["audio_ms"] == timings[-1]["audio_end_ms"]


def test_one_socket_carries_many_utterances_each_with_its_own_id_in_one_session(server):
    with live(server.port, x_request_id="first-one", x_session_id="talk") as client:
        heard = [
            client.speak("One two three."),
            client.speak("Four five six."),
            client.speak("Seven.", request_id="third"),
        ]
    started = [each.of("started")[0] for each in heard]

    assert [each["session_id"] for each in started] == ["talk"] * 3
    assert (started[0]["request_id"], started[2]["request_id"]) == ("first-one", "third")
    assert len({each["request_id"] for each in started}) == 3
    assert all(each.end["type"] == "done" for each in heard)


def test_all_stages_of_an_utterance_are_marked(server):
    with live(server.port) as client:
        client.speak(*packets(TEXT, 7), request_id="live-stages", session_id="s1")
    events = server.events("live-stages")
    names = {event.name for event in events}

    assert {event.session_id for event in events} == {"s1"}
    assert names >= {
        "REQUEST_RECEIVED",
        "PROCESSING_START",
        "TEXT_PROCESSING_COMPLETE",
        "QUEUE_START",
        "FIRST_CHUNK_ENCODED",
        "FIRST_CHUNK_SENT",
        "AUDIO_GENERATION_COMPLETE",
        "REQUEST_COMPLETE",
    }
    assert server.end_of("live-stages")["outcome"] == "ok"
    assert next(each for each in events if each.name == "REQUEST_RECEIVED").metadata["transport"] == "live"


@pytest.mark.parametrize("name", ["wav", "mp3", "opus", "aac", "flac"])
def test_every_format_can_be_streamed_live(server, name):
    samples = len(speak(server.port, input=TEXT, voice=STEADY).body) // 2
    heard = says(server, *packets(TEXT, 9), response_format=name)
    decoded, rate_hz = by_libav(heard.sound)

    assert heard.of("started")[0]["content_type"].startswith("audio/")
    assert decoded.size / rate_hz == pytest.approx(samples / 24_000, abs=0.1)


def test_a_cancelled_utterance_ends_within_a_block_and_the_next_one_can_begin(tmp_path):
    with (
        serving(tmp_path, faults={"block_delay_ms": 20, "only": "x"}, workers=1) as server,
        live(server.port) as client,
    ):
        client.say("start", request_id="cancelled")
        client.say("text", text="x" * 100)
        client.say("flush")
        client.hear("timing")
        client.say("cancel")
        cancelled = client.hear()
        after = client.speak("abc")
        end = server.end_of("cancelled")

    assert cancelled.end["type"] == "cancelled"
    assert cancelled.end["audio_ms"] < 6000
    assert after.end["type"] == "done"
    assert end["outcome"] == "cancelled"


def test_cancelling_before_anything_could_be_spoken_is_a_cancelled_request_too(server):
    with live(server.port) as client:
        client.say("start", request_id="never-spoken")
        client.say("text", text="Wel")
        client.say("cancel")
        heard = client.hear()

    assert (heard.end["type"], heard.audio) == ("cancelled", [])
    assert server.end_of("never-spoken")["outcome"] == "cancelled"


def test_an_engine_that_breaks_is_told_in_band_and_the_socket_lives_on(tmp_path):
    with serving(tmp_path, faults={"fail_after_ms": 120, "only": "x"}) as server, live(server.port) as client:
        client.say("start", request_id="breaks")
        client.say("text", text="x" * 100)
        client.say("flush")
        broken = client.hear()
        client.say("text", text=" and the rest of it, which is not spoken.")
        client.say("end")
        after = client.speak("abc")

    assert (broken.end["error"]["code"], broken.end["request_id"]) == ("engine_failed", "breaks")
    assert len(broken.sound) == (120 + FADE_MS) * 48
    assert (after.end["type"], len(after.sound)) == ("done", 180 * 48)


def test_a_client_that_leaves_in_mid_sentence_frees_the_engine(tmp_path):
    with serving(tmp_path, faults={"block_delay_ms": 20, "only": "x"}, workers=1) as server:
        with live(server.port) as client:
            client.say("start", request_id="leaves")
            client.say("text", text="x" * 100)
            client.say("flush")
            client.hear("timing")
        end = server.end_of("leaves")

        assert end["outcome"] == "cancelled"
        assert speak(server.port, input="abc").is_complete


def test_a_client_that_floods_the_socket_is_told_and_nothing_of_the_flood_is_kept(server):
    with live(server.port) as client:
        client.say("start", request_id="flood")
        for _ in range(400):
            client.say("text", text="word " * 200)
        client.say("end")
        flooded = client.hear("error")
        after = client.speak("And this is spoken.", voice=STEADY)

    assert flooded.end["error"]["code"] == "too_much_text"
    assert after.end["type"] == "done"
    assert after.sound == speak(server.port, input="And this is spoken.", voice=STEADY).body
    assert server.resident_mib() < 400


def test_text_for_a_second_utterance_before_the_first_is_over_is_refused_aloud(tmp_path):
    with serving(tmp_path, faults={"block_delay_ms": 10}) as server, live(server.port) as client:
        client.say("text", text="x" * 50)
        client.say("end")
        client.say("text", text="too early")
        client.say("end")
        refused = client.hear("error")
        first = client.hear("done")

    assert refused.end["error"]["code"] == "still_speaking"
    assert len(refused.sound + first.sound) == 50 * 60 * 48


def test_an_utterance_in_whose_middle_something_was_refused_still_comes_to_its_end(server):
    with live(server.port) as client:
        client.say("start", voice=STEADY)
        client.say("text", text="One.")
        client.say("start", voice="en-gb")
        client.say("text", text="Dropped.")
        client.say("end")
        refused = client.hear("error")
        first = client.hear("done")
        after = client.speak("Two.", voice=STEADY)

    assert refused.end["error"]["code"] == "still_speaking"
    assert first.end["text_chars"] == len("One.")
    assert after.sound == speak(server.port, input="Two.", voice=STEADY).body


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        '{"type": "sing"}',
        '{"type": ["text"]}',
        '{"type": "text", "text": 7}',
        '{"type": "text", "text": "a\\u0000"}',
        b"sound",
    ],
)
def test_what_is_not_understood_is_named_and_ends_the_socket(server, message):
    with live(server.port) as client:
        client.socket.send(message)
        heard = client.hear()
        with pytest.raises(ConnectionClosed) as closed:
            client.hear()

    assert heard.end["error"]["type"] == "invalid_request_error"
    assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize(
    "fields", [{"voice": "nobody"}, {"speed": 9}, {"sample_rate": 1}, {"response_format": "ogg"}, {"request_id": "a b"}]
)
def test_a_start_that_asks_for_what_there_is_not_is_refused_and_its_text_not_spoken(server, fields):
    with live(server.port) as client:
        refused = client.speak("This must not be spoken with another voice.", **fields)
        after = client.speak("abc", voice=STEADY, request_id="fine", response_format="pcm", speed=1, sample_rate=24_000)

    assert refused.end["error"]["param"] in fields
    assert refused.audio == []
    assert after.end["type"] == "done"


def test_a_text_without_any_sound_is_an_error(server):
    assert says(server, "...").end["error"]["code"] == "no_sound"


def test_an_utterance_without_text_is_none(server):
    with live(server.port) as client:
        client.say("end")
        client.say("flush")
        client.say("cancel")

        assert client.speak("abc").end["type"] == "done"


def test_a_server_that_has_nothing_to_say_says_that_it_is_there(tmp_path):
    quick = {"alive_s": 0.1, "idle_s": 20}
    stalls = {"stall_after_ms": 60}
    with serving(tmp_path, faults=stalls, live=quick, drain_s=0) as server, live(server.port) as client:
        client.say("text", text="Hm")  # nothing can be spoken yet
        waiting = client.hear("alive")
        client.say("flush")
        client.hear("timing")
        stalled = client.hear("alive")

    assert (waiting.audio, stalled.audio) == ([], [])


def test_a_client_that_says_nothing_for_too_long_is_told_and_left(tmp_path):
    with serving(tmp_path, faults={}, live={"idle_s": 0.3}) as server, live(server.port) as client:
        client.say("start", request_id="forgotten")
        client.say("text", text="Wel")
        heard = client.hear("idle")
        with pytest.raises(ConnectionClosed) as closed:
            client.hear()
        end = server.end_of("forgotten")

    assert [frame["type"] for frame in heard.frames] == ["started", "cancelled", "idle"]
    assert closed.value.rcvd.code == 1001
    assert end["outcome"] == "cancelled"


def test_a_client_that_waits_for_its_sound_is_not_idle(tmp_path):
    slow = {"block_delay_ms": 60}
    with serving(tmp_path, faults=slow, live={"idle_s": 0.2}) as server, live(server.port) as client:
        assert client.speak("x" * 12).end["type"] == "done"


def test_no_more_sockets_are_open_than_are_allowed(tmp_path):
    with (
        serving(tmp_path, faults={}, live={"sockets": 1}) as server,
        live(server.port),
        live(server.port) as second,
        pytest.raises(ConnectionClosed) as closed,
    ):
        second.hear()

    assert closed.value.rcvd.code == 1013


def test_pages_of_another_origin_do_not_get_in(server):
    with pytest.raises(InvalidStatus) as refused, live(server.port, origin="http://127.0.0.1:1"):
        pass

    assert refused.value.response.status_code == 403
