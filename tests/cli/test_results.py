"""Result files from `voxtrace import` to `voxtrace report`, as a person sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.importers.build import result
from tests.importers.results import GOOD, providers
from tests.samples import sample
from voxtrace.cli.main import main


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    return ["--data", str(tmp_path / "data")]


@pytest.fixture
def bench(tmp_path: Path):
    """Writes a benchmark result of made-up trials."""

    def write(**measured: object) -> str:
        folder = tmp_path / "2025-08-16"
        folder.mkdir(exist_ok=True)
        path = folder / "bench_stream_long_224748.json"
        path.write_bytes(result(**measured))
        return str(path)

    return write


def report(data, capsys, *options: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = main(["report", "--json", *options, *data])
    return code, json.loads(capsys.readouterr().out)


def rules(told: dict) -> dict[str, int]:
    return {finding["rule"]: finding["turns"] for finding in told["findings"]}


def test_the_soak_file_shows_596_flat_requests_and_4_spikes(data, capsys):
    main(["import", str(sample("kokoro_bench/2025-08-16/bench_stream_long_224748.json")), *data])
    (soak,) = report(data, capsys)[1]["groups"][0]["steadiness"]
    main(["report", *data])
    printed = " ".join(capsys.readouterr().out.split())

    assert (soak["measured"], soak["flat"]) == (600, 596)
    assert [round(spike["value"]) for spike in soak["spikes"]] == [27808, 27849, 2384, 2548]
    assert "600 requests: 596 flat (1.98 ms to 5.51 ms, median 2.18 ms), 4 spikes above 6.53 ms" in printed
    assert "A spike is above 3 times the median and above 6 robust standard deviations" in printed


def test_a_made_up_soak_shows_its_spikes_and_its_trials_are_no_part_of_it(bench, data, capsys):
    soak = [{"ttfa_ms": 4.0 + n % 3} for n in range(40)]
    soak[7] = {"ttfa_ms": 900.0}
    main(["import", bench(trial_artifacts=[{"ttfa_ms": 700.0}], soak_metrics=soak), *data])
    (run,) = report(data, capsys)[1]["groups"][0]["steadiness"]

    assert (run["run"], run["flat"]) == ("2025-08-16/bench_stream_long_224748/soak", 39)
    assert [(spike["place"], spike["value"]) for spike in run["spikes"]] == [(8, 900.0)]


@pytest.mark.parametrize("limit", ["ttfb_p95<=50ms", "ttfa_p95<=800ms", "error_rate<=1%", "continuity>=99%"])
def test_a_result_without_any_measurement_is_inconclusive_and_never_a_pass(bench, data, capsys, limit):
    main(["import", bench(trials=5, trial_artifacts=[{"ttfa_ms": float("inf")}]), *data])
    imported = capsys.readouterr().out
    code, told = report(data, capsys, "--expect", limit)

    assert "inconclusive" in imported
    assert (code, told["verdict"], told["limits"][0]["verdict"]) == (1, "inconclusive", "inconclusive")


def test_the_samples_without_a_measurement_are_inconclusive(data, capsys):
    main(["import", str(sample("kokoro_bench/2025-08-16/bench_stream_short_230535.json")), *data])
    code, told = report(data, capsys, "--expect", "ttfb_p95<=50ms")
    main(["report", *data])

    assert (code, told["verdict"]) == (1, "inconclusive")
    assert "inconclusive: no metric was measured; that is no pass" in capsys.readouterr().out


def test_a_kept_limit_is_a_pass_and_a_broken_one_a_fail(bench, data, capsys):
    main(["import", bench(trial_artifacts=[{"ttfa_ms": 40.0 + n / 10} for n in range(30)]), *data])

    assert report(data, capsys, "--expect", "ttfb_p50<=50ms")[0] == 0
    assert report(data, capsys, "--expect", "ttfb_p50<=20ms")[0] == 1


def test_trials_that_a_cache_answered_are_flagged_by_name(bench, data, capsys):
    main(["import", bench(trial_artifacts=[{"ttfa_ms": at} for at in (3732.0, 5.1, 5.5, 5.6)]), *data])

    assert rules(report(data, capsys)[1])["cached_replay"] == 3


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_every_form_of_the_report_marks_times_of_a_cache_and_shows_no_ratio_of_one(data, capsys, form):
    samples = "kokoro_bench/2025-08-16"
    main(["import", str(sample(f"{samples}/bench_nonstream_long_235645.json")), *data])
    main(["import", str(sample(f"{samples}/bench_stream_long_224748.json")), *data])
    found = report(data, capsys)[1]["groups"]
    main(["report", "--format", form, *data])
    printed = capsys.readouterr().out

    assert sum(group["metrics"]["ttfb_ms"]["cached_replays"] for group in found) == 4
    assert "4 cached" in printed
    assert max(group["metrics"]["realtime_ratio"]["largest"] or 0 for group in found) < 100
    assert "rejected by cached_replay" in printed


def test_the_cached_times_of_the_samples_are_flagged_by_name(data, capsys):
    main(["import", str(sample("kokoro_bench/2025-08-16/bench_stream_long_224748.json")), *data])
    found = rules(report(data, capsys)[1])

    assert found["cached_replay"] == 4
    assert found["first_byte_then_silence"] == 603


def test_a_mislabelled_efficiency_of_100_percent_is_flagged_by_name(tmp_path, data, capsys):
    told = {"timestamp": 1_764_253_805.0, "request_id": "r1", "service": "server", "event": "REQUEST_RECEIVED"}
    done = {**told, "timestamp": 1_764_253_806.0, "event": "AUDIO_GENERATION_COMPLETE"}
    done["metadata"] = {"processing_time_ms": 900, "streaming_efficiency": "100.0%"}
    log = tmp_path / "server.jsonl"
    log.write_text(f"{json.dumps(told)}\n{json.dumps(done)}\n", encoding="utf-8")
    main(["import", str(log), *data])

    assert rules(report(data, capsys)[1])["full_ratio_without_chunks"] == 1


def test_a_summary_whose_median_is_above_its_p95_is_said_at_the_import(bench, data, capsys):
    path = Path(bench(trial_artifacts=[{"ttfa_ms": 5.0}]))
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "summary": {"ttfa": {"p50": 9.0, "p95": 5.0}}}), encoding="utf-8")
    main(["import", str(path), *data])

    assert "ttfa has p50 = 9 above p95 = 5: it was not computed from samples" in capsys.readouterr().out


def test_requests_of_which_only_the_length_is_known_are_inconclusive_and_shown(tmp_path, data, capsys):
    path, content = GOOD["kokoro-model-comparison"]
    (tmp_path / path.name).write_bytes(content)
    main(["import", str(tmp_path / path.name), *data])
    found = report(data, capsys)[1]
    main(["report", *data])
    printed = capsys.readouterr().out

    assert (found["verdict"], rules(found)["cached_replay"]) == ("inconclusive", 3)
    assert "of 4 turns only the whole length is known; that is no pass" in printed


@pytest.mark.parametrize("pattern", ["kokoro_bench", "kokoro_status", "little_timmy", "english_tutor"])
def test_every_folder_of_samples_is_imported_and_reported(data, capsys, pattern):
    imported = main(["import", str(sample(pattern)), "--json", *data])
    files = json.loads(capsys.readouterr().out)["files"]
    code, told = report(data, capsys)

    assert (imported, code) == (0, 0)
    assert all(file["outcome"] == "imported" or file["why"] for file in files)
    assert told["turns"] > 0


def test_the_cached_times_of_the_model_comparisons_are_flagged_by_name(data, capsys):
    main(["import", str(sample("kokoro_status")), *data])

    assert rules(report(data, capsys)[1])["cached_replay"] == 27


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_every_form_of_the_report_shows_spikes_and_what_is_inconclusive(bench, data, capsys, form):
    soak = [{"ttfa_ms": 4.0 + n % 3} for n in range(40)] + [{"ttfa_ms": 900.0}]
    main(["import", bench(soak_metrics=soak), *data])
    capsys.readouterr()
    main(["report", "--format", form, "--expect", "ttfa_p95<=1s", *data])
    printed = " ".join(capsys.readouterr().out.split())

    assert "40 flat" in printed
    assert "1 spike above" in printed
    assert "1s: inconclusive, —, n=0 (not measured)" in printed


def test_results_that_were_made_up_are_refused_by_name(tmp_path, data, capsys):
    (tmp_path / "detailed_provider_benchmark_1.json").write_bytes(providers(17e-6))
    main(["import", str(tmp_path), *data])
    told = report(data, capsys)[1]

    assert rules(told)["closer_than_claimed"] == 3
    assert told["groups"][0]["metrics"]["ttfb_ms"]["rejected"] == {"closer_than_claimed": 3}
