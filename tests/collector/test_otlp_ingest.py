"""POST /v1/traces: what OpenTelemetry's exporters send, answered so that they do the right thing next."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.importers.otlp.traces import livekit, pipecat, recorded
from voxtrace.analysis import assemble
from voxtrace.collector.batches import IngestLimits
from voxtrace.collector.ingest import build_app
from voxtrace.collector.otlp_ingest import JSON, PROTOBUF, TraceIngest
from voxtrace.store import RequestQuery, open_store
from voxtrace.store.errors import StoreBusy, StoreFull


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def exporter(store):
    return TestClient(build_app(store), base_url="http://localhost")


def send(exporter, body, kind=PROTOBUF, **headers):
    return exporter.post("/v1/traces", content=body, headers={"content-type": kind, **headers})


def turns(store):
    ids = [row.request_id for row in store.recent(RequestQuery(limit=100))]
    found = [assemble(each, events) for each, events in store.events_of(ids).items()]
    return sorted(found, key=lambda turn: turn.started_wall_ns)


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_an_export_is_stored_before_the_answer_comes_and_the_answer_is_empty(exporter, store, kind):
    recording = recorded(pipecat)
    answered = send(exporter, recording.json() if kind == JSON else recording.protobuf(), kind)

    assert (answered.status_code, answered.headers["content-type"]) == (200, kind)
    assert answered.content == (b"{}" if kind == JSON else b"")
    assert [turn.metrics["voice_to_voice_ms"].value for turn in turns(store)] == [900.0, 900.0]


def test_spans_in_the_order_of_their_ends_and_in_many_exports_are_one_session(exporter, store):
    recording = recorded(livekit)
    for span in recording.spans:
        send(exporter, recording.protobuf([span]))
    greeting, turn = (each for each in turns(store) if each.kind == "conversation" and len(each.marks) > 1)

    assert turn.metrics["voice_to_voice_ms"].value == 1200.0
    assert greeting.session_id == turn.session_id


def test_an_export_that_is_sent_again_stores_nothing_twice(exporter, store):
    body = recorded(pipecat).protobuf()
    send(exporter, body)
    send(exporter, body)

    assert store.accounts().stored == 20
    assert store.accounts().unaccounted == 0


def test_gzip_is_what_exporters_are_told_to_use(exporter, store):
    send(exporter, gzip.compress(recorded(pipecat).protobuf()), **{"content-encoding": "gzip"})

    assert len(turns(store)) == 2


def with_a_bad_span():
    document = json.loads(recorded(pipecat).json())
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"] = "0"
    return json.dumps(document)


def test_spans_that_can_not_be_used_are_counted_in_the_answer_and_kept_in_the_quarantine(exporter, store):
    partial = send(exporter, with_a_bad_span(), JSON).json()["partialSuccess"]

    assert partial["rejectedSpans"] == "1"
    assert "start and end must lie between 2001 and 2100" in partial["errorMessage"]
    assert exporter.get("/v1/quarantine").json()["quarantine"][0]["source"] == "POST /v1/traces"


def test_the_answer_in_protocol_buffers_is_what_the_official_library_reads(exporter):
    recording = recorded(pipecat)
    body = recording.protobuf().replace(recording.spans[0].context.span_id.to_bytes(8, "big"), bytes(8))
    told = ExportTraceServiceResponse.FromString(send(exporter, body).content)

    assert told.partial_success.rejected_spans == 1
    assert "a span id 8" in told.partial_success.error_message


def test_spans_of_other_software_are_taken_and_leave_nothing_behind(exporter, store):
    answered = send(exporter, recorded(lambda r: r.span("db", "SELECT", (0, 1))).protobuf())

    assert (answered.status_code, answered.content) == (200, b"")
    assert store.accounts().received == 0


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b"\xff\xff", PROTOBUF, {}, 400),
        (b"[1]", JSON, {}, 400),
        (b"{", JSON, {}, 400),
        (b"[" * 100_000, JSON, {}, 400),
        (b'{"x": 1}', JSON, {}, 400),
        (b"no gzip", PROTOBUF, {"content-encoding": "gzip"}, 400),
        (b"", "text/plain", {}, 415),
        (b"", PROTOBUF, {"content-encoding": "br"}, 415),
        (b"x" * (4 * 1024 * 1024 + 1), PROTOBUF, {}, 413),
        (gzip.compress(b"\n" * 20_000_000), PROTOBUF, {"content-encoding": "gzip"}, 413),
    ],
)
def test_what_will_never_go_well_is_refused_so_that_nobody_tries_again(exporter, store, body, kind, headers, status):
    answered = send(exporter, body, kind, **headers)

    assert answered.status_code == status
    assert "retry-after" not in answered.headers
    assert store.accounts().received == 0


@pytest.mark.parametrize("trouble", [StoreFull(Path("x"), "no space"), StoreBusy(Path("x"))])
def test_what_may_go_well_later_is_503_with_a_time_to_come_back(trouble):
    class Troubled:
        def append(self, *_, **__):
            raise trouble

    app = Starlette(routes=[Route("/v1/traces", TraceIngest(Troubled()).take, methods=["POST"])])
    answered = send(TestClient(app), recorded(pipecat).protobuf())

    assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")


def test_more_spans_than_one_request_may_bring_are_refused_whole(store):
    ingest = TraceIngest(store, IngestLimits(events=3))
    app = Starlette(routes=[Route("/v1/traces", ingest.take, methods=["POST"])])

    assert send(TestClient(app), recorded(pipecat).protobuf()).status_code == 413
    assert store.accounts().received == 0
