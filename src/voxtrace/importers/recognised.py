"""Files that are known by sight and hold no events: budgets, baselines, summaries, payloads of a status page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath

from msgspec import Struct

from voxtrace.analysis.reported import document_doubts
from voxtrace.importers.lines import BYTE_ORDER_MARK, whole_document
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item


class Recognised(Struct, frozen=True):
    """A JSON file in whose beginning all of `marks` stand."""

    name: str
    title: str
    marks: tuple[bytes, ...]
    why: str  # what it holds instead of events

    def sniff(self, head: bytes, path: PurePath) -> int:
        begins = head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
        return 60 if begins in (b"{", b"[") and all(mark in head for mark in self.marks) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        raise HoldsNoEvents(f"{self.title}: {self.why}{_doubts(whole_document(stream))}")


def _doubts(content: bytes) -> str:
    """What is wrong with the numbers that are left out, by the names of its rules."""
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return ""
    return "".join(f"; {rule}: {doubt}" for rule, doubt in document_doubts(document))


_TARGETS = "it holds limits to judge by, and no events"
_SUMMARY = "it holds numbers that another tool had summed up, and no events to compute them from"

RECOGNISED: tuple[Recognised, ...] = (
    Recognised("kokoro-bands", "performance gates", (b'"performance_gates"', b'"test_requirements"'), _TARGETS),
    Recognised("kokoro-baselines", "baselines", (b'"baseline_measurements"', b'"test_configuration"'), _TARGETS),
    Recognised("alert-config", "alert thresholds", (b'"thresholds"', b'"warning_threshold"'), _TARGETS),
    Recognised(
        "performance-baselines",
        "performance baselines",
        (b'"p50"', b'"p99"', b'"sample_count"', b'"timestamp"'),
        _TARGETS,
    ),
    Recognised(
        "kokoro-status",
        "status page",
        (b'"onnx_providers"', b'"performance"'),
        "it holds counters and averages of a server, and no events",
    ),
    Recognised("kokoro-performance-page", "performance page", (b'"ttfa_performance"', b'"timing_stats_ms"'), _SUMMARY),
    Recognised("kokoro-statistics-page", "statistics page", (b'"tts_stats"', b'"system_health"'), _SUMMARY),
    Recognised(
        "kokoro-dashboard",
        "dashboard history",
        (b'"requests_per_minute"', b'"cache_hit_rate"', b'"ttfa_ms"'),
        "it holds what a dashboard showed at intervals, and no request",
    ),
    Recognised("provenance", "provenance record", (b'"mutation_score"',), "it holds nothing about time"),
    Recognised(
        "kokoro-cache-file", "cache file", (b'"cache_type"', b'"entries_count"'), "it holds cached data and no events"
    ),
    Recognised("load-test-report", "load test report", (b'"test_results"', b'"overall_summary"'), _SUMMARY),
    Recognised("budget-results", "budget results", (b'"budget"', b'"budget_violations"'), _SUMMARY),
    Recognised("regression-report", "regression report", (b'"analysis_period"', b'"regressions"'), _SUMMARY),
)
