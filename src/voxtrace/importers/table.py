"""All importers, and which of them a file is for."""

from __future__ import annotations

from pathlib import PurePath

from voxtrace.errors import VoxtraceError
from voxtrace.importers.bench_result import BenchResult
from voxtrace.importers.chunk_trace import ChunkTrace
from voxtrace.importers.event_lines import EventLines
from voxtrace.importers.gate_run import GateRun
from voxtrace.importers.kokoro_client_log import KokoroClientLog
from voxtrace.importers.kokoro_server_log import KokoroServerLog
from voxtrace.importers.model_answers import ModelAnswers
from voxtrace.importers.otlp_traces import OtlpJson, OtlpProtobuf
from voxtrace.importers.perf_lines import PerfLines
from voxtrace.importers.phrase_cache import PhraseCache
from voxtrace.importers.ports import Importer
from voxtrace.importers.recognised import RECOGNISED
from voxtrace.importers.results_endpoints import EndpointResults
from voxtrace.importers.results_history import MetricsHistory
from voxtrace.importers.results_models import ModelComparison
from voxtrace.importers.results_monitor import PerformanceMetrics, ProductionMetrics
from voxtrace.importers.results_providers import ProviderBenchmark
from voxtrace.importers.results_ttfa import TtfaMeasurements
from voxtrace.importers.results_unified import UnifiedBenchmark
from voxtrace.importers.step_console import StepConsole
from voxtrace.importers.tutor_log import TutorLog

IMPORTERS: tuple[Importer, ...] = (
    EventLines(),
    OtlpJson(),
    OtlpProtobuf(),
    ChunkTrace(),
    BenchResult(),
    GateRun(),
    PerformanceMetrics(),
    ProductionMetrics(),
    UnifiedBenchmark(),
    EndpointResults(),
    ProviderBenchmark(),
    ModelComparison(),
    TtfaMeasurements(),
    MetricsHistory(),
    PhraseCache(),
    PerfLines(),
    StepConsole(),
    KokoroServerLog(),
    KokoroClientLog(),
    TutorLog(),
    ModelAnswers(),
    *RECOGNISED,
)


class UnknownFormat(VoxtraceError):
    """No importer has the name that was asked for."""

    def __init__(self, name: str) -> None:
        known = ", ".join(importer.name for importer in IMPORTERS)
        super().__init__(f"no format is called {name!r}; there are: {known}")
        self.name = name


def detect(head: bytes, path: PurePath) -> Importer | None:
    """The importer that is surest that the file is its own; of two equally sure ones, the first of the table."""
    best = max(IMPORTERS, key=lambda importer: importer.sniff(head, path))
    return best if best.sniff(head, path) > 0 else None


def importer_named(name: str) -> Importer:
    """The importer of that name.

    Raises:
        UnknownFormat: there is none.
    """
    for importer in IMPORTERS:
        if importer.name == name:
            return importer
    raise UnknownFormat(name)
