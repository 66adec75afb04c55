"""The fast parser answers as the codec's own does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.events.codec import decode, parse_json
from voxtrace.importers.fast_json import parse_lines_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_sound_json_parses_to_the_same_value(value):
    text = json.dumps(value).encode()

    assert parse_lines_json(text) == parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a": 123456789012345678901234567890}', b"[1] x",
        b'{"a": "\x01"}', b'{"a": "\xff"}', b"", b"{", b'{"a": 1, "a": 2}', b'{"a": -0}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_one_refuses_the_other_refuses_for_the_same_reason(text):
    line = b'{"timestamp": 1764253805.0, "request_id": "r", "service": "s", "event": "e", "metadata": ' + text + b"}"

    assert decode(line, parse_lines_json) == decode(line)


@given(st.binary())
def test_any_bytes_are_read_the_same(text):
    assert decode(text, parse_lines_json) == decode(text)
