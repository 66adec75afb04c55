"""What `voxtrace load` shows while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.cli.load_outcome import measure_record
from voxtrace.loadtest.generator import Progress
from voxtrace.loadtest.record import Record
from voxtrace.reports.words import coverage, percentile

# Drawing takes some milliseconds of the very loop that stamps, so it is done seldom.
REFRESH_S = 0.5
RECENT = 200  # requests that the shown percentiles are of


class LiveView:
    """Rates, what is under way, errors, and the time to first audio of some recent requests.

    Only one request of each tick is measured while the run lasts: the rest waits until nobody is timed any more.
    """

    def __init__(self, live: Live, seconds: float, clock: str) -> None:
        self._live, self._seconds, self._clock = live, seconds, clock
        self._latest: Record | None = None
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._drawn_s = 0.0

    def on_record(self, record: Record) -> None:
        """A request has ended."""
        if record.outcome == "ok":
            self._latest = record

    def watch(self, progress: Progress) -> None:
        """See `Generator`."""
        record, self._latest = self._latest, None
        if record is not None:
            ttfa = measure_record(record, progress.told, self._clock).metrics["ttfa_ms"]
            if ttfa.value is not None:
                self._recent.append(ttfa.value)
        if progress.elapsed_s - self._drawn_s >= REFRESH_S:
            self._drawn_s = progress.elapsed_s
            self._live.update(picture(progress, self._seconds, distribution(self._recent, len(self._recent))))
            self._live.refresh()


def picture(progress: Progress, seconds: float, ttfa: Distribution) -> Group:
    """The state of a run as a person sees it."""
    elapsed = max(progress.elapsed_s, 0.001)
    table = Table(box=None, padding=(0, 3, 0, 0), show_edge=False, header_style="dim")
    for name in ("elapsed", "offered", "sent", "completed", "in flight", "errors", "TTFA p50", "p95", "measured"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(
        f"{progress.elapsed_s:.1f} of {seconds:g} s",
        *(f"{count} ({count / elapsed:.1f}/s)" for count in (progress.offered, progress.sent, progress.completed)),
        str(progress.in_flight),
        str(sum(progress.errors.values())),
        percentile(ttfa, ttfa.p50, "ms"),
        percentile(ttfa, ttfa.p95, "ms"),
        coverage(ttfa),
    )
    notes = ", ".join(f"{code} {count}" for code, count in progress.errors.most_common(5))
    hint = f"TTFA of {ttfa.measured} recent requests; Ctrl-C stops and keeps what was measured"
    return Group(table, Text(f"errors: {notes}" if notes else hint, style="yellow" if notes else "dim"))


@contextmanager
def live_view(seconds: float, clock: str) -> Iterator[LiveView]:
    """A picture on the terminal that goes away when the run is over."""
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield LiveView(live, seconds, clock)
