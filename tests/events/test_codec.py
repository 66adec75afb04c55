"""Events as JSON lines, and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.events import Event, Unreadable
from voxtrace.events.codec import EARLIEST_NS, LATEST_NS, MAX_LINE_BYTES, decode, encode, sequence_id

CLOCK = "host/7.abcd/boot"
CHARACTERS = st.characters(exclude_categories=["Cs"])
IDS = st.text(CHARACTERS, min_size=1, max_size=40)
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
SCALARS = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | st.text(CHARACTERS)
KEYS = st.from_regex(r"[a-z_]{1,20}_ms", fullmatch=True)
METADATA = st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=6)
EVENTS = st.builds(
    Event,
    request_id=IDS,
    service=IDS,
    name=IDS,
    wall_ns=st.integers(EARLIEST_NS, LATEST_NS),
    event_id=IDS,
    mono_ns=st.none() | st.integers(0, 2**63 - 1),
    clock=st.just("") | st.just(CLOCK),
    seq=st.none() | st.integers(0, 2**63 - 1),
    session_id=st.none() | IDS,
    metadata=METADATA,
)


def event(**changed: object) -> Event:
    plain = Event("r1", "stt", "speech_end", 1_764_253_805_015_000_000, f"{CLOCK}#3", 81, CLOCK, 3)
    return plain._replace(**changed)


@given(EVENTS)
def test_what_is_encoded_is_decoded_as_it_was(written):
    assert decode(encode(written)) == written


@given(st.binary(max_size=400))
def test_no_bytes_make_the_decoder_raise(line):
    assert isinstance(decode(line), Event | Unreadable)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "request_id",
        "service",
        "event",
        "timestamp",
        "time",
        "wall_ns",
        "metadata",
        "clock",
        "seq",
        "mono_ns",
        "session_id",
        "event_id",
    ]
)


@given(st.dictionaries(FIELDS, JSON_VALUES))
def test_a_line_with_any_values_is_an_event_that_can_be_stored_or_has_a_reason(changes):
    line = json.loads(encode(event())) | changes

    read = decode(json.dumps(line).encode())

    if isinstance(read, Event):
        repr(read._replace(metadata={})).encode("utf-8")
        json.dumps(dict(read.metadata), ensure_ascii=False, allow_nan=False).encode("utf-8")
    else:
        assert read.reason


def test_a_line_is_a_superset_of_the_simplest_log_that_people_keep():
    line = json.loads(encode(event(metadata={"text_length": 24})))

    assert line == {
        "timestamp": 1764253805.015,
        "wall_ns": 1_764_253_805_015_000_000,
        "request_id": "r1",
        "service": "stt",
        "event": "speech_end",
        "metadata": {"text_length": 24},
        "mono_ns": 81,
        "clock": CLOCK,
        "seq": 3,
    }


def test_an_id_that_follows_from_clock_and_number_is_not_written():
    own = encode(event(event_id="mine"))
    derived = encode(event(event_id=sequence_id(CLOCK, 3)))

    assert (b"event_id" in own, b"event_id" in derived) == (True, False)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.floats() | st.binary()))
def test_any_metadata_becomes_one_ascii_line_that_reads_back(metadata):
    line = encode(event(metadata=metadata))

    assert line.isascii()
    assert line.count(b"\n") == 1
    assert isinstance(decode(line), Event)


def test_metadata_that_would_not_fit_on_a_line_still_gives_an_event():
    wide = {f"key_{number}": "\U0001f3a7" * 100 for number in range(60)}

    line = encode(event(request_id="\U0001f3a7" * 256, name="\U0001f3a7" * 256, metadata=wide))

    assert len(line) <= MAX_LINE_BYTES
    assert isinstance(decode(line), Event)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty"),
        (b"\0\0\n", "empty"),
        (b'{"timestamp": 1764253805.0, "request_id"', "json"),
        (b"[1]", "json"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": NaN}', "json"),
        (b'{"service": "s", "event": "e", "timestamp": 1764253805}', "request_id"),
        (b'{"request_id": "r", "service": "s", "timestamp": 1764253805}', "event"),
        (b'{"request_id": "r", "event": "e", "timestamp": 1764253805}', "service"),
        (b'{"request_id": "r", "service": "s", "event": "e"}', "timestamp"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805000}', "timestamp"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": "2025-11-27T14:30:05"}', "timestamp"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "metadata": 3}', "metadata"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "seq": -1}', "number"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "seq": 1.5}', "number"),
        (b'{"request_id": "\\ud800", "service": "s", "event": "e", "timestamp": 1764253805}', "text"),
        (
            b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "session_id": "\\ud800"}',
            "text",
        ),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "event_id": "\\ud800"}', "text"),
        (b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "clock": [1]}', "type"),
        (b'{"request_id": "' + b"r" * 300 + b'", "service": "s", "event": "e", "timestamp": 1764253805}', "too_long"),
        (b'{"request_id": "r", "pad": "' + b"x" * MAX_LINE_BYTES + b'"}', "too_long"),
        (b"[" * 15_000, "depth"),
        (b'{"timestamp": 1' + b"0" * 5000 + b"}", "json"),
    ],
)
def test_an_unreadable_line_says_why(line, reason):
    read = decode(line)

    assert isinstance(read, Unreadable)
    assert read.reason == reason


def test_an_unreadable_line_keeps_no_more_than_its_beginning():
    read = decode(b"x" * 5000)

    assert read.raw == b"x" * 1024


@pytest.mark.parametrize(
    ("stamp", "wall_ns"),
    [
        ("1764253805.015", 1_764_253_805_015_000_000),
        ("1764253805", 1_764_253_805_000_000_000),
        ('"2025-11-27T14:30:05.015+00:00"', 1_764_253_805_015_000_000),
        ('"2025-11-27T15:30:05.015+01:00"', 1_764_253_805_015_000_000),
    ],
)
def test_a_time_is_a_unix_time_or_an_iso_time_with_its_zone(stamp, wall_ns):
    read = decode(f'{{"request_id": "r", "service": "s", "event": "e", "timestamp": {stamp}}}'.encode())

    assert read.wall_ns == wall_ns


def test_the_same_foreign_line_is_the_same_event_and_another_is_another():
    line = b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805.0, "metadata": {"n": %d}}'

    ids = [decode(line % number).event_id for number in (1, 1, 2)]

    assert ids[0] == ids[1] != ids[2]


def test_a_session_that_stands_in_the_metadata_is_found():
    line = b'{"request_id": "r", "service": "s", "event": "e", "timestamp": 1764253805, "metadata": {"session_id": 12}}'

    assert decode(line).session_id == "12"
