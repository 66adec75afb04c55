"""A voice bot with OpenTelemetry in one process, `voxtrace watch` in another."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tests.importers.otlp.traces import livekit, pipecat, recorded
from tests.journeys.services import free_ports, started, wait_until
from voxtrace.cli.main import main

pytestmark = pytest.mark.slow


class ToWatch(SpanExporter):
    """What the SDK's own HTTP exporter sends, without its dependencies."""

    def __init__(self, url: str) -> None:
        self._url = url

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        body = encode_spans(spans).SerializeToString()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/x-protobuf"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            is_stored = answer.status == 200 and answer.read() == b""
        return SpanExportResult.SUCCESS if is_stored else SpanExportResult.FAILURE


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_conversations_of_two_frameworks_come_out_of_the_report_as_they_were_spoken(tmp_path: Path, capsys):
    (port,) = free_ports(1)
    data = ["--data", str(tmp_path)]
    exporter = ToWatch(f"http://127.0.0.1:{port}/v1/traces")
    with started("-m", "voxtrace", "watch", *data, "--port", str(port)) as watch:
        watch.read_until("dashboard")
        wait_until(lambda: is_open(port), "watch to listen")
        for make in (pipecat, livekit):
            spans = recorded(make).spans
            sent = [exporter.export(spans[first : first + 3]) for first in range(0, len(spans), 3)]
            assert set(sent) == {SpanExportResult.SUCCESS}
    capsys.readouterr()
    main(["report", "--json", *data])
    told = json.loads(capsys.readouterr().out)
    waits = [group["metrics"]["voice_to_voice_ms"] for group in told["groups"]]

    assert told["outcomes"] == {"ok": 4}
    # Two questions to Pipecat's bot and one to LiveKit's. LiveKit's greeting answers nobody, so there was no wait.
    assert [(of["measured"], of["expected"], of["largest"], of["bound"]) for of in waits] == [(3, 4, 1200.0, "exact")]
    assert waits[0]["missing"] == {"the agent spoke unasked: no user had said anything": 1}
