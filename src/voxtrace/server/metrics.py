"""What Prometheus asks for: `GET /metrics`. Seconds, and no label whose values a client could invent.

These are rough numbers for dashboards and alerts of a running fleet. Single requests, exact percentiles and
reasons come from the events; `docs/metrics.md` defines each metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from voxtrace.speech.cache.source import CachedSource
from voxtrace.speech.hedge import HedgedSource
from voxtrace.speech.pool import Pool
from voxtrace.speech.progress import Progress
from voxtrace.speech.quality import MODES
from voxtrace.speech.tally import engine_levels
from voxtrace.speech.tuning import Tuning
from voxtrace.units import NANOS_PER_SECOND

# From the cost of a system call to a wait that nobody sits out.
SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10)
FACTORS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 5)
PREFIX = "voxtrace"
POPULATION = ("engine", "cache", "mode", "hedged")


@dataclass(frozen=True, slots=True)
class Ended:
    """One answer at its end."""

    outcome: str
    engine: str
    cache: str
    response_ns: int | None  # from the request's head to the first bytes of audio; None: there were none
    ttfa_ns: int | None  # the same to the first audible sample, as it was sent
    mode: str = ""  # of the engine; "": it has none, and the metrics have no such label then
    hedged: str = ""  # the engine that was heard first in the place of the one that was asked; no label where none was
    refused: str = ""  # the reason, where it was refused for want of time or engines


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = self._counter("requests", "Requests for speech that ended.", "outcome")
        self._refused = self._counter("refused_requests", "Requests refused for want of time or engines.", "reason")
        self._response = self._seconds("server_response", "Request received until first audio bytes sent.", *POPULATION)
        self._ttfa = self._seconds("ttfa", "Request received until first audible sample sent.", *POPULATION)
        self._rtf = Histogram(
            f"{PREFIX}_rtf", "Synthesis by audio, per request.", ("engine",), buckets=FACTORS, registry=self.registry
        )
        self._underruns = self._counter("predicted_underruns", "Times that a listener in real time had no audio.")
        self._underrun = self._counter("predicted_underrun_seconds", "For how long such listeners had none.")
        self._wasted = self._counter("cancelled_audio_seconds", "Audio made that nobody took.")
        self.loop_lag = self._seconds("event_loop_lag", "How late the event loop was for an appointment.")

    def watch(self, pools: Sequence[Pool], cache: CachedSource | None) -> None:
        """Show what these do at the moment when somebody asks; of the first engine where they can't be added up."""
        pool = pools[0]
        self._gauge("queue", "Requests whose first piece waits for an engine.", lambda: sum(p.waiting for p in pools))
        self._gauge("active_streams", "Streams being spoken.", lambda: sum(len(p.workload.streams) for p in pools))
        self._gauge("engines_ready", "Engine processes that are loaded.", lambda: sum(p.ready for p in pools))
        self._gauge("engines_busy", "Engine processes that speak.", lambda: sum(p.busy for p in pools))
        self._gauge("engine_restarts", "Engine processes that were replaced.", lambda: sum(p.restarts for p in pools))
        self._gauge(
            "predicted_ttfa_seconds",
            "Time to first audio predicted for a request of now; NaN before anything was measured.",
            lambda: predicted_ns(pool) / NANOS_PER_SECOND,
        )
        self.registry.register(_CacheLevels(pools, cache))

    def watch_modes(self, tunings: Mapping[str, Tuning]) -> None:
        """Show in which mode each of these models speaks."""
        if tunings:
            self.registry.register(_QualityModes(tunings))

    def watch_hedges(self, sources: Mapping[str, HedgedSource]) -> None:
        """Show how often another engine stood in for each of these models."""
        if sources:
            self.registry.register(_Hedges(sources))

    def end(self, answer: Ended, progress: Progress) -> None:
        """Count an answer that ended."""
        self._requests.labels(answer.outcome).inc()
        if answer.refused:
            self._refused.labels(answer.refused).inc()
        population = (answer.engine, answer.cache, answer.mode, answer.hedged)
        if answer.response_ns is not None:
            self._response.labels(*population).observe(answer.response_ns / NANOS_PER_SECOND)
        if answer.ttfa_ns is not None:
            self._ttfa.labels(*population).observe(answer.ttfa_ns / NANOS_PER_SECOND)
        if progress.rtf is not None:
            self._rtf.labels(answer.engine).observe(progress.rtf)
        if progress.lead.stalls:
            self._underruns.inc(progress.lead.stalls)
            self._underrun.inc(progress.lead.stall_ns / NANOS_PER_SECOND)
        if answer.outcome != "ok":
            self._wasted.inc(progress.wasted_s)

    def page(self) -> bytes:
        """All of them, in the text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", meaning, labels, registry=self.registry)

    def _seconds(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}_seconds", meaning, labels, buckets=SECONDS, registry=self.registry)

    def _gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        Gauge(f"{PREFIX}_{name}", meaning, registry=self.registry).set_function(value)


def predicted_ns(pool: Pool) -> float:
    """The time to first audio that a request of now would have; NaN before anything was measured."""
    situation = pool.situation()
    return float("nan") if situation.rtf is None else situation.ttfa_ns


class _CacheLevels(Collector):
    """Reads the caches' own counts."""

    def __init__(self, pools: Sequence[Pool], cache: CachedSource | None) -> None:
        self._pools, self._cache = pools, cache

    def collect(self) -> Iterable[Metric]:
        lookups = CounterMetricFamily(f"{PREFIX}_cache_lookups", "Look-ups by level.", labels=("level", "result"))
        entries = GaugeMetricFamily(f"{PREFIX}_cache_entries", "What is kept, by level.", labels=("level",))
        size = GaugeMetricFamily(f"{PREFIX}_cache_bytes", "Bytes of what is kept, by level.", labels=("level",))
        pieces = {} if self._cache is None else self._cache.levels()
        for level, stats in (pieces | engine_levels(self._pools)).items():
            lookups.add_metric((level, "hit"), stats.hits)
            lookups.add_metric((level, "miss"), stats.misses)
            if level != "shared":  # of another server's store nobody here knows the size
                entries.add_metric((level,), stats.entries)
            if level not in ("shared", "engine"):
                size.add_metric((level,), stats.bytes)
        yield from (lookups, entries, size)


class _Hedges(Collector):
    """Reads how often another engine stood in."""

    def __init__(self, sources: Mapping[str, HedgedSource]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        hedges = CounterMetricFamily(
            f"{PREFIX}_hedges", "First pieces that another engine got too.", labels=("model", "result")
        )
        wasted = CounterMetricFamily(
            f"{PREFIX}_hedge_wasted_seconds", "Audio of the slower of two engines.", labels=("model",)
        )
        for model, source in self._sources.items():
            counts = source.counts
            for result in ("started", "won", "lost", "failed", "given_up"):
                hedges.add_metric((model, result), getattr(counts, result))
            wasted.add_metric((model,), counts.wasted_s)
        yield hedges
        yield wasted


class _QualityModes(Collector):
    """Reads in which mode models speak now."""

    def __init__(self, tunings: Mapping[str, Tuning]) -> None:
        self._tunings = tunings

    def collect(self) -> Iterable[Metric]:
        modes = GaugeMetricFamily(f"{PREFIX}_quality_mode", "1 for the mode of now.", labels=("model", "mode"))
        changes = CounterMetricFamily(f"{PREFIX}_quality_changes", "Changes of the mode.", labels=("model",))
        for model, tuning in self._tunings.items():
            for mode in MODES:
                modes.add_metric((model, mode), float(mode == tuning.mode.name))
            changes.add_metric((model,), tuning.changes)
        yield modes
        yield changes
