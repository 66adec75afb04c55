"""SSML asked of real servers: of one that hums 60 ms for each character, and of espeak-ng."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator

import numpy as np
import pytest

from tests.server.live_client import live
from tests.server.raw_client import Answer, speak
from tests.server.serving import Serving, serving

pytestmark = pytest.mark.slow

STEADY = "en-us+Denis"  # the one voice of espeak-ng that makes the same samples each time
CHAR_MS = 60
MIXED = """<?xml version="1.0"?>
<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">
  <p><s>Hello caf&#233; &amp; bar</s> <s>It is late.</s></p>
  <p>Now <prosody rate="slow">very slowly</prosody>, and then<break time="250ms"/> on
    with the <sub alias="World Wide Web">WWW</sub>, which everybody knows by now, and with more words after it.</p>
  Spell <say-as interpret-as="characters">XML</say-as> for me please.
</speak>"""


@pytest.fixture(scope="module")
def humming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("humming"), faults={}) as server:
        yield server


@pytest.fixture(scope="module")
def espeak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("espeak"), faults=None) as server:
        yield server


def ms_of(answer: Answer) -> float:
    assert answer.status == 200, answer.body
    assert answer.is_complete
    return len(answer.body) / 48


def hum(server: Serving, ssml: str, **fields: object) -> np.ndarray:
    answer = speak(server.port, input=f"<speak>{ssml}</speak>", **fields)
    assert answer.status == 200, answer.body
    return np.frombuffer(answer.body, np.int16)


def events_of(answer: Answer, kind: str) -> list[dict]:
    found = [json.loads(each.removeprefix("data: ")) for each in answer.body.decode().split("\n\n") if each]
    return [each for each in found if each["type"] == kind]


def silence_ms(samples: np.ndarray) -> list[int]:
    """The lengths of what is silent for longer than a crossing of zero."""
    loud = np.flatnonzero(np.concatenate(([1], np.abs(samples) > 0, [1])))
    gaps = np.diff(loud) - 1
    return [round(gap / 24) for gap in gaps if gap > 24 * 20]


@pytest.mark.parametrize(
    ("ssml", "chars", "rests"),
    [
        ('abcd<break time="500ms"/>efgh', 8, [500]),
        ('<break time="300ms"/>abcd', 4, [300]),
        ('abcd<break time="1.5s"/>', 4, [1500]),
        ('abcd<break time="1s"/><break time="200ms"/>efgh', 8, [1200]),
        ("abcd<break/>efgh", 8, [400]),
        ('abcd<break strength="none"/>efgh', 8, []),
        ('abcd<break time="0ms"/>efgh', 8, []),
        ('abcd<break time="10s"/>efgh', 8, [10_000]),
        ("<p>abcd</p><p>efgh</p>", len("abcd. ") + len("efgh. "), [300]),
    ],
)
def test_a_break_is_silence_of_its_length_to_the_sample(humming, ssml, chars, rests):
    samples = hum(humming, ssml)

    assert samples.size == (chars * CHAR_MS + sum(rests)) * 24
    assert silence_ms(samples) == rests


def test_a_break_makes_speech_longer_by_its_length_and_nothing_else(espeak):
    said = "<speak>Hello there, my friend.{}How are you today?</speak>"
    without, short, long = (
        len(speak(espeak.port, input=said.format(mark), voice=STEADY).body)
        for mark in (" ", '<break time="500ms"/>', '<break time="1s"/>')
    )

    assert long - short == 24_000
    assert abs(short - without - 24_000) <= 4  # its pieces are others, and each is resampled to a whole sample


def test_a_break_is_no_stall_and_no_work_of_an_engine(humming):
    ssml = '<speak>abcdefgh<break time="2s"/>ijklmnop<break time="3s"/></speak>'
    speak(humming.port, "rests", input=ssml)
    marks = humming.events("rests")
    work = [each.metadata["audio_ms"] for each in marks if each.name == "INFERENCE_COMPLETE"]
    made = next(each.metadata for each in marks if each.name == "AUDIO_GENERATION_COMPLETE")
    chunks = [each.metadata["audio_ms"] for each in marks if each.name == "AUDIO_CHUNK_GENERATED"]

    assert work == [8 * CHAR_MS, 8 * CHAR_MS]
    assert made["audio_ms"] == sum(chunks) == 16 * CHAR_MS + 5000
    assert made["chunks"] == len(chunks)


@pytest.mark.parametrize(
    ("rate", "factor"), [("50%", 2), ("-50%", 2), ("+100%", 0.5), ("2", 0.5), ("x-slow", 2), ("1000%", 0.25)]
)
def test_a_rate_stretches_what_is_in_it(humming, rate, factor):
    samples = hum(humming, f'abcd<prosody rate="{rate}">efghijkl</prosody>')

    assert samples.size == (4 + 8 * factor) * CHAR_MS * 24


def test_rates_in_each_other_and_the_request_s_speed_multiply(humming):
    ssml = '<prosody rate="50%">ab<prosody rate="80%">cdef</prosody></prosody>'

    assert hum(humming, ssml, speed=2.0).size == (2 / 1 + 4 / 0.8) * CHAR_MS * 24


def test_half_the_rate_is_about_twice_as_long_with_espeak(espeak):
    text = "This is a sentence that is spoken slowly."
    plain = ms_of(speak(espeak.port, input=text, voice=STEADY))
    slow = ms_of(speak(espeak.port, input=f'<speak><prosody rate="50%">{text}</prosody></speak>', voice=STEADY))

    assert 1.8 < slow / plain < 2.2


def test_marks_that_change_nothing_leave_the_samples_as_they_are(espeak):
    text = "Hello there, this is a test. It has two sentences, and both of them are plain."
    marked = "<speak>\n  " + text.replace("test", '<prosody rate="medium">test</prosody>') + "\n</speak>"

    assert speak(espeak.port, input=marked, voice=STEADY).body == speak(espeak.port, input=text, voice=STEADY).body


def test_an_alias_is_spoken_instead(espeak):
    marked = '<speak>The <sub alias="World Wide Web">WWW</sub> is old.</speak>'
    plain = "The World Wide Web is old."

    assert speak(espeak.port, input=marked, voice=STEADY).body == speak(espeak.port, input=plain, voice=STEADY).body


def test_an_ordinal_is_spoken_as_one(espeak):
    marked = '<speak>It is the <say-as interpret-as="ordinal">12</say-as> today.</speak>'
    plain = "It is the 12th today."

    assert speak(espeak.port, input=marked, voice=STEADY).body == speak(espeak.port, input=plain, voice=STEADY).body


def test_a_say_as_does_not_chop_its_sentence_although_it_is_spoken_with_pauses(espeak):
    kinds = ['"characters"', '"date" format="dmy"', '"date" format="mdy"']
    marked = "<speak>We wrote <say-as interpret-as={}>3/4/24</say-as> here.</speak>"
    sounds = {
        speak(espeak.port, f"as-{n}", input=marked.format(kind), voice=STEADY).body for n, kind in enumerate(kinds)
    }
    plain = len(speak(espeak.port, input="We wrote here.", voice=STEADY).body)
    asked = [sum(each.name == "QUEUE_START" for each in espeak.events(f"as-{n}")) for n in range(len(kinds))]

    assert asked == [1, 1, 1]
    assert len(sounds) == 3
    assert min(map(len, sounds)) > plain + 24_000


@pytest.mark.parametrize("stream", [{"stream_format": "sse", "timings": True, "response_format": "pcm"}])
def test_timings_tell_of_the_source_in_order_and_miss_nothing_that_is_spoken(espeak, stream):
    answer = speak(espeak.port, input=MIXED, voice=STEADY, **stream)
    timings = events_of(answer, "voxtrace.timing")
    spans = [tuple(each["text"]) for each in timings]
    told = {index for begin, end in spans for index in range(begin, end)}

    assert spans == sorted(spans)
    assert all(0 <= begin < end <= len(MIXED) for begin, end in spans)
    for word in ("Hello", "caf&#233;", "late.", "very slowly", "then", "WWW", "everybody", "XML", "please"):
        begin = MIXED.index(word)
        assert told >= set(range(begin, begin + len(word))), word
    done = events_of(answer, "speech.audio.done")[0]["voxtrace"]
    sound = b"".join(b64decode(each["audio"]) for each in events_of(answer, "speech.audio.delta"))
    assert done == {"text_chars": len(MIXED), "audio_ms": pytest.approx(len(sound) / 48, abs=0.001)}
    assert timings[-1]["audio_end_ms"] == pytest.approx(len(sound) / 48, abs=0.001)


@pytest.mark.parametrize("form", ["pcm", "wav", "mp3", "opus", "aac", "flac"])
def test_every_format_carries_breaks(humming, form):
    ssml = '<speak>abcd<break time="3s"/>efgh</speak>'
    answer = speak(humming.port, input=ssml, response_format=form, stream_format="sse")

    assert events_of(answer, "speech.audio.done")[0]["voxtrace"]["audio_ms"] == 8 * CHAR_MS + 3000


def test_what_is_spoken_is_what_is_kept(tmp_path):
    """Marks that change no sound find the piece that plain text left; a break is not kept with it."""
    with serving(tmp_path, faults={}, cache_bytes=10_000_000) as server:
        first = speak(server.port, input="Hello there my friend.")
        again = speak(server.port, input='<speak>Hello there my friend.<break time="1s"/></speak>')
        slower = speak(server.port, input='<speak><prosody rate="50%">Hello there my friend.</prosody></speak>')

    assert [each.headers["x-voxtrace-cache"] for each in (first, again, slower)] == ["miss", "hit", "miss"]
    assert again.body == first.body + bytes(48_000)


@pytest.mark.parametrize(
    "ssml",
    [
        "<speak>",
        "<speak><p>a</speak>",
        "<speak>a</speak><speak>b</speak>",
        '<!DOCTYPE speak [<!ENTITY a "b">]><speak>&a;</speak>',
        '<!DOCTYPE s [<!ENTITY a "aa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><speak>&c;</speak>',
        "<speak>&nbsp;</speak>",
        "<speak>&#0;</speak>",
        "<speak>&#x1b;</speak>",
        "<speak>" + "<p>" * 1300,
        '<speak><break time="-1s"/>a</speak>',
        '<speak><break time="abc"/>a</speak>',
        '<speak><break time="1e9s"/>a</speak>',
        '<speak><break time="11s"/>a</speak>',
        '<speak><prosody rate="NaN">a</prosody></speak>',
        '<speak><prosody rate="-100%">a</prosody></speak>',
        '<speak><prosody pitch="high">a</prosody></speak>',
        "<speak><voice name='x'>a</voice></speak>",
        "<speak><audio src='http://example.org/a.wav'/></speak>",
        "<speak xmlns:m='urn:x'><m:a/></speak>",
        "<speak><m:a/></speak>",
        "<speak><say-as>1</say-as></speak>",
        "<speak><say-as interpret-as='nothing'>1</say-as></speak>",
        "<speak><?php echo 1 ?>a</speak>",
    ],
)
def test_what_can_t_be_read_is_refused_with_its_place(espeak, ssml):
    answer = speak(espeak.port, input=ssml, input_type="ssml")

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_ssml", "input")
    assert "line 1, column" in str(answer.error["message"])


def test_lines_and_columns_are_those_of_what_was_sent(espeak):
    answer = speak(espeak.port, input="\n\n<speak>\n  Grüße <audio src='x'/>\n</speak>")

    assert "line 4, column 9: <audio> is not supported" in str(answer.error["message"])


@pytest.mark.parametrize("ssml", ["<speak/>", '<speak><break time="1s"/></speak>', "<speak> <p> </p> </speak>"])
def test_nothing_but_marks_is_no_sound(espeak, ssml):
    answer = speak(espeak.port, input=ssml)

    assert (answer.status, answer.error["code"]) == (422, "no_sound")


def test_the_limit_of_characters_counts_the_marks(espeak):
    answer = speak(espeak.port, input="<speak>" + "<p></p>" * 600 + "a</speak>")

    assert (answer.status, answer.error["code"]) == (400, "invalid_input")


def test_a_request_may_say_what_its_text_is(humming):
    as_text = speak(humming.port, input="<speak>ab</speak>", input_type="text", normalise=False)
    unmarked = speak(humming.port, input="Hello", input_type="ssml")
    unknown = speak(humming.port, input="Hello", input_type="html")

    assert ms_of(as_text) == len("<speak>ab</speak>") * CHAR_MS
    assert (unmarked.status, unmarked.error["code"]) == (400, "invalid_ssml")
    assert (unknown.status, unknown.error["code"]) == (400, "invalid_input_type")


def test_the_live_socket_says_that_it_takes_no_ssml(humming):
    with live(humming.port) as client:
        client.say("start", input_type="ssml")
        refused = client.hear("error")
        client.say("end")
        said = client.speak("abcd", input_type="text")

    assert refused.end["error"]["code"] == "invalid_input_type"
    assert len(said.sound) == 4 * CHAR_MS * 48
