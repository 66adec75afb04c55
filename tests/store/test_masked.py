"""What stays of a record that could not be read: its shape, and no word."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.store.masked import masked


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b'{"event": "say it", "seq": -1.5e3, "ok": true}', b'{"event": "xxx xx", "seq": -1.5e3, "ok": true}'),
        (b'{"wall_ns": 1764253805000000000, "text": "call 415', b'{"wall_ns": 1764253805000000000, "text": "xxxx 000'),
        (b'{"text": "he said "open sesame": 42" ok"}', b'{"text": "xx xxxx "xxxx xxxxxx": 00" xx"}'),
        (b'{"text": "he said "sesame": 42"}', b'{"text": "xx xxxx "xxxxxx": 00"}'),
        (b'{"two words": 1, "token": 123456, "next": 7}', b'{"xxx xxxxx": 1, "token": 000000, "next": 7}'),
        (b"{broken 12}", b"{xxxxxx 00}"),
        (b"[1, 2, NaN, \xff\xfe]", b"[1, 2, NaN, xx]"),
        (b"GET /?key=a1 HTTP/1.1", b"xxx /?xxx=x0 xxxx/0.0"),
        (b'text", "name": "words"}', b'xxxx", "xxxx": "xxxxx"}'),
        (b'{"a": "quoted \\" word"}', b'{"a": "xxxxxx \\" xxxx"}'),
        (b"", b""),
    ],
)
def test_names_numbers_and_signs_stay_and_words_do_not(raw, kept):
    assert masked(raw) == kept


@given(st.binary(max_size=3000))
def test_a_mask_is_as_long_as_what_is_kept_and_masking_again_changes_nothing(raw):
    once = masked(raw)

    assert len(once) == min(len(raw), 1024)
    assert masked(once) == once


SAID = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["text", "event", "api_key"]), SAID), max_size=6), st.integers(0, 400), SAID)
def test_no_letter_of_a_text_stays_wherever_the_record_breaks_off(facts, cut, more):
    record = json.dumps({"metadata": [{name: f"Q{said}Q"} for name, said in facts], "more": f"Q{more}Q"})

    assert b"Q" not in masked(record.encode()[:cut])
    assert b"Q" not in masked(record.encode()[cut:])
