"""Real traces of another tool, through import, store and analysis, to the numbers its own analysis came to."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from tests.samples import sample
from voxtrace.analysis import assemble
from voxtrace.analysis.model import Turn
from voxtrace.cli.main import main
from voxtrace.store import SqliteStore, open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    data = tmp_path_factory.mktemp("imported")
    main(
        [
            "import",
            *(str(sample(name)) for name in ("kokoro_bench", "little_timmy", "english_tutor")),
            "--data",
            str(data),
        ]
    )
    opened = open_store(data, readonly=True)
    yield opened
    opened.close()


def turn(store: SqliteStore, request_id: str) -> Turn:
    return assemble(request_id, store.events_of([request_id])[request_id])


def test_stalls_of_all_chunk_traces_are_those_of_the_golden_values(store):
    rows = list(csv.DictReader(sample("kokoro_bench/expected_playout.csv").read_text().splitlines()))

    assert len(rows) == 50
    for row in rows:
        metrics = turn(store, row["file"].removesuffix(".csv")).metrics
        stalled = float(row["playout_stall_ms"])
        assert metrics["stall_count"].value == int(row["playout_stalls"]), row["file"]
        # The golden model plays the 44 bytes of the header as if they were sound: 0.9 ms.
        assert metrics["stall_ms"].value == pytest.approx(stalled, abs=max(2.0, stalled / 1000)), row["file"]
        assert metrics["ttfb_ms"].value == pytest.approx(float(row["ttfb_ms"]), abs=0.001), row["file"]


def test_an_imported_trace_never_pretends_to_know_what_was_audible(store):
    trace = turn(store, "2025-08-16/trial01_short_chunks_230720")

    assert trace.metrics["ttfa_ms"].value is None
    assert (trace.labels.source, trace.labels.voice, trace.labels.format) == ("bench", "af_heart", "wav")


def test_a_trial_without_a_measurement_has_no_number(store):
    trial = turn(store, "2025-08-16/bench_stream_short_230535/trial00")

    assert trial.metrics["ttfb_ms"].value is None
    assert trial.labels.outcome == "unknown"


def test_the_example_of_the_latency_log_shows_its_slowest_step_and_the_gap_nobody_explains(store):
    example = turn(store, "abc123de")
    gap = next(part for part in example.parts if not part.explained)

    assert example.slowest is not None
    assert example.slowest.name == "language model"
    assert gap.length == 210_000_000
    assert any(finding.rule == "end_of_speech_not_logged" for finding in example.findings)


def test_the_tutors_request_is_one_turn_with_both_calls_of_each_chunk(store):
    tutor = turn(store, "log-analysis-2025-12-21T09:06:44Z")
    at = {(mark.stage, mark.metadata.get("chunk")): mark.at / 1e6 for mark in tutor.marks}
    ready = at["tts.synthesis_complete", 0]
    calls = {
        (span.name, span.detail["chunk"]): round((span.end - span.begin) / 1e6)
        for span in tutor.spans
        if span.end and "chunk" in span.detail
    }

    # 13.65 s from the request and 14.28 s from the start of speech to text, as the log's own analysis says.
    assert (ready - at["context.request_received", None], ready - at["stt.started", None]) == (13_648, 14_281)
    assert calls == {
        ("synthesis", 0): 8669,
        ("metadata call", 0): 5240,
        ("synthesis", 1): 10_554,
        ("metadata call", 1): 5480,
    }


def test_the_console_of_steps_says_what_each_message_waited_for(store):
    parts = {part.name: round(part.length / 1e6) for part in turn(store, "console-b30650532e85").parts}

    assert parts == {"metadata_generation": 30, "retrieval": 130, "language model": 1310, "unattributed": 13}
