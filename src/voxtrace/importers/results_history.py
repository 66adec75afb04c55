"""Kokoro's `metrics_history.db`: one row a metric and moment; rows of one moment are one probe."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import PurePath

from voxtrace.importers.bench_trials import MAX_TRIALS
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item, Note
from voxtrace.importers.result_rows import Results, RowShape, read_results
from voxtrace.importers.sqlite_file import MAGIC, has_table, opened

_SHAPE = RowShape(
    first_byte_ms=("ttfa_ms", "ttfa"),
    total_ms=("total_time_ms",),
    facts={
        "api_latency_ms": "reported_api_latency_ms",
        "rtf": "reported_rtf",
        "memory_mb": "reported_memory_mb",
        "cpu_percent": "reported_cpu_percent",
        "streaming_efficiency": "reported_efficiency",
    },
)
_ROWS = "SELECT timestamp, metric_name, value FROM metrics ORDER BY timestamp, id LIMIT ?"


class MetricsHistory:
    """Only measurements become requests; its trends are sums of them."""

    name = "kokoro-metrics-history"
    title = "Kokoro metrics history (metrics_history.db, SQLite)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if head.startswith(MAGIC) and b"metric_name" in head and b"metrics" in head else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        with opened(stream) as (database, content):
            if not has_table(database, "metrics", ("id", "timestamp", "metric_name", "value")):
                raise HoldsNoEvents("it has no table metrics(id, timestamp, metric_name, value)")
            rows = list(_rows(database))
        timed = [row for row in rows if any(name in row for name in (*_SHAPE.first_byte_ms, *_SHAPE.total_ms))]
        if not timed:
            raise HoldsNoEvents("it holds no time of any request: inconclusive")
        if len(timed) < len(rows):
            yield Note("other_metrics", "moment without a time of a request, left out", len(rows) - len(timed))
        yield from read_results(Results(timed, _SHAPE, "probe"), context, content, LocalTimes(context.zone))


def _rows(database: sqlite3.Connection) -> Iterator[dict[str, object]]:
    for timestamp, metrics in groupby(database.execute(_ROWS, (MAX_TRIALS,)), itemgetter(0)):
        yield {"timestamp": timestamp, **{str(name): value for _, name, value in metrics}}
