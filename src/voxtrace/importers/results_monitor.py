"""Kokoro's monitors: `performance-metrics.json` and `production_metrics_*.json`, each sample a probe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.importers.bench_result import json_object_begins, object_at, parse_object, summary_doubts
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, Item, Note
from voxtrace.importers.result_rows import Results, RowShape, read_results

_PERFORMANCE = RowShape(
    facts={
        "provider": "provider",
        "text_length": "text_chars",
        "api_latency_ms": "reported_api_latency_ms",
        "memory_mb": "reported_memory_mb",
        "cpu_percent": "reported_cpu_percent",
        "error_rate": "reported_error_rate",
        "active_connections": "reported_connections",
        "request_id": "reported_request_id",
    }
)
_PRODUCTION = RowShape(
    facts={
        "active_provider": "provider",
        "start": "start",  # see `_with_start`
        "rss_mb": "reported_memory_mb",
        "cpu_percent": "reported_cpu_percent",
        "num_threads": "reported_threads",
        "connections": "reported_connections",
    }
)


class PerformanceMetrics:
    """What the monitor tells the detector of regressions; its alerts and baselines are left out."""

    name = "kokoro-monitor"
    title = "Kokoro monitor samples (performance-metrics.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if json_object_begins(head, b'"baselines"', b'"metrics"', b'"ttfa_ms"', b'"api_latency_ms"') else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        yield from summary_doubts(object_at(document, "baselines"))
        alerts, samples = document.get("alerts"), document.get("metrics")
        found = Results(samples if isinstance(samples, list) else [], _PERFORMANCE, "probe")
        yield from read_results(found, context, content, LocalTimes(context.zone))
        if isinstance(alerts, list) and alerts:
            yield Note("alerts", "alert of the tool, left out: it is a judgement and no measurement", len(alerts))


class ProductionMetrics:
    """Cycles of a production monitor; a time of Infinity is one that was not measured."""

    name = "kokoro-production-monitor"
    title = "Kokoro production monitor (production_metrics_*.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 90 if json_object_begins(head, b'"monitoring_session"', b'"metrics"') else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        yield from summary_doubts(object_at(document, "summary"))
        cycles = document.get("metrics")
        rows = [_with_start(cycle) for cycle in cycles] if isinstance(cycles, list) else []
        times = LocalTimes(context.zone)
        began = times.from_text(object_at(document, "monitoring_session").get("start_time"))
        yield from read_results(Results(rows, _PRODUCTION, "probe", started_wall_ns=began), context, content, times)


def _with_start(cycle: object) -> object:
    """Cold and warm requests are populations of their own."""
    if not isinstance(cycle, dict) or not isinstance(cycle.get("is_cold_start"), bool):
        return cycle
    return {**cycle, "start": "cold" if cycle["is_cold_start"] else "warm"}
