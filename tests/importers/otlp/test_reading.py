"""OTLP in all its writings is the same spans, and no bytes do harm."""

from __future__ import annotations

import json
import struct
from pathlib import PurePath

import pytest
from google.protobuf.internal.encoder import _VarintBytes
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from tests.importers.build import events, notes, read, refused
from tests.importers.otlp.traces import Recording, livekit, pipecat, recorded
from voxtrace.importers import detect
from voxtrace.importers.otlp import NotOtlp, read_json, read_protobuf
from voxtrace.importers.otlp_traces import OtlpJson, OtlpProtobuf

NOON_NS = 1_764_253_805_123_456_789
scalars = st.one_of(
    st.builds(lambda text: AnyValue(string_value=text), st.text(max_size=20)),
    st.builds(lambda yes: AnyValue(bool_value=yes), st.booleans()),
    st.builds(lambda number: AnyValue(int_value=number), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda number: AnyValue(double_value=number), st.floats(allow_nan=False)),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: AnyValue(array_value=ArrayValue(values=each)))
        | st.dictionaries(st.text(max_size=5), inner, max_size=3).map(
            lambda pairs: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=key, value=value) for key, value in pairs.items()])
            )
        )
    ),
    max_leaves=6,
)


def plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: plain(each.value) for each in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def request_of(**fields: object) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "bot"
    scope = group.scope_spans.add()
    scope.scope.name = "pipecat"
    told = {
        "trace_id": b"\x01" * 16, "span_id": b"\x02" * 8, "name": "llm", "start_time_unix_nano": NOON_NS,
        "end_time_unix_nano": NOON_NS + 1,
    }  # fmt: skip
    scope.spans.add(**(told | fields))
    return made


@given(attributes=st.dictionaries(st.text(min_size=1, max_size=9), values, max_size=5))
def test_attributes_come_out_as_the_official_library_put_them_in(attributes):
    made = request_of(attributes=[KeyValue(key=key, value=value) for key, value in attributes.items()])
    (span,) = read_protobuf(made.SerializeToString()).spans

    assert span.attributes == {key: plain(value) for key, value in attributes.items()}
    assert (span.start_ns, span.scope, span.service) == (NOON_NS, "pipecat", "bot")


@given(body=st.binary(max_size=200) | st.binary(max_size=40).map(lambda tail: request_of().SerializeToString() + tail))
def test_no_bytes_do_more_than_be_refused(body):
    try:
        read_protobuf(body)
    except NotOtlp:
        return


@given(cut=st.integers(0, 200))
def test_a_cut_message_is_refused_or_has_lost_whole_spans_and_never_invents_one(cut):
    whole = recorded(pipecat).protobuf()
    known = {span.span_id for span in read_protobuf(whole).spans}
    try:
        found = read_protobuf(whole[: len(whole) - cut])
    except NotOtlp:
        return

    assert {span.span_id for span in found.spans} <= known


def test_json_and_protocol_buffer_of_one_export_are_the_same_spans():
    recording = recorded(livekit)

    assert read_json(json.loads(recording.json())).spans == read_protobuf(recording.protobuf()).spans


def as_written_by_collectors(body: bytes) -> dict[str, object]:
    """Ids in hexadecimal, as the specification of OTLP/JSON wants them."""
    document = json.loads(body)
    for group in document["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span, known in zip(scope["spans"], read_json(json.loads(body)).spans, strict=False):
                span["traceId"], span["spanId"] = known.trace_id.upper(), known.span_id
                span["parentSpanId"] = known.parent_id
    return document


def test_hexadecimal_ids_and_numbers_as_numbers_are_read_too():
    recording = Recording()
    recording.span("pipecat", "llm", (0, 10))
    document = as_written_by_collectors(recording.json())
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"] = NOON_NS - 10**9
    (span,) = read_json(document).spans

    assert span.trace_id == f"{recording.spans[0].context.trace_id:032x}"
    assert span.start_ns == NOON_NS - 10**9


@pytest.mark.parametrize(
    "wrap", [lambda groups: {"batches": groups}, lambda groups: {"trace": {"resourceSpans": groups}}]
)
def test_what_tempo_answers_is_read_as_well(wrap):
    content = json.dumps(wrap(json.loads(recorded(pipecat).json())["resourceSpans"])).encode()

    assert isinstance(detect(content, PurePath("trace.json")), OtlpJson)
    assert len(events(read(OtlpJson(), content))) == 20


def written(**fields: object) -> object:
    document = json.loads(recorded(lambda recording: recording.span("x", "chat", (0, 10))).json())
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0] |= fields
    return document


def halves(number: int) -> dict[str, int]:
    low = number & 0xFFFFFFFF
    return {"low": low - (1 << 32 if low >> 31 else 0), "high": number >> 32}


@pytest.mark.parametrize("none", ["", None, "0" * 16, "AAAAAAAAAAA="])
def test_a_parent_of_zeros_is_none_in_each_writing(none):
    (span,) = read_json(written(parentSpanId=none)).spans

    assert span.parent_id == ""


@pytest.mark.parametrize("number", [str, int, float, halves])
def test_times_are_read_in_each_writing_of_a_number(number):
    moment = 1_764_253_805_000_000_000  # a double holds it
    (span,) = read_json(written(startTimeUnixNano=number(moment), endTimeUnixNano=number(moment + 2**20))).spans

    assert (span.start_ns, span.end_ns) == (moment, moment + 2**20)


def test_a_span_that_never_ended_is_refused_and_said_to_have_no_end():
    export = read_json(written(endTimeUnixNano="0"))

    assert [unreadable.detail[:14] for _, unreadable in export.refused] == ["it has no end:"]


def test_a_span_that_names_itself_as_its_parent_counts_once():
    own = "00f067aa0ba902b7"
    chat = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
    content = json.dumps(written(spanId=own, parentSpanId=own, attributes=chat)).encode()

    assert len(events(read(OtlpJson(), content))) == 2


@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_document_is_read_as_well_as_lines(indent):
    document = json.loads(recorded(pipecat).json())
    content = json.dumps(document, indent=indent).encode()

    assert len(events(read(OtlpJson(), content))) == 20
    assert len(events(read(OtlpJson(), json.dumps([document]).encode()))) == 20


def framings(messages: list[bytes]) -> dict[str, bytes]:
    return {
        "bare": b"".join(messages),  # protobuf messages behind each other are one message
        "varint": b"".join(_VarintBytes(len(each)) + each for each in messages),
        "four bytes": b"".join(struct.pack(">I", len(each)) + each for each in messages),
    }


@pytest.mark.parametrize("framing", ["bare", "varint", "four bytes"])
def test_protocol_buffers_are_found_in_each_framing_and_read_to_the_end(framing):
    recording = recorded(pipecat)
    content = framings([recording.protobuf([span]) for span in recording.spans])[framing]

    assert isinstance(detect(content[:65536], PurePath("traces")), OtlpProtobuf)
    assert events(read(OtlpProtobuf(), content)) == events(read(OtlpProtobuf(), recording.protobuf()))


def test_a_message_larger_than_the_head_of_a_file_is_recognised_by_its_beginning():
    recording = recorded(lambda recording: pipecat(recording, turns=200))
    content = recording.protobuf()

    assert len(content) > 65_536
    for framed in framings([content]).values():
        assert isinstance(detect(framed[:65_536], PurePath("traces")), OtlpProtobuf)
        assert len(events(read(OtlpProtobuf(), framed))) == 2000


def test_a_file_that_breaks_off_gives_what_is_whole_and_says_where_it_broke():
    recording = recorded(pipecat)
    content = framings([recording.protobuf([span]) for span in recording.spans])["four bytes"]
    items = read(OtlpProtobuf(), content[:-40])

    assert len(refused(items)) == 1
    assert refused(items)[0].unreadable.reason == "otlp"
    assert len(events(items)) == 20


def test_a_bad_line_is_refused_and_the_next_one_is_read():
    good = recorded(pipecat).json()
    items = read(OtlpJson(), b'{"resourceSpans": [\n' + good + b'{"resourceMetrics": []}\n{"x": 1}\n')

    assert [each.unreadable.reason for each in refused(items)] == ["otlp", "otlp"]
    assert len(events(items)) == 20
    assert notes(items)["other_signals"] == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b"\0" * 16}, "span_id"),
        ({"span_id": b"\x01"}, "span_id"),
        ({"start_time_unix_nano": 0}, "timestamp"),
        ({"end_time_unix_nano": 2**63}, "timestamp"),
        ({"end_time_unix_nano": NOON_NS - 1}, "end_before_start"),
    ],
)
def test_a_span_that_can_not_be_is_refused_with_its_reason(fields, reason):
    export = read_protobuf(request_of(**fields).SerializeToString())

    assert [unreadable.reason for _, unreadable in export.refused] == [reason]
    assert export.spans == []


@pytest.mark.parametrize(
    "head",
    [
        b"\n",
        b"\nx\n",
        b"\n" * 90,
        b"\n" * 70_000,
        b"\n# A title\n\nand its text\n",
        b"\n\x04\n\x02\x08\x01",
        b"\0\0\0\x05hello",
        b"\x7fELF\x01\0\0\0\0",
    ],
)
def test_text_and_other_binaries_are_not_taken_for_traces(head):
    assert detect(head, PurePath("x")) is None
