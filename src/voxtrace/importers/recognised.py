"""Files that are known by sight and hold no events: budgets, baselines, summaries, payloads of a status page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item


@dataclass(frozen=True, slots=True)
class Recognised:
    """A JSON file whose top carries all of `marks`."""

    name: str
    title: str
    marks: tuple[bytes, ...]
    why: str  # what it holds instead of events

    def sniff(self, head: bytes, path: PurePath) -> int:
        is_it = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" and all(mark in head for mark in self.marks)
        return 60 if is_it else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        raise HoldsNoEvents(f"{self.title}: {self.why}")


_TARGETS = "it holds limits to judge by, and no events"
_SUMMARY = "it holds numbers that another tool had summed up, and no events to compute them from"

RECOGNISED: tuple[Recognised, ...] = (
    Recognised("kokoro-bands", "performance gates", (b'"performance_gates"', b'"test_requirements"'), _TARGETS),
    Recognised("kokoro-baselines", "baselines", (b'"baseline_measurements"', b'"test_configuration"'), _TARGETS),
    Recognised("alert-config", "alert thresholds", (b'"thresholds"', b'"warning_threshold"'), _TARGETS),
    Recognised(
        "kokoro-status",
        "model comparison with a status payload",
        (b'"model_info"', b'"test_config"'),
        "it holds counters of a server's status page, and no events",
    ),
    Recognised("load-test-report", "load test report", (b'"test_results"', b'"overall_summary"'), _SUMMARY),
    Recognised("budget-results", "budget results", (b'"budget"', b'"budget_violations"'), _SUMMARY),
    Recognised("regression-report", "regression report", (b'"analysis_period"', b'"regressions"'), _SUMMARY),
)
