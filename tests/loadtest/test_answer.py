"""Answers taken apart as their bytes come: any cut of the bytes gives the same result."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.answers import END, chunk, head, mp3, pcm, wav, whole
from voxtrace.client.errors import (
    AnswerCutShort,
    NotAudio,
    NotHttp,
    Redirected,
    RequestRejected,
    ServerBusy,
    ServerFailed,
    SpeechRequestFailed,
)
from voxtrace.loadtest.answer import Answer
from voxtrace.loadtest.plan import Planned
from voxtrace.loadtest.record import UNKNOWN, Record

SPEECH = pcm(20, 100)


def answer(asked="pcm"):
    return Answer(Record(Planned(0, 0, "short"), "a" * 32, 5, 0, 0), "127.0.0.1:1", asked)


def received(raw, cuts=(), asked="pcm"):
    """What becomes of `raw` when it comes in pieces, the n-th at n nanoseconds."""
    taken, edges = answer(asked), [0, *sorted(cuts), len(raw)]
    failure = None
    for at, (begin, end) in enumerate(pairwise(edges), 1):
        if begin == end:
            continue
        try:
            taken.receive(raw[begin:end], at)
        except SpeechRequestFailed as why:
            failure = why
            break
    taken.close()
    return taken, failure


def told(raw, cuts=(), asked="pcm"):
    taken, failure = received(raw, cuts, asked)
    record = taken.record
    reads = list(record.reads())
    return (
        record.status, record.headers, record.body_bytes, record.leading_silence_ns, sum(size for _, size, _ in reads),
        sum(lasts for _, _, lasts in reads), taken.is_complete, taken.keeps_open, str(failure or ""),
    )  # fmt: skip


ANSWERS = {
    "chunked pcm": head() + chunk(SPEECH[:333]) + chunk(SPEECH[333:]) + END,
    "chunk extensions and trailers": head() + b"5;a=b\r\n" + SPEECH[:5] + b"\r\n0\r\nx-end: 1\r\n\r\n",
    "wav with its length": whole(wav(SPEECH), content_type="audio/wav"),
    "mp3": whole(mp3(pcm(0, 200)), content_type="audio/mpeg"),
    "continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + whole(SPEECH),
    "busy": whole(b'{"error":{"message":"too many"}}', 429, "application/json", retry_after="2"),
    "empty": whole(b""),
    "a web page": whole(b"<html>hello</html>", content_type="text/html"),
    "a broken chunk": head() + b"zz\r\n" + SPEECH,
    "a mail server": b"220 mail.example ESMTP\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
@given(data=st.data())
def test_any_cut_of_the_bytes_gives_the_same_result(name, data):
    raw = ANSWERS[name]
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=12))

    assert told(raw, cuts) == told(raw)


@pytest.mark.parametrize("name", ["chunked pcm", "chunk extensions and trailers", "busy"])
def test_byte_by_byte_is_the_same_too(name):
    raw = ANSWERS[name]

    assert told(raw, range(len(raw))) == told(raw)


def test_each_read_keeps_its_own_time():
    raw = head() + chunk(SPEECH[:960]) + chunk(SPEECH[960:1920]) + END
    first = len(head() + chunk(SPEECH[:960]))
    record = received(raw, [len(head()), first])[0].record

    assert (record.headers_ns, record.first_byte_ns) == (1, 2)
    assert list(record.reads()) == [(2, 960, 20_000_000), (3, 960, 20_000_000)]


def test_the_first_audible_sample_is_found_behind_silence():
    assert received(whole(SPEECH))[0].record.leading_silence_ns == 20_000_000


def test_containers_that_are_not_taken_apart_are_counted_in_bytes_only():
    record = received(whole(b"webm" * 100, content_type="audio/webm"))[0].record

    assert list(record.reads()) == [(1, 400, UNKNOWN)]
    assert record.leading_silence_ns is None


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (ANSWERS["busy"], ServerBusy),
        (whole(b"", 503), ServerBusy),
        (whole(b'{"detail":"no"}', 400), RequestRejected),
        (whole(b"", 500), ServerFailed),
        (whole(b"", 302, location="/x"), Redirected),
        (ANSWERS["empty"], NotAudio),
        (ANSWERS["a web page"], NotAudio),
        (whole(b"no header", content_type="audio/wav"), NotAudio),
        (whole(SPEECH, content_encoding="gzip"), NotAudio),
        (ANSWERS["a broken chunk"], NotHttp),
        (ANSWERS["a mail server"], NotHttp),
    ],
)
def test_what_is_no_speech_has_its_cause(raw, kind):
    assert type(received(raw)[1]) is kind


@pytest.mark.parametrize("raw", [b"", head(), head() + chunk(SPEECH), whole(SPEECH)[:-1]])
def test_a_connection_that_ends_too_early_cuts_the_answer_short(raw):
    taken, _ = received(raw)

    with pytest.raises(AnswerCutShort):
        answer_ends(taken, raw)


def answer_ends(taken, raw):
    fresh = answer()
    if raw:
        fresh.receive(raw, 1)
    fresh.end_of_connection(2, "")


def test_a_body_without_a_length_ends_with_its_connection():
    taken = answer("wav")
    taken.receive(b"HTTP/1.0 200 OK\r\ncontent-type: audio/wav\r\n\r\n" + wav(SPEECH), 1)
    taken.end_of_connection(2, "")

    assert taken.is_complete
    assert not taken.keeps_open


def test_a_wav_that_ends_before_what_its_header_promised_is_cut_short():
    taken = answer("wav")
    taken.receive(b"HTTP/1.0 200 OK\r\ncontent-type: audio/wav\r\n\r\n" + wav(SPEECH, data_bytes=99_999), 1)

    with pytest.raises(AnswerCutShort, match="promised"):
        taken.end_of_connection(2, "")


def test_a_server_that_says_more_than_it_was_asked_gets_no_further_request():
    assert not received(whole(SPEECH) + whole(SPEECH))[0].keeps_open
    assert received(whole(SPEECH))[0].keeps_open
