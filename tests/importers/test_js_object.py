from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.importers.js_object import NotWhole, parse_js

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(max_size=5), plain, max_size=4))
def test_json_is_read_as_json(value):
    text = json.dumps(value, ensure_ascii=False)

    assert parse_js(text) == (value, len(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{ a: 'it\\'s', b: undefined }", {"a": "it's", "b": None}),
        ("{ list: [ 1, 2.5, ... 3 more items ] }", {"list": [1, 2.5]}),
        ("{ inner: [Object], made: [Function: go] }", {"inner": "[Object]", "made": "[Function: go]"}),
        ("{ at: 2026-03-04T10:09:31.900Z }", {"at": "2026-03-04T10:09:31.900Z"}),
        ("Headers { 'x-id': '7' }", {"x-id": "7"}),
        ("Map(1) { 'k' => { v: 1 } }", {"k": {"v": 1}}),
        ("{ size: 10n, ratio: Infinity }", {"size": 10, "ratio": None}),
        ("{ raw: <Buffer 00 01 02> }", {"raw": "<Buffer 00 01 02>"}),
    ],
)
def test_what_a_javascript_console_prints_is_read(text, value):
    assert parse_js(text)[0] == value


@given(text=st.text(alphabet="{}[]'\"a:,1 \n=>.", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        parse_js(text)
    except (NotWhole, ValueError):
        pass


def test_deep_nesting_is_refused():
    with pytest.raises(ValueError, match="deeply"):
        parse_js("[" * 5000)
