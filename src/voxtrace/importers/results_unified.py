"""Kokoro's unified benchmark runner: `{benchmark_name, config, metrics, summary}`, each metric a trial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.importers.bench_result import json_object_begins, object_at, parse_object, summary_doubts
from voxtrace.importers.bench_trials import MAX_TRIALS, number
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, Item
from voxtrace.importers.result_rows import Results, RowShape, facts_of, read_results

_SHAPE = RowShape(
    total_ms=("total_time_ms",),
    audio_s=("audio_duration_s",),
    facts={
        "provider_used": "provider",
        "model_version": "model",
        "rtf": "reported_rtf",
        "chunks_delivered": "reported_chunks",
        "memory_mb": "reported_memory_mb",
        "cpu_percent": "reported_cpu_percent",
    },
)
_COMMON = {
    "voice": "voice",
    "lang": "lang",
    "speed": "speed",
    "server_url": "url",
    "stream": "streamed",
    "model_path": "model_path",
}


class UnifiedBenchmark:
    """Trials with a time each; what was asked for and left nothing behind is kept unmeasured."""

    name = "kokoro-unified-benchmark"
    title = "Kokoro unified benchmark runner"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if json_object_begins(head, b'"benchmark_name"', b'"config"', b'"metrics"') else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        config, trials = object_at(document, "config"), document.get("metrics")
        rows = list(trials) if isinstance(trials, list) else []
        wanted = number(config.get("trials")) or 0
        rows += [{}] * max(0, int(min(wanted, MAX_TRIALS)) - len(rows))
        yield from summary_doubts(object_at(document, "summary"))
        times = LocalTimes(context.zone)
        began = times.from_epoch(document.get("timestamp")) or times.from_text(document.get("timestamp"))
        common = facts_of({**config, **document}, {**_COMMON, "benchmark_name": "preset"})
        yield from read_results(Results(rows, _SHAPE, "bench", common, began), context, content, times)
