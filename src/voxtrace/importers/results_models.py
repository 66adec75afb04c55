"""Kokoro's model comparison (`model_comparison_EPOCH.json`): the times of a few requests beside a status payload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.analysis.reported import dates_apart
from voxtrace.importers.bench_result import json_object_begins, object_at, parse_object, summary_doubts
from voxtrace.importers.bench_trials import MAX_TRIALS, number
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item, Note
from voxtrace.importers.result_rows import Results, RowShape, facts_of, read_results
from voxtrace.units import NANOS_PER_SECOND

_EPOCH = re.compile(r"_(\d{10})$")
_COMMON = {"base_url": "url", "test_text_length": "text_chars"}


class ModelComparison:
    """Each listed time is a request: until the whole answer was there. The status payload is left out."""

    name = "kokoro-model-comparison"
    title = "Kokoro model comparison (model_comparison_*.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 80 if json_object_begins(head, b'"model_info"', b'"test_config"') else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        measured, config = object_at(document, "quantized_model_benchmark"), object_at(document, "test_config")
        rows = _rows(measured)
        if not rows:
            raise HoldsNoEvents("it holds counters of a server's status page and no time of any request: inconclusive")
        times = LocalTimes(context.zone)
        began = times.from_epoch(document.get("timestamp"))
        named = _EPOCH.search(context.path.stem)
        info = object_at(object_at(document, "model_info"), "performance")
        common = {
            **facts_of(config, _COMMON),
            "provider": facts_of(info, {"provider_used": "provider"}).get("provider"),
            "dates_apart_s": dates_apart(began, int(named[1]) * NANOS_PER_SECOND) or None if named and began else None,
        }
        yield from summary_doubts(measured)
        yield Note("status_payload", "payload of a server's status page, left out: counters and averages")
        shape = RowShape(first_byte_ms=(), total_ms=("time_ms",))
        yield from read_results(Results(rows, shape, "bench", common, began), context, content, times)


def _rows(measured: dict[str, object]) -> list[object]:
    """The requests that were answered, and those that only their number tells of."""
    listed = measured.get("times_ms")
    rows: list[object] = [{"time_ms": time} for time in listed[:MAX_TRIALS]] if isinstance(listed, list) else []
    failed = int(min(number(measured.get("errors")) or 0, MAX_TRIALS))
    why = measured.get("error")
    return [*rows, *([{"error": str(why) if why else "error"}] * max(failed, 0))]
