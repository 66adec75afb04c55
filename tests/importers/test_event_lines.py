from __future__ import annotations

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.importers.build import NOON, NOON_NS, events, line, notes, read, refused
from voxtrace.events import Event
from voxtrace.events.codec import decode
from voxtrace.importers.event_lines import EventLines
from voxtrace.importers.plain_line import plain_event
from voxtrace.store.rows import key_of


def imported(content: bytes, **known: object):
    return read(EventLines(), content, **known)


def reasons(content: bytes) -> list[tuple[str, str, int]]:
    return [(each.unreadable.reason, each.unreadable.detail[:7], each.offset) for each in refused(imported(content))]


def test_a_line_of_latency_log_becomes_an_event_with_everything_it_says():
    (event,) = events(imported(line(metadata={"text_length": 24}, iso_time="2025-11-27T14:30:05")))

    assert event[:4] == ("r1", "stt", "stt_transcript_finalized", NOON_NS)
    assert event.metadata == {"text_length": 24}
    assert (event.mono_ns, event.clock, event.session_id) == (None, "", None)


def test_a_session_in_the_metadata_of_one_event_is_the_session_of_that_event_only():
    first, second = events(imported(line(metadata={"session_id": "s9"}) + line(event="v34_prompt_built")))

    assert (first.session_id, second.session_id) == ("s9", None)


def test_a_bad_line_is_counted_with_its_place_and_the_next_one_is_read():
    good = line()
    content = (
        good + b"Traceback (most recent call last):\n" + b'{"a": 1}\n' + good.replace(b"1764253805.0", b"NaN") + good
    )

    assert len(events(imported(content))) == 2
    assert reasons(content) == [
        ("json", "line 2:", len(good)),
        ("request_id", "line 3:", len(good) + 35),
        ("json", "line 4:", len(good) + 44),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"metadata": [1]},
        {"timestamp": "yesterday"},
        {"timestamp": 5.0},
        {"request_id": 17},
        {"event": ""},
        {"service": None},
        {"mono_ns": -1},
        {"seq": 2**63},
    ],
)
def test_a_line_with_a_value_of_the_wrong_kind_is_refused_and_not_mended(wrong):
    found = imported(line(**wrong) + line())

    assert (len(events(found)), len(refused(found))) == (1, 1)


def test_the_last_line_without_an_end_is_torn_when_it_cannot_be_read():
    assert reasons(line() + b'{"timestamp": 17') == [("torn", "line 2:", len(line()))]
    assert reasons(line() + line().rstrip()) == []


def test_zeros_before_and_between_lines_cost_only_what_they_overwrote():
    content = b"\0\0\0" + line(event="a") + b'{"timest\0\0\0' + line(event="b") + b"\0\0\n"
    found = imported(content)

    assert [event.name for event in events(found)] == ["a", "b"]
    assert [each.unreadable.reason for each in refused(found)] == ["json", "empty"]


def test_blank_lines_and_windows_line_ends_are_no_records():
    content = b"\xef\xbb\xbf" + line().replace(b"\n", b"\r\n") + b"\r\n\n  \n" + line(event="b")

    assert [event.name for event in events(imported(content))] == ["stt_transcript_finalized", "b"]
    assert reasons(content) == []


def test_a_line_of_a_megabyte_is_refused_and_its_neighbours_are_read():
    found = imported(line() + line(metadata={"text": "x" * 2**20}) + line(event="b"))

    assert len(events(found)) == 2
    assert [each.unreadable.reason for each in refused(found)] == ["too_long"]
    assert all(len(each.unreadable.raw) <= 1024 for each in refused(found))


def test_a_time_without_a_zone_is_read_in_the_zone_asked_for_and_that_is_said():
    naive = {"iso_time": "2025-11-27T15:30:05.250000", "request_id": "r", "service": "s", "event": "e"}
    found = imported(json.dumps(naive).encode(), zone=ZoneInfo("Europe/Berlin"))
    (event,) = events(found)

    assert event.wall_ns == NOON_NS + 250_000_000
    assert notes(found) == {"local_time": 1}


def test_a_time_with_a_zone_needs_no_assumption():
    found = imported(line(timestamp=None, time="2025-11-27T16:30:05.250+02:00"))

    assert events(found)[0].wall_ns == NOON_NS + 250_000_000
    assert notes(found) == {}


def test_a_unix_time_wins_over_a_naive_one():
    found = imported(line(iso_time="1999-01-01T00:00:00"))

    assert events(found)[0].wall_ns == NOON_NS
    assert notes(found) == {}


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("form", [int, str])
def test_a_unix_time_in_any_unit_is_a_point_in_time_and_wins_over_a_date_without_a_zone(unit, form):
    found = imported(
        line(timestamp=form(int(NOON) * unit), iso_time="2025-11-27T01:00:00"), zone=ZoneInfo("Asia/Tokyo")
    )

    assert [event.wall_ns for event in events(found)] == [NOON_NS]
    assert notes(found) == {}


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN"])
def test_an_event_beside_a_number_that_is_none_is_kept_without_the_number(number):
    content = line(metadata={"text": "NaN", "duration_ms": 1.5}).replace(b"1.5", number.encode())
    found = imported(content + line(metadata={"text": ": NaN"}))

    assert [dict(event.metadata) for event in events(found)] == [
        {"text": "NaN", "duration_ms": None},
        {"text": ": NaN"},
    ]
    assert notes(found) == {"not_finite": 1}


def test_equal_lines_are_one_event_and_lines_that_differ_are_two():
    first, second, third = events(imported(line() + line() + line(metadata={"n": 1})))

    assert key_of(first.event_id) == key_of(second.event_id) != key_of(third.event_id)


def test_nothing_is_assumed_about_a_zone_when_none_was_needed():
    assert notes(imported(line(), zone=UTC)) == {}


def shared(*marks: tuple[float, str], request_id: str = "no-id") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    content = b"".join(line(timestamp=NOON + at, event=name, request_id=request_id) for at, name in marks)
    for event in events(imported(content)):
        found.setdefault(event.request_id, []).append(event.name)
    return found


TURN = ("stt_pause_detected", "stt_transcript_finalized", "v34_webhook_received", "v34_ollama_sent")


def test_requests_without_an_id_of_their_own_are_told_apart_by_time():
    found = shared(*[(n / 10, name) for n, name in enumerate(TURN)], *[(9 + n, name) for n, name in enumerate(TURN)])

    assert list(found) == ["no-id@2025-11-27T14:30:05.000Z", "no-id@2025-11-27T14:30:14.000Z"]
    assert list(found.values()) == [list(TURN), list(TURN)]


def test_a_late_line_of_another_host_begins_no_request():
    found = shared((0, TURN[0]), (0.3, TURN[2]), (0.2, TURN[1]), (0.4, TURN[3]))

    assert len(found) == 1


def test_a_long_silence_ends_a_request_without_an_id():
    assert len(shared((0, "v34_ollama_sent"), (300, "v34_ollama_received"))) == 2


def test_an_id_that_is_somebodys_is_never_split():
    assert list(shared((0, TURN[0]), (300, TURN[0]), request_id="abc")) == ["abc"]


def test_the_two_calls_of_a_spoken_chunk_are_events_where_its_end_tells_their_times():
    told = {"chunk": 1, "api_request_s": 3.43, "metadata_s": 5.24}
    found = imported(line(event="chunk_tts_end", service="tts", metadata=told))
    at = {event.name: event.wall_ns - NOON_NS for event in events(found)}

    assert at == {
        "chunk_tts_end": 0,
        "chunk_tts_api_end": -5_240_000_000,
        "chunk_metadata_start": -5_240_000_000,
        "chunk_metadata_end": 0,
    }
    assert notes(found) == {"derived": 3}


@pytest.mark.parametrize("told", ["1764253805", "1764253805.0", "1764253805000"])
def test_a_unix_time_that_was_written_as_text_is_that_time(told):
    (event,) = events(imported(line(timestamp=told)))

    assert event.wall_ns == NOON_NS


def test_a_call_of_no_length_was_not_timed_and_gives_no_moments():
    found = imported(line(event="chunk_tts_end", service="tts", metadata={"api_request_s": 0, "metadata_s": 0.0}))

    assert [event.name for event in events(found)] == ["chunk_tts_end"]


# Of our own spool and of latency.log, and what stands at the edge of what either reading accepts.
_SPOOLED = (
    b'{"timestamp":1764253805.25,"wall_ns":1764253805250000001,"request_id":"r","service":"stt","event":"e",'
    b'"metadata":{"n":1,"f":0.5,"t":"x","b":true,"z":null},"session_id":"s","mono_ns":5,"clock":"h/1/b","seq":7}',
    b'{"timestamp": 1764253805.25, "request_id": "r", "service": "stt", "event": "e", "metadata": {"session_id": "s"}}',
)
_VALUES = (
    *(b"null", b"true", b"0", b"-0", b"-1", b"5.0", b"1e3", b"1e400", b"NaN", b"01", b'""', b'"x"', b"[]", b"{}"),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"18446744073709551616"),
    *(b"1764253805", b"4102444800", b"4102444800.5", b"999999999", b"1000000000000000000"),
    *(b'"\\ud800"', b'"\\u0041"', b'"\xc3\xa9"', b'"a\x00b"', b'"%s"' % (b"y" * 257), b'"%s"' % (b"y" * 4097)),
)
_METADATA = (
    *(b'{"a": %s}' % value for value in _VALUES),
    *(
        b'{"token": "t"}',
        b'{"api_key": 1}',
        b'{"session_id": 5}',
        b'{"a": [1]}',
        b'{"a": {"b": 1}}',
        b'{"a": 1, "a": 2}',
    ),
    b"{%s}" % b",".join(b'"k%d":%d' % (n, n) for n in range(65)),
)
_KEYS = (
    *(b"timestamp", b"wall_ns", b"request_id", b"service", b"event", b"session_id", b"mono_ns", b"clock", b"seq"),
    *(b"event_id", b"time", b"other", b"metadata"),
)
# Behind the keys that a line has already: of two with one name the last one counts.
_ADDED = [
    *((key, value) for key in _KEYS for value in _VALUES),
    *((b"metadata", value) for value in _METADATA),
]


def _with(text, added):
    return text[:-1] + b"".join(b',"' + key + b'":' + value for key, value in added) + b"}"


def _is_read_the_same(text):
    plain = plain_event(text)
    # `repr`, because 1, 1.0 and True are equal.
    return plain is None or repr(_as_dict(plain)) == repr(_as_dict(decode(text)))


def _as_dict(read):
    return read._replace(metadata=dict(read.metadata)) if isinstance(read, Event) else read


@pytest.mark.parametrize("text", _SPOOLED)
def test_a_usual_line_is_read_at_once_as_the_codec_reads_it(text):
    assert plain_event(text) == decode(text)


@pytest.mark.parametrize("text", _SPOOLED)
def test_no_value_of_a_key_is_read_otherwise_than_the_codec_does(text):
    assert [added for added in _ADDED if not _is_read_the_same(_with(text, [added]))] == []


@given(
    st.sampled_from(_SPOOLED),
    st.lists(st.sampled_from(_ADDED), max_size=3),
    st.floats(0, 1, exclude_max=True),
    st.binary(max_size=1),
    st.integers(0, 1),
)
def test_no_line_with_another_byte_in_it_is_read_otherwise_than_the_codec_does(text, added, place, byte, cut):
    whole = _with(text, added)
    at = int(place * len(whole))

    assert _is_read_the_same((whole[:at] + byte + whole[at + cut :]).strip(b"\0 \t\r\n"))
