"""What every importer promises, whatever it reads."""

from __future__ import annotations

import io
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.importers import results
from tests.importers.build import RESULT_PATH, TRACE_PATH, line, read, result
from tests.importers.logs import ANSWERS, CLIENT, CONSOLE, PERF, SERVER, TUTOR
from tests.importers.otlp.traces import livekit, pipecat, recorded
from voxtrace.events import Event
from voxtrace.events.codec import decode, encode
from voxtrace.importers import IMPORTERS, Context, HoldsNoEvents, Importer, UnknownFormat, detect, importer_named
from voxtrace.importers.ports import HEAD_BYTES
from voxtrace.store.rows import why_unstorable

GOOD = {
    "event-lines": (PurePath("/logs/latency.log"), line() + line(event="stt_sending_to_v34")),
    "kokoro-chunk-trace": (TRACE_PATH, b"ms_since_start,bytes\n4.139,8192\n4.146,8192\n"),
    "kokoro-gate-run": (
        PurePath("/bench/2025-08-16/bench_233140.json"),
        b'{"timestamp": "2025-08-16T23:31:08", "benchmark_config": {"trials": 2, "expected_bands": {}},'
        b' "measurements": {"ttfa": {"ttfa_times_ms": [133.5, 159.4]}}}',
    ),
    "otlp-json": (PurePath("/traces/spans.jsonl"), recorded(pipecat).json() + recorded(livekit).json()),
    "otlp-protobuf": (PurePath("/traces/spans.pb"), recorded(livekit).protobuf()),
    "perf-lines": (PurePath("/logs/assistant.log"), PERF),
    "step-console": (PurePath("/logs/console.log"), CONSOLE),
    "kokoro-server-log": (PurePath("/logs/api_server.log"), SERVER),
    "kokoro-client-log": (PurePath("/logs/raycast.log"), CLIENT),
    "tutor-log": (PurePath("/logs/app-2026-03-04-1.log"), TUTOR),
    "model-answers": (PurePath("/logs/ollama.jsonl"), ANSWERS),
    "kokoro-bench": (RESULT_PATH, result(trial_artifacts=[{"ttfa_ms": 4.0}, {"total_ms": 9.5}])),
    **results.GOOD,
}
FRAGMENTS = [
    *(content for _, content in GOOD.values()),
    *(b"{", b"}", b"[" * 2000, b"\n", b",", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"ms_since_start,bytes\n", b"nan,1\n"),
    *(b"[PERF] stt=1ms llm=2ms tts=3ms e2e=4ms\n", b"--- Step 1 (x) took: 1s\n", b"[x] First chunk in 9.9.9 ms\n"),
    *(b"[PERF:tts-1757498971900] REQUEST_START {", b"[SERVER_PERF:no-id] REQUEST_RECEIVED\n", b"2026-03-04 10:00:00 "),
    *(b'{"time": 1e308, "msg": "[OLLAMA] Starting Ollama request"}\n', b'{"total_duration": 1e30, "load_duration": 1}'),
    *(b'"trials": 1e999', b"1" * 5000, b'"\\ud800"', b'{"config": [], "measurements": 3}', b"-1,2\n", b"1e9,7\n"),
]
any_bytes = st.one_of(
    st.binary(max_size=300), st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=9), max_size=8).map(b"".join)
)


@pytest.fixture(params=IMPORTERS, ids=lambda importer: importer.name)
def importer(request: pytest.FixtureRequest) -> Importer:
    return request.param


@pytest.fixture(params=sorted(GOOD))
def good(request: pytest.FixtureRequest) -> tuple[Importer, PurePath, bytes]:
    return importer_named(request.param), *GOOD[request.param]


@given(content=any_bytes, path=st.sampled_from([TRACE_PATH, RESULT_PATH, PurePath("x"), PurePath("stdin")]))
def test_no_bytes_make_an_importer_crash_and_what_comes_out_can_be_stored(content, path):
    for importer in IMPORTERS:
        try:
            items = read(importer, content, path)
        except HoldsNoEvents:
            continue
        for item in items:
            if isinstance(item, Event):
                assert why_unstorable(item) == ""


@given(head=any_bytes)
def test_sniffing_answers_with_a_confidence_whatever_the_bytes_are(head):
    assert all(0 <= importer.sniff(head, TRACE_PATH) <= 100 for importer in IMPORTERS)


def test_a_good_file_is_detected_and_read_whole(good):
    importer, path, content = good

    assert detect(content[:HEAD_BYTES], path) is importer
    assert {type(item).__name__ for item in read(importer, content, path)} <= {"Event", "Note"}


def test_reading_twice_gives_the_same_events(good):
    importer, path, content = good

    assert read(importer, content, path) == read(importer, content, path)


def test_event_ids_are_unique_within_their_request(good):
    importer, path, content = good
    ids = [(item.request_id, item.event_id) for item in read(importer, content, path) if isinstance(item, Event)]

    assert len(ids) == len(set(ids)) >= 2


def test_events_survive_being_written_as_lines(good):
    importer, path, content = good
    found = [item for item in read(importer, content, path) if isinstance(item, Event)]

    assert [decode(encode(event)) for event in found] == found


def test_small_reads_give_the_same_as_one_large_read(good):
    importer, path, content = good

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(3)

    assert list(importer.read(Dripping(content), Context(path))) == list(
        importer.read(io.BytesIO(content), Context(path))
    )


LOGS = [
    "event-lines",
    "perf-lines",
    "step-console",
    "kokoro-server-log",
    "kokoro-client-log",
    "tutor-log",
    "model-answers",
]


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_grew_changes_no_event_that_was_read_before(name):
    importer, (path, content) = importer_named(name), GOOD[name]
    rows = content.splitlines(keepends=True)
    whole = {(item.request_id, item.event_id) for item in read(importer, content, path) if isinstance(item, Event)}

    for end in range(len(rows)):
        early = [item for item in read(importer, b"".join(rows[:end]), path) if isinstance(item, Event)]
        assert {(item.request_id, item.event_id) for item in early} <= whole


def test_names_are_unique_and_every_importer_says_what_it_reads(importer):
    assert importer_named(importer.name) is importer
    assert importer.title


def test_an_unknown_format_is_answered_with_the_known_ones():
    with pytest.raises(UnknownFormat, match=r"'mp3'; there are: event-lines, "):
        importer_named("mp3")


@pytest.mark.parametrize("head", [b"", b"\x7fELF\x02\0\0", b"# Samples\n", b"a,b\n1,2\n", b'{"hello": 1}'])
def test_nobody_claims_what_nobody_knows(head):
    assert detect(head, PurePath("file")) is None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'{"performance_gates": {}, "test_requirements": {}}', "kokoro-bands"),
        (b'{"thresholds": [{"metric": "ttfa_ms", "warning_threshold": 50}]}', "alert-config"),
    ],
)
def test_budgets_and_summaries_are_recognised_and_left_out_with_their_reason(head, name):
    importer = detect(head, PurePath("file.json"))

    assert importer is not None
    assert importer.name == name
    with pytest.raises(HoldsNoEvents, match="no events"):
        read(importer, head)
