"""What clients say, in every form that is known."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.client.playback.errors import MessageNotUnderstood
from voxtrace.client.playback.messages import Command, Sound, decode


def audio(chunk, **more):
    return json.dumps({"type": "audio_chunk", "timestamp": 1, "data": {"chunk": chunk, "sequence": 3, **more}})


@given(st.binary(max_size=300))
def test_the_three_ways_to_put_bytes_into_json_mean_the_same(data):
    encodings = [
        base64.b64encode(data).decode(),
        {"type": "Buffer", "data": list(data)},
        {str(number): value for number, value in enumerate(data)},
    ]

    assert [decode(audio(each)).data for each in encodings] == [data] * 3


def test_numeric_keys_may_come_in_any_order():
    assert decode(audio({"2": 30, "0": 10, "1": 20})).data == b"\x0a\x14\x1e"


def test_a_chunk_may_tell_its_format():
    assert decode(audio("AAA=", format={"sampleRate": 48_000})) == Sound(b"\0\0", {"sampleRate": 48_000})


@pytest.mark.parametrize(
    "action", ["play", "pause", "resume", "stop", "end_stream", "status", "heartbeat", "timing_analysis", "start"]
)
def test_an_action_comes_as_a_control_message_or_alone(action):
    control = decode(json.dumps({"type": "control", "data": {"action": action}}))
    alone = decode(json.dumps({"type": action, "data": {}}))

    assert (control.action, alone.action) == (action, action)


def test_flow_control_is_another_word_for_pause_and_resume():
    told = [decode(json.dumps({"type": "flow_control", "data": {"pause": pause}})) for pause in (True, False)]

    assert told == [Command("pause"), Command("resume")]


def test_configure_carries_the_format():
    params = {"format": {"sampleRate": 16_000, "channels": 2}, "bufferSize": 9}
    command = decode(json.dumps({"type": "control", "data": {"action": "configure", "params": params}}))

    assert (command.action, command.facts["sampleRate"], command.facts["channels"]) == ("configure", 16_000, 2)


def test_our_own_start_frame_is_flat():
    command = decode('{"type": "start", "request_id": "r1", "sample_rate": 8000}')

    assert (command.action, command.facts["request_id"], command.facts["sample_rate"]) == ("start", "r1", 8000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "1",
        "[" * 100_000,
        "{}",
        '{"type": "dance"}',
        '{"type": ["start"]}',
        '{"type": "control"}',
        '{"type": "control", "data": {"action": ["stop"]}}',
        '{"type": "audio_chunk"}',
        audio("not base64!"),
        audio({"type": "Buffer"}),
        audio({"type": "Buffer", "data": [256]}),
        audio({"type": "Buffer", "data": ["a"]}),
        audio({"0": 1, "2": 3}),
        audio({"0": -1}),
        audio(None),
        audio([1, 2]),
    ],
)
def test_anything_else_is_refused_with_its_reason(text):
    with pytest.raises(MessageNotUnderstood, match="not understood"):
        decode(text)


@given(st.text(max_size=50))
def test_no_text_can_do_worse_than_be_refused(text):
    try:
        decode(text)
    except MessageNotUnderstood:
        pass
