"""Kokoro's provider benchmark (`detailed_provider_benchmark_*.json`): one result for each provider and text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.importers.bench_result import json_object_begins, object_at, parse_object, summary_doubts
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, Item
from voxtrace.importers.result_rows import Results, RowShape, read_results

_SHAPE = RowShape(
    total_ms=("total_processing_time_ms",),
    facts={
        "provider": "provider",
        "provider_type": "provider_type",
        "device": "device",
        "test_config": "preset",
        "text_length": "text_chars",
        "phoneme_count": "phonemes",
        "text_processing_time_ms": "reported_text_ms",
        "memory_usage_mb": "reported_memory_mb",
        "performance_rating": "reported_rating",
    },
)


class ProviderBenchmark:
    """Results whose own timestamps tell whether they can have been measured."""

    name = "kokoro-provider-benchmark"
    title = "Kokoro provider benchmark (detailed_provider_benchmark_*.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if json_object_begins(head, b'"detailed_results"', b'"provider_stats"') or _ends_cut(head) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        yield from summary_doubts([object_at(document, "summary"), object_at(document, "provider_stats")])
        rows, times = document.get("detailed_results"), LocalTimes(context.zone)
        began = times.from_epoch(document.get("timestamp")) or times.from_text(document.get("timestamp"))
        found = Results(rows if isinstance(rows, list) else [], _SHAPE, "bench", started_wall_ns=began)
        yield from read_results(found, context, content, times)


def _ends_cut(head: bytes) -> bool:
    """Whether a long list of results comes first, and hides what stands behind it."""
    return json_object_begins(head, b'"detailed_results"', b'"total_processing_time_ms"', b'"provider_type"')
