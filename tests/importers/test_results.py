"""Result files of benchmarks and monitors: measurements become requests, sums do not."""

from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from tests.importers import results
from tests.importers.build import NOON_NS, events, notes, read, refused
from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.model import Turn
from voxtrace.importers import Context, HoldsNoEvents, detect, importer_named
from voxtrace.importers.ports import Item

PATH = PurePath("/out/results.json")


def imported(name: str, content: bytes, path: PurePath = PATH, **known: object) -> list[Item]:
    return read(importer_named(name), content, path, **known)


def turns_of(items: list[Item]) -> list[Turn]:
    by_request: dict[str, list] = {}
    for event in events(items):
        by_request.setdefault(event.request_id, []).append(event)
    return [assemble(request_id, found) for request_id, found in by_request.items()]


def values(turns: list[Turn], name: str) -> list[float | None]:
    return [turn.metrics[name].value for turn in turns]


def rules(turn: Turn) -> set[str]:
    return {finding.rule for finding in turn.findings}


def flagged(items: list[Item], rule: str) -> int:
    return dict(summarize(turns_of(items)).findings).get(rule, 0)


def test_each_sample_of_a_monitor_is_a_probe_with_its_first_byte():
    items = imported("kokoro-monitor", results.monitor())
    turns = turns_of(items)

    assert values(turns, "ttfb_ms") == pytest.approx([812.4, 813.4, 814.4])
    assert {(turn.labels.source, turn.labels.provider, turn.labels.text_chars) for turn in turns} == {
        ("probe", "CPUExecutionProvider", 48)
    }
    assert notes(items) == {"alerts": 1}
    assert turns[0].started_wall_ns == NOON_NS


def test_a_monitor_that_copies_its_latency_is_flagged_in_its_samples_and_in_its_baselines():
    same = {"p50": 5.5, "p95": 6.9}
    samples = [{"timestamp": results.NOON + n, "ttfa_ms": 5.5 + n, "api_latency_ms": 5.5 + n} for n in range(3)]
    items = imported(
        "kokoro-monitor", results.monitor(metrics=samples, baselines={"ttfa_ms": same, "api_latency_ms": same})
    )

    assert flagged(items, "api_equals_ttfa") == 3
    assert notes(items)["api_equals_ttfa"] == 1


def test_a_cycle_without_a_time_is_kept_without_one_and_cold_ones_are_a_population_of_their_own():
    items = imported("kokoro-production-monitor", results.production())
    turns = turns_of(items)

    assert values(turns, "ttfb_ms") == [2950.5, 402.25, None]
    assert [turn.labels.start for turn in turns] == ["cold", "warm", "warm"]
    assert events(items)[-1].metadata["reported_time"] == "inf"
    assert notes(items)["local_time"] == 4


def test_a_unified_benchmark_keeps_failures_as_errors_and_missing_trials_unmeasured():
    turns = turns_of(imported("kokoro-unified-benchmark", results.unified()))

    assert values(turns[:2], "ttfb_ms") == [612.5, 612.5]
    assert values(turns[:2], "audio_ms") == [5010.0, 5010.0]
    assert [turn.labels.outcome for turn in turns] == ["ok", "ok", "error", "unknown"]
    assert (turns[0].labels.voice, turns[2].labels.error) == ("af_heart", "HTTP 503")


@pytest.mark.parametrize(
    ("written", "value"),
    [("12.5ms", 12.5), ("1.2s", 1200.0), ("7", 7.0), (" 3.5 ", 3.5), ("12%", None), ("fast", None), (True, None),
     (float("nan"), None), (-1.0, None), (10**400, None), ("1e999ms", None), ([1], None)],
)  # fmt: skip
def test_a_number_is_read_however_it_is_written_and_nothing_else_is_a_number(written, value):
    rows = [{"timestamp": results.NOON, "ttfa_ms": written}]
    (turn,) = turns_of(imported("kokoro-monitor", results.monitor(metrics=rows)))

    assert turn.metrics["ttfb_ms"].value == value


def test_a_time_of_zero_is_a_failure_and_no_first_byte():
    rows = [{"timestamp": results.NOON, "ttfa_ms": 0.0}]
    (turn,) = turns_of(imported("kokoro-monitor", results.monitor(metrics=rows)))

    assert turn.metrics["ttfb_ms"].rejected == "ttfa_not_positive"


def test_what_the_second_endpoint_answers_at_once_came_out_of_a_cache():
    items = imported("kokoro-endpoint-results", results.endpoints(), modified_wall_ns=NOON_NS)

    assert flagged(items, "cached_replay") == 2
    assert notes(items)["start_of_trials"] == 4
    assert notes(items)["file_time"] == 1


def test_results_written_17_microseconds_apart_did_not_take_a_second_each():
    made_up = turns_of(imported("kokoro-provider-benchmark", results.providers(17e-6)))
    real = turns_of(imported("kokoro-provider-benchmark", results.providers(4.0)))

    assert {turn.metrics["ttfb_ms"].rejected for turn in made_up} == {"closer_than_claimed"}
    assert values(real, "ttfb_ms") == [626.0, 841.0, 707.0]


def test_one_stamp_for_all_results_is_the_time_of_the_file_and_proves_nothing():
    items = imported("kokoro-provider-benchmark", results.providers(0.0))

    assert flagged(items, "closer_than_claimed") == 0
    assert notes(items)["start_of_trials"] == 3


def test_the_times_of_a_model_comparison_are_requests_and_its_status_page_is_not():
    items = imported("kokoro-model-comparison", results.models(), PurePath("/out/model_comparison_1764253805.json"))
    turns = turns_of(items)

    assert [turn.labels.outcome for turn in turns] == ["ok"] * 4 + ["error"]
    assert [turn.total / 1e6 for turn in turns[:4]] == [4120.5, 8.1, 7.9, 8.4]
    assert flagged(items, "cached_replay") == 3
    assert notes(items)["status_payload"] == 1


def test_a_name_that_tells_another_time_than_its_file_is_flagged():
    content = results.models()
    wrong = turns_of(imported("kokoro-model-comparison", content, PurePath("/out/model_comparison_1755413954.json")))
    right = turns_of(imported("kokoro-model-comparison", content, PurePath("/out/model_comparison_1764253805.json")))

    assert "date_disagrees" in rules(wrong[0])
    assert "date_disagrees" not in rules(right[0])


def test_a_comparison_in_which_every_request_failed_has_errors_and_no_measurement():
    measured = {"error": "No successful requests", "errors": 3}
    items = imported("kokoro-model-comparison", results.models(quantized_model_benchmark=measured))

    assert [turn.labels.outcome for turn in turns_of(items)] == ["error"] * 3
    assert notes(items)["inconclusive"] == 1


def test_what_a_server_timed_of_itself_is_the_servers_number_and_never_the_clients():
    turns = turns_of(imported("kokoro-ttfa-measurements", results.ttfa_measurements()))

    assert values(turns, "server_response_ms") == [431.25, 432.25]
    assert values(turns, "text_ms") == [14.5, 14.5]
    assert values(turns, "ttfa_ms") == [None, None]
    assert len({turn.request_id for turn in turns}) == 2


def test_rows_of_one_moment_of_a_history_are_one_probe():
    items = imported("kokoro-metrics-history", results.HISTORY)
    turns = turns_of(items)

    assert values(turns, "ttfb_ms") == [512.5, 498.0]
    assert events(items)[0].metadata["reported_memory_mb"] == 700.0


def test_a_history_that_was_written_with_a_write_ahead_log_is_read_too():
    content = bytearray(results.HISTORY)
    content[18:20] = b"\x02\x02"

    assert len(turns_of(imported("kokoro-metrics-history", bytes(content)))) == 2


@pytest.mark.parametrize(
    "content",
    [
        results.HISTORY[:1000],
        results.HISTORY[:2000] + b"\xff" * (len(results.HISTORY) - 2000),
        b"SQLite format 3\0" + b"\0" * 600,
        results.phrases(),
        results.history(),
    ],
)
def test_a_damaged_database_and_one_without_measurements_are_left_out_with_a_reason(content):
    with pytest.raises(HoldsNoEvents):
        imported("kokoro-metrics-history", content)


def test_a_view_that_would_never_end_is_not_looked_at():
    endless = (
        "ALTER TABLE metrics RENAME TO other; CREATE VIEW metrics AS WITH RECURSIVE n(id) AS"
        " (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 1.0 timestamp, 'ttfa_ms' metric_name, 1.0 value FROM n;"
    )
    with pytest.raises(HoldsNoEvents, match="no table metrics"):
        imported("kokoro-metrics-history", results.history(script=endless))


def test_the_file_of_a_database_is_never_touched(tmp_path):
    path = tmp_path / "metrics_history.db"
    path.write_bytes(results.HISTORY)
    with path.open("rb") as stream:
        list(importer_named("kokoro-metrics-history").read(stream, Context(PurePath(path))))

    assert [each.name for each in tmp_path.iterdir()] == ["metrics_history.db"]
    assert path.read_bytes() == results.HISTORY


def test_averages_of_a_phrase_cache_are_no_requests():
    importer = detect(results.phrases(), PATH)

    assert importer is not None
    assert importer.name == "kokoro-phrase-cache"
    with pytest.raises(HoldsNoEvents, match="counts of 1 phrases that were asked for 7 times"):
        read(importer, results.phrases(), PATH)


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        ({"ttfa_ms": {"p50": 5.5, "p95": 6.9, "p99": 10, "sample_count": 9, "timestamp": 1.0}}, "performance-baselines",
         "limits to judge by"),
        ({"model_loaded": True, "onnx_providers": [], "performance": {}}, "kokoro-status", "counters and averages"),
        ({"ttfa_performance": {"timing_stats_ms": {"average": 3}}}, "kokoro-performance-page", "summed up"),
        ([{"ttfa_ms": 1, "cache_hit_rate": 0.5, "requests_per_minute": 3}], "kokoro-dashboard", "at intervals"),
        ({"results": {"mutation_score": 0.7}}, "provenance", "nothing about time"),
        ({"cache_type": "phonemes", "entries_count": 3}, "kokoro-cache-file", "cached data"),
    ],
)  # fmt: skip
def test_sums_limits_and_status_pages_are_recognised_and_left_out_with_a_true_reason(content, name, why):
    raw = json.dumps(content).encode()
    importer = detect(raw, PATH)

    assert importer is not None
    assert importer.name == name
    with pytest.raises(HoldsNoEvents, match=why):
        read(importer, raw, PATH)


def test_what_can_not_be_true_in_a_summary_is_said_with_the_reason_it_is_left_out():
    same = {"p50": 9.0, "p95": 6.9, "p99": 10.0, "sample_count": 20, "timestamp": 1.0}
    raw = json.dumps({"ttfa_ms": same, "api_latency_ms": same}).encode()

    with pytest.raises(HoldsNoEvents, match=r"p50_above_p95: ttfa_ms has p50 = 9 .* api_equals_ttfa: it gives one p95"):
        imported("performance-baselines", raw)


def test_a_row_that_is_no_result_is_refused_and_the_others_are_read():
    rows = [{"timestamp": results.NOON, "ttfa_ms": 9.0}, 7, None]
    items = imported("kokoro-monitor", results.monitor(metrics=rows))

    assert len(refused(items)) == 2
    assert len(turns_of(items)) == 1


@pytest.mark.parametrize("name", ["kokoro-monitor", "kokoro-unified-benchmark", "kokoro-production-monitor"])
def test_a_result_that_lists_nothing_is_inconclusive(name):
    content = b'{"metrics": [], "baselines": {}, "config": {}, "benchmark_name": "x", "monitoring_session": {}}'
    with pytest.raises(HoldsNoEvents, match="inconclusive"):
        imported(name, content)


def test_a_success_that_is_the_text_false_is_a_failure():
    told = json.loads(results.unified(trials=0))
    content = results.unified(trials=0, metrics=[{**each, "success": "False"} for each in told["metrics"]])

    assert {turn.labels.outcome for turn in turns_of(imported("kokoro-unified-benchmark", content))} == {"error"}


def test_unix_times_that_are_text_are_the_time_of_their_results():
    samples = [{"timestamp": str(results.NOON + n), "ttfa_ms": 800.0 + n} for n in range(2)]
    items = imported("kokoro-monitor", results.monitor(metrics=samples))

    assert [turn.started_wall_ns - NOON_NS for turn in turns_of(items)] == [0, 10**9]
    assert "file_time" not in notes(items)


@pytest.mark.parametrize("part", ["text_processing_ms", "model_inference_ms", "daemon_communication_ms"])
def test_a_total_that_is_shorter_than_one_of_its_parts_is_not_taken(part):
    told = json.loads(results.ttfa_measurements())["measurements"][:1]
    told[0]["timings"][part] = 900.0
    items = imported("kokoro-ttfa-measurements", results.ttfa_measurements(measurements=told))

    assert notes(items)["parts_exceed_total"] == 1
    assert not turns_of(items)[0].metrics["server_response_ms"].measured


def test_a_success_of_no_trial_is_called_inconclusive():
    content = results.unified(trials=0, metrics=[], summary={"total_trials": 0, "success_rate": 1.0})
    with pytest.raises(HoldsNoEvents, match="inconclusive"):
        imported("kokoro-unified-benchmark", content)


def test_answers_that_took_no_time_are_no_successes():
    content = results.models(quantized_model_benchmark={"num_requests": 2, "errors": 0, "times_ms": [0, 0.0]})
    items = imported("kokoro-model-comparison", content)

    assert {turn.labels.outcome for turn in turns_of(items)} == {"unknown"}
    assert notes(items)["inconclusive"] == 1
