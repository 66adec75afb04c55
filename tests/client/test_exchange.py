import itertools
import json

import pytest

from tests.client.answers import END, MS, chunk, head, mp3, pcm, wav, whole
from voxtrace.audio.wav import SampleFormat
from voxtrace.client.errors import (
    AnswerCutShort,
    NotAudio,
    NotHttp,
    Redirected,
    RequestRejected,
    ServerBusy,
    ServerFailed,
)
from voxtrace.client.exchange import Exchange, Stamp
from voxtrace.client.request import SpeechRequest, endpoint
from voxtrace.speech.encode import FORMATS, open_encoder


def exchange_of(asked="pcm", **options):
    exchange = Exchange(endpoint("http://127.0.0.1:8880"), SpeechRequest("Hello", format=asked, **options), {})
    exchange.start(Stamp(0, 0))
    exchange.outgoing()
    return exchange


def hear(reads, asked="pcm"):
    """Feed the reads, one a nanosecond, and end well: what was marked, as (name, nanosecond, metadata)."""
    exchange = exchange_of(asked)
    moments = [moment for at, data in enumerate(reads) for moment in exchange.receive(data, Stamp(at, 0))]
    moments += exchange.ending(Stamp(len(reads), 0))
    return [(moment.name, moment.at.mono_ns, moment.metadata) for moment in moments]


def names(moments):
    return [(name, at) for name, at, _ in moments]


def facts(moments, name):
    return next(metadata for found, _, metadata in moments if found == name)


def test_a_streamed_answer_is_told_read_by_read():
    told = hear([head(), chunk(pcm(0, 60)), chunk(pcm(0, 40)), END])

    assert names(told) == [
        ("HEADERS_RECEIVED", 0),
        ("FIRST_BYTE_RECEIVED", 1),
        ("FIRST_AUDIO_CHUNK", 1),
        ("AUDIO_CHUNK_RECEIVED", 1),
        ("AUDIO_CHUNK_RECEIVED", 2),
        ("FIRST_AUDIBLE_CHUNK", 1),
        ("LAST_AUDIO_CHUNK", 2),
        ("REQUEST_COMPLETE", 4),
    ]
    assert facts(told, "AUDIO_CHUNK_RECEIVED") == {"seq": 0, "bytes": 60 * MS, "audio_ms": 60.0}
    assert facts(told, "LAST_AUDIO_CHUNK") == {"chunks": 2, "bytes": 100 * MS, "audio_ms": 100.0}
    assert facts(told, "REQUEST_COMPLETE") == {"outcome": "ok", "bytes": 100 * MS, "status": 200}


def test_an_answer_that_comes_in_one_read_has_all_its_moments_there():
    told = hear([whole(pcm(0, 60))])

    assert {at for name, at in names(told) if name != "REQUEST_COMPLETE"} == {0}


def test_an_answer_dribbled_byte_by_byte_is_the_same_answer():
    raw = head() + chunk(pcm(0, 30)) + END
    told = hear([raw[at : at + 1] for at in range(len(raw))])

    assert names(told)[0] == ("HEADERS_RECEIVED", len(head()) - 1)
    assert facts(told, "FIRST_BYTE_RECEIVED") == {"bytes": 1}
    assert facts(told, "LAST_AUDIO_CHUNK") == {"chunks": 30 * MS // 2, "bytes": 30 * MS, "audio_ms": 30.0}


def test_a_wav_header_is_a_byte_and_not_a_sound():
    told = hear([head(content_type="audio/wav"), chunk(wav(b"")), chunk(pcm(0, 60)), END])

    assert ("FIRST_BYTE_RECEIVED", 1) in names(told)
    assert ("FIRST_AUDIO_CHUNK", 2) in names(told)
    assert facts(told, "LAST_AUDIO_CHUNK")["bytes"] == 60 * MS


def test_a_torn_wav_header_is_put_together():
    raw = wav(pcm(0, 60))
    told = hear([head(content_type="audio/wav"), chunk(raw[:43]), chunk(raw[43:45]), chunk(raw[45:]), END])

    assert ("FIRST_AUDIO_CHUNK", 3) in names(told)
    assert facts(told, "LAST_AUDIO_CHUNK")["audio_ms"] == 60.0


def test_what_follows_the_data_of_a_wav_is_no_sound():
    told = hear([whole(wav(pcm(0, 60), data_bytes=60 * MS) + b"LIST\4\0\0\0abcd", content_type="audio/wav")])

    assert facts(told, "LAST_AUDIO_CHUNK")["audio_ms"] == 60.0


def test_half_a_sample_waits_for_its_other_half():
    told = hear([head(), chunk(b"\1"), chunk(b"\2"), END])

    assert ("FIRST_BYTE_RECEIVED", 1) in names(told)
    assert ("FIRST_AUDIO_CHUNK", 2) in names(told)


def test_an_id3_tag_is_a_byte_and_not_a_sound():
    tag = b"ID3\4\0\0\0\0\0\x20" + b"\0" * 32
    sound = mp3(pcm(0, 300))
    told = hear([head(content_type="audio/mpeg"), chunk(tag), chunk(sound), END], asked="mp3")

    assert ("FIRST_BYTE_RECEIVED", 1) in names(told)
    assert ("FIRST_AUDIO_CHUNK", 2) in names(told)
    assert facts(told, "LAST_AUDIO_CHUNK")["bytes"] == len(sound)


@pytest.mark.parametrize("silence_ms", [0, 250])
def test_the_audible_chunk_is_the_one_that_holds_the_sample_and_not_the_one_that_proved_it(silence_ms):
    sound = pcm(silence_ms, 100)
    reads = [chunk(sound[at : at + 10 * MS]) for at in range(0, len(sound), 10 * MS)]  # audible takes two of them
    told = hear([head(), *reads, END])

    assert ("FIRST_AUDIBLE_CHUNK", 1 + silence_ms // 10) in names(told)
    assert facts(told, "FIRST_AUDIBLE_CHUNK") == {"leading_silence_ms": silence_ms}


def test_the_audible_chunk_of_an_mp3_is_found_by_decoding_it():
    sound = mp3(pcm(400, 300))
    reads = [chunk(sound[at : at + 300]) for at in range(0, len(sound), 300)]
    told = hear([head(content_type="audio/mpeg"), *reads, END])

    # 1,105 samples of the codec's own delay (46 ms) stand in front of the 400 ms.
    assert facts(told, "FIRST_AUDIBLE_CHUNK")["leading_silence_ms"] == pytest.approx(446, abs=10)
    before = [metadata["audio_ms"] for name, at, metadata in told if name == "AUDIO_CHUNK_RECEIVED"]
    (at,) = [at for name, at in names(told) if name == "FIRST_AUDIBLE_CHUNK"]
    arrived = sum(
        metadata["audio_ms"] for name, read, metadata in told if name == "AUDIO_CHUNK_RECEIVED" and read <= at
    )
    assert 446 - 10 <= arrived <= 446 + 100 < sum(before)


def test_sound_on_one_channel_of_two_is_sound():
    left_only = bytearray(pcm(0, 200, channels=2))
    left_only[2::4] = left_only[3::4] = bytes(len(left_only) // 4)
    told = hear([whole(bytes(left_only), content_type="audio/pcm; rate=24000; channels=2")])

    assert facts(told, "FIRST_AUDIBLE_CHUNK") == {"leading_silence_ms": 0.0}
    assert facts(told, "LAST_AUDIO_CHUNK")["audio_ms"] == 200.0


def test_silence_has_no_audible_chunk():
    told = hear([whole(pcm(300, 0))])

    assert "FIRST_AUDIBLE_CHUNK" not in dict(names(told))


def test_the_content_type_decides_and_not_what_was_asked():
    exchange = exchange_of("mp3")
    exchange.receive(head(content_type="Audio/X-WAV; foo=bar") + chunk(wav(pcm(0, 20))), Stamp(0, 0))

    assert exchange.sound.format == "wav"
    assert exchange.sound.samples == SampleFormat(24_000)


@pytest.mark.parametrize("content_type", [None, "application/octet-stream"])
def test_where_the_content_type_says_nothing_what_was_asked_counts(content_type):
    told = hear([head(content_type=content_type), chunk(pcm(0, 20)), END])

    assert facts(told, "LAST_AUDIO_CHUNK")["audio_ms"] == 20.0


def test_the_rate_of_raw_samples_is_read_from_the_content_type():
    told = hear([whole(pcm(0, 20), content_type="audio/L16;rate=48000;channels=1")])

    assert facts(told, "LAST_AUDIO_CHUNK")["audio_ms"] == 10.0


def test_of_a_container_that_is_not_taken_apart_nothing_is_claimed():
    told = hear([head(content_type="audio/webm"), chunk(b"\x1aE\xdf\xa3...."), END], asked="opus")

    assert names(told)[1:] == [
        ("FIRST_BYTE_RECEIVED", 1),
        ("AUDIO_CHUNK_RECEIVED", 1),
        ("LAST_AUDIO_CHUNK", 1),
        ("REQUEST_COMPLETE", 3),
    ]
    assert facts(told, "AUDIO_CHUNK_RECEIVED") == {"seq": 0, "bytes": 8}
    assert facts(told, "LAST_AUDIO_CHUNK") == {"chunks": 1, "bytes": 8}


@pytest.mark.parametrize("content_type", ["audio/ogg", "audio/flac", "audio/aac"])
def test_of_a_stream_that_is_another_than_its_content_type_says_nothing_is_claimed(content_type):
    told = hear([head(content_type=content_type), chunk(b"some"), chunk(b"thing else"), END], asked="opus")

    assert [name for name, _ in names(told)] == [
        "HEADERS_RECEIVED",
        "FIRST_BYTE_RECEIVED",
        "AUDIO_CHUNK_RECEIVED",
        *([] if content_type == "audio/aac" else ["AUDIO_CHUNK_RECEIVED"]),
        "LAST_AUDIO_CHUNK",
        "REQUEST_COMPLETE",
    ]
    assert facts(told, "LAST_AUDIO_CHUNK")["bytes"] == len(b"something else")


@pytest.mark.parametrize(("form", "in_front_ms"), [("opus", 0), ("flac", 0), ("aac", 1024 / 24)])
def test_the_audible_chunk_of_other_formats_is_found_by_decoding_them_and_their_frames_are_counted(form, in_front_ms):
    encoder, sound = open_encoder(form), pcm(400, 300)
    reads = [encoder.encode(sound[at : at + 20 * MS]) for at in range(0, len(sound), 20 * MS)] + [encoder.finish()]
    kind = FORMATS[form].media_type
    told = hear([head(content_type=kind), *(chunk(read) for read in reads if read), END], asked=form)
    silence_ms = facts(told, "FIRST_AUDIBLE_CHUNK")["leading_silence_ms"]
    chunks = [(at, fact["audio_ms"]) for name, at, fact in told if name == "AUDIO_CHUNK_RECEIVED"]
    ends = itertools.accumulate(lasts_ms for _, lasts_ms in chunks)
    holder = next(at for (at, _), end_ms in zip(chunks, ends, strict=True) if end_ms > silence_ms)

    assert silence_ms == pytest.approx(400 + in_front_ms, abs=5)
    assert ("FIRST_AUDIO_CHUNK", 1) in names(told)
    assert ("FIRST_AUDIBLE_CHUNK", holder) in names(told)
    assert facts(told, "LAST_AUDIO_CHUNK")["audio_ms"] == pytest.approx(700, abs=90)


def test_the_servers_clock_and_timing_are_passed_on():
    sent = {"x_voxtrace_received": "1764253805015000001", "x_voxtrace_sent": "now", "server_timing": "queue;dur=0.1"}
    told = hear([whole(pcm(0, 20), **sent)])

    assert facts(told, "HEADERS_RECEIVED") == {
        "status": 200,
        "content_type": "audio/pcm",
        "server_timing": "queue;dur=0.1",
        "server_recv_wall_ns": 1764253805015000001,
    }


def test_an_interim_answer_is_no_answer():
    told = hear([b"HTTP/1.1 103 Early Hints\r\n\r\n", whole(pcm(0, 20))])

    assert names(told)[0] == ("HEADERS_RECEIVED", 1)


@pytest.mark.parametrize(
    ("reads", "error", "says"),
    [
        ([head() + chunk(pcm(0, 60)), b""], AnswerCutShort, "after 2880 bytes"),
        ([head() + b"b40\r\n" + pcm(0, 10), b""], AnswerCutShort, "after 480 bytes"),
        ([whole(pcm(0, 60))[:-1], b""], AnswerCutShort, "after 2879 bytes"),
        ([b""], AnswerCutShort, "before the answer began"),
        ([b"HTTP/1.1 200 OK\r\ncontent-ty", b""], AnswerCutShort, "before the answer began"),
        ([b"HTTP/1.0 200 OK\r\ncontent-type: audio/wav\r\n\r\n" + wav(pcm(0, 20), data_bytes=1000), b""],
         AnswerCutShort, "promised 40 more"),
        ([b"SSH-2.0-OpenSSH_9.2"], NotHttp, "begins with b'SSH-2'"),
        ([b"HT", b"TA/1.1"], NotHttp, "begins with b'HTTA/'"),
        ([b"HTTP/1.1 no status\r\n\r\n"], NotHttp, "does not speak HTTP"),
        ([head() + b"what?\r\n"], NotHttp, "does not speak HTTP"),
        ([whole(b"<html><body>Hi\x1b[2J</body></html>", content_type="text/html")], NotAudio, r"<html><body>Hi \[2J"),
        ([whole(b"<html>", content_type="audio/wav")], NotAudio, "no WAV"),
        ([whole(b"", content_type="audio/wav")], NotAudio, "it is empty"),
        ([whole(wav(b""), content_type="audio/wav")], NotAudio, "no sample could be found in its 44 bytes"),
        ([whole(b"not frames", content_type="audio/mpeg")], NotAudio, "no sample could be found"),
        ([whole(b"\x1f\x8b", content_encoding="gzip")], NotAudio, "gzip-encoded"),
        ([whole(b"", 204, None)], NotAudio, "Content-Type missing"),
        ([whole(b"", 307, location="https://elsewhere.example/")], Redirected, "https://elsewhere.example/"),
        ([whole(b"<h1>Oops</h1>", 500, "text/html")], ServerFailed, r"failed \(500\): <h1>Oops</h1>"),
        ([whole(b"", 502)], ServerFailed, "gives no reason"),
        ([whole(b'{"detail":"no such voice"}', 404)], RequestRejected, r"\(404\): no such voice"),
        ([whole(b'{"error":"overloaded"}', 503, retry_after="7")], ServerBusy, "overloaded; it asks to wait 7 s"),
        ([head(429) + chunk(b'{"error":'), b""], ServerBusy, r'\(429\): {"error":'),
        ([whole(b"[" * 60_000, 400)], RequestRejected, "…"),
    ],
)  # fmt: skip
def test_each_way_to_fail_has_its_own_error(reads, error, says):
    with pytest.raises(error, match=says):
        hear(reads)


def test_an_error_in_openais_shape_gives_its_message_and_type():
    said = {"error": {"message": "no voice 'x'", "type": "invalid_request_error", "param": "voice", "code": None}}
    with pytest.raises(RequestRejected) as caught:
        hear([whole(json.dumps(said).encode(), 400, "application/json")])

    assert (caught.value.message, caught.value.kind) == ("no voice 'x'", "invalid_request_error")
    assert (caught.value.status, caught.value.exit_code) == (400, 2)


def test_an_endless_error_page_is_not_read_to_its_end():
    exchange = exchange_of()
    exchange.receive(head(500, "text/html"), Stamp(0, 0))
    with pytest.raises(ServerFailed):
        exchange.receive(chunk(b"x" * 70_000), Stamp(1, 0))

    assert exchange.take_body() == b""


def test_what_came_before_the_end_was_cut_off_is_kept_and_told():
    exchange = exchange_of()
    told = exchange.receive(head() + chunk(pcm(0, 60)), Stamp(0, 0))
    with pytest.raises(AnswerCutShort) as caught:
        exchange.receive(b"", Stamp(1, 0))
    end = exchange.ending(Stamp(2, 0), caught.value)

    assert exchange.take_body() == pcm(0, 60)
    assert [moment.name for moment in told][-1] == "AUDIO_CHUNK_RECEIVED"
    # The last audio of the answer never came, so nothing says that it did.
    assert [moment.name for moment in end] == ["FIRST_AUDIBLE_CHUNK", "REQUEST_COMPLETE"]
    assert end[-1].metadata["outcome"] == "error"
    assert end[-1].metadata["error"] == "cut_short"


def test_the_request_is_what_openai_servers_expect():
    exchange = Exchange(
        endpoint("http://127.0.0.1:8880/v1"), SpeechRequest("Grüße", speed=1.5), {"x-request-id": "abc"}
    )
    lines, _, body = exchange.outgoing().partition(b"\r\n\r\n")

    assert lines.startswith(b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1:8880\r\n")
    assert b"x-request-id: abc" in lines
    assert json.loads(body) == {
        "model": "tts-1", "input": "Grüße", "voice": "alloy", "response_format": "wav", "speed": 1.5,
    }  # fmt: skip
