"""Kokoro's comparison of its two endpoints (`benchmark_results.json`): a list of requests without any date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.importers.lines import BYTE_ORDER_MARK, whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item
from voxtrace.importers.result_rows import Results, RowShape, read_results

_SHAPE = RowShape(
    first_byte_ms=("first_byte_time_ms",),
    total_ms=("total_time_ms",),
    facts={
        "endpoint": "endpoint",
        "voice": "voice",
        "text_length": "text_chars",
        "streaming": "streamed",
        "audio_size_bytes": "reported_bytes",
        "memory_delta_mb": "reported_memory_delta_mb",
    },
    # The second endpoint is asked for the texts that the first one was asked for: its answers come out of a cache.
    run_by=("voice", "text_length"),
)


class EndpointResults:
    """One row a request."""

    name = "kokoro-endpoint-results"
    title = "Kokoro endpoint comparison (benchmark_results.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        begins = head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] == b"["
        return 85 if begins and all(mark in head for mark in (b'"endpoint"', b'"first_byte_time_ms"')) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        try:
            rows = json.loads(content.decode("utf-8"))
        except (ValueError, RecursionError) as why:
            raise HoldsNoEvents(f"the JSON can't be read: {why}") from why
        if not isinstance(rows, list):
            raise HoldsNoEvents("the JSON is no list of results")
        yield from read_results(Results(rows, _SHAPE, "bench"), context, content, LocalTimes(context.zone))
