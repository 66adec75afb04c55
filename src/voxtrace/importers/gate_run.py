"""Kokoro's gate runs (`bench_HHMMSS.json`): the times of a few trials, judged against a limit of the tool's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.importers.bench_result import object_at, parse_object, trial_events
from voxtrace.importers.bench_trials import listed_trials, text, unmeasured
from voxtrace.importers.client_request import ClientRequest
from voxtrace.importers.lines import whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item


class GateRun:
    """Each of its times is a request of which only the first byte is known; the judgement is left out."""

    name = "kokoro-gate-run"
    title = "Kokoro gate run (bench_HHMMSS.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        # More certain than the performance gates, a copy of which it holds.
        return 80 if head.lstrip()[:1] == b"{" and b'"benchmark_config"' in head and b'"expected_bands"' in head else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        measured = object_at(object_at(document, "measurements"), "ttfa")
        times = LocalTimes(context.zone)
        started = times.from_text(document.get("timestamp")) or times.from_path(context.path)
        yield from times.notes()
        if started is None:
            raise HoldsNoEvents("no date: it has no timestamp, and folder and name hold none")
        trials = list(
            listed_trials(measured.get("ttfa_times_ms"), object_at(document, "benchmark_config").get("trials"))
        )
        if not trials:
            raise HoldsNoEvents("it holds no time of any trial")
        common = {"source": "bench", "preset": text(measured.get("text_type")), "file": context.path.name}
        name = f"{context.path.parent.name}/{context.path.stem}"[-200:]
        for place, trial in enumerate(trials):
            request = ClientRequest(f"{name}/{trial.name}", started + place, content, run=name)
            yield from trial_events(request, trial, common)
        yield from unmeasured(trials)
