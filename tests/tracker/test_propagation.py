"""Request ids in headers, in and out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.tracker import generate_request_id, outgoing_headers, request_id_from_headers

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({}, None),
        ({"X-Request-Id": "abc123de"}, "abc123de"),
        ({"x-request-id": " abc123de "}, "abc123de"),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, TRACE),
        ({"Traceparent": f"00-{TRACE}-{SPAN}-00"}, TRACE),
        ({"x-request-id": "abc123de", "traceparent": f"00-{TRACE}-{SPAN}-01"}, "abc123de"),
        ({"x-request-id": "../../etc", "traceparent": f"00-{TRACE}-{SPAN}-01"}, TRACE),
        ({"traceparent": f"01-{TRACE}-{SPAN}-01-more"}, TRACE),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01-more"}, None),
        ({"traceparent": f"ff-{TRACE}-{SPAN}-01"}, None),
        ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, None),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None),
        ({"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"}, None),
        ({"traceparent": TRACE}, None),
        ({"x-request-id": ""}, None),
        ({"x-request-id": "a b"}, None),
        ({"x-request-id": "a\nb"}, None),
        ({"x-request-id": "<script>"}, None),
        ({"x-request-id": "naïve"}, None),
        ({"x-request-id": "x" * 129}, None),
    ],
)
def test_only_sane_ids_are_taken_from_headers(headers, request_id):
    assert request_id_from_headers(headers) == request_id


def test_a_generated_id_goes_out_and_comes_back_in_both_headers():
    request_id = generate_request_id()
    headers = outgoing_headers(request_id)

    assert request_id_from_headers({"x-request-id": headers["x-request-id"]}) == request_id
    assert request_id_from_headers({"traceparent": headers["traceparent"]}) == request_id


def test_no_trace_id_is_made_up_for_an_id_that_is_none():
    assert outgoing_headers("abc123de") == {"x-request-id": "abc123de"}


@given(st.text())
def test_what_goes_out_is_safe_to_stand_in_a_header(request_id):
    for value in outgoing_headers(request_id).values():
        assert value.isascii()
        assert value.isprintable()
