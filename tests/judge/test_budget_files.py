"""Budgets: those of the house, a person's own, and what other tools' files ask for."""

from __future__ import annotations

import json

import pytest

from tests.samples import sample
from voxtrace.analysis import Population
from voxtrace.judge.budget_files import read_toml
from voxtrace.judge.budgets import UnreadableBudget
from voxtrace.judge.packaged import budget_for, budgets_named, packaged


def limits(name, metric):
    (profile,) = packaged()[name]
    line = next(line for line in profile.lines if metric in line.metrics)
    return line.budget.target, line.budget.warning, line.budget.critical


@pytest.mark.parametrize(
    ("name", "metric", "figures"),
    [
        ("uncached", "ttfa_ms", (800, 1000, 2000)),
        ("uncached-short", "ttfa_ms", (400, 400, None)),
        ("uncached-medium", "ttfa_ms", (800, 800, None)),
        ("uncached-long", "ttfa_ms", (1200, 1200, None)),
        ("uncached-complex", "ttfa_ms", (1000, 1000, None)),
        ("first-chunk", "first_audio_ms", (200, 200, None)),
        ("cached", "ttfa_ms", (50, 50, 100)),
        ("server", "server_response_ms", (500, 1000, 3000)),
        ("streaming", "realtime_ratio", (0.9, 0.8, 0.6)),
        ("cache-hits", "cache_hits", (0.5, 0.2, None)),
        ("traffic", "error_rate", (0.01, 0.02, 0.05)),
        ("synthesis", "rtf", (1, 1, None)),
        ("process", "memory_mb", (800, 800, 1200)),
        ("process", "cpu_percent", (60, 60, 80)),
        ("conversation", "stt_ms", (1000, 1000, None)),
        ("conversation", "llm_total_ms", (5000, 5000, None)),
        ("conversation", "chunk_synthesis_ms", (3000, 3000, None)),
        ("conversation", "request_to_audio_ms", (8000, 8000, None)),
        ("conversation", "turn_total_ms", (10_000, 10_000, None)),
        ("conversation", "chunk_chars_per_s", (15, 15, None)),
    ],
)
def test_the_house_has_every_figure_of_the_plan(name, metric, figures):
    assert limits(name, metric) == pytest.approx(figures)


def test_a_cached_p95_has_a_target_of_its_own_and_errors_fail_at_their_gate():
    (cached,), (traffic,) = packaged()["cached"], packaged()["traffic"]

    assert [(line.of, line.budget.target) for line in cached.lines] == [("p50", 50), ("p95", 10)]
    assert traffic.lines[0].budget.fails_at == pytest.approx(0.01)


def test_a_population_has_its_own_limits():
    hit, miss = (Population("speech", "ok", "client", each, "warm", "real", "L2") for each in ("hit", "miss"))

    assert budget_for(hit, "ttfa_ms").target == 50
    assert budget_for(miss, "ttfa_ms").target == 800
    assert budget_for(hit, "rtf") is None


def test_a_budget_of_ones_own_has_units_a_filter_and_members_of_the_house():
    text = """
    [mine]
    kind = "speech"
    cache = ["miss", "unknown"]
    where = "engine=kokoro"
    limits = [
      { metric = "ttfa_ms", of = "p50", target = "0.3 s", critical = "500ms" },
      { metric = "continuity", target = "99%" },
      { metric = "realtime_ratio", target = 1.5 },
    ]
    [all]
    profiles = ["mine", "cached"]
    """
    found = read_toml(text, "mine.toml", packaged())
    first, second, third = found["mine"][0].lines

    assert (first.of, first.budget.target, first.budget.fails_at) == ("p50", 300, 500)
    assert (second.of, second.budget.target, second.budget.more_is_better) == ("", 0.99, True)
    assert (third.of, third.budget.target) == ("p50", 1.5)
    assert [profile.name for profile in found["all"]] == ["mine", "cached"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[mine", "no TOML"),
        ("", "there is none in it"),
        ("target = 3", "'target' stands outside"),
        ("[mine]", "it needs limits"),
        ("[mine]\nlimits = []", "it needs limits"),
        ('[mine]\nlimit = [{metric="rtf", target=1}]', "did you mean limits"),
        ('[mine]\nkind = "song"\nlimits = [{metric="rtf", target=1}]', "kind is one of"),
        ('[mine]\ncache = "hit"\nlimits = [{metric="rtf", target=1}]', "a list of names"),
        ('[mine]\ncache = ["cold"]\nlimits = [{metric="rtf", target=1}]', "not 'cold'"),
        ('[mine]\nchars = [9, 1]\nlimits = [{metric="rtf", target=1}]', "a range"),
        ('[mine]\nwhere = "kokoro"\nlimits = [{metric="rtf", target=1}]', "is not KEY=VALUE"),
        ('[mine]\nlimits = [{metric="ttfa", target=1}]', "did you mean ttfa_ms"),
        ('[mine]\nlimits = [{metric="audio_ms", target=1}]', "neither less nor more"),
        ('[mine]\nlimits = [{metric="ttfa_ms"}]', "needs a target"),
        ('[mine]\nlimits = [{metric="ttfa_ms", targt=1}]', "did you mean target"),
        ('[mine]\nlimits = [{metric="ttfa_ms", target="1%"}]', "a unit that it is not measured in"),
        ('[mine]\nlimits = [{metric="ttfa_ms", target="fast"}]', "is no number"),
        ('[mine]\nlimits = [{metric="ttfa_ms", target=nan}]', "is no number"),
        ('[mine]\nlimits = [{metric="ttfa_ms", target=-1}]', "from 0 up"),
        (f'[mine]\nlimits = [{{metric="ttfa_ms", target="{"9" * 400}"}}]', "is no number"),
        ('[mine]\nlimits = [{metric="ttfa_ms", target=true}]', "is no number"),
        ('[mine]\nlimits = [{metric="ttfa_ms", target=900, critical=800}]', "must rise"),
        ('[mine]\nlimits = [{metric="cache_hits", target=0.2, critical=0.5}]', "must fall"),
        ('[mine]\nlimits = [{metric="error_rate", target=2}]', "say '2%'"),
        ('[mine]\nlimits = [{metric="error_rate", of="p95", target=0.1}]', "one number of all requests"),
        ('[mine]\nlimits = [{metric="realtime_ratio", of="p95", target=1}]', "its good end"),
        ('[mine]\nlimits = [{metric="ttfa_ms", of="mean", target=1}]', "of is one of"),
        ('[mine]\nlimits = [{metric=["ttfa_ms", "rtf"], target=1}]', "can't share"),
        ('[mine]\nprofiles = ["yours"]', "no budget 'yours'"),
    ],
)
def test_what_is_no_budget_is_refused_and_its_place_is_named(text, why):
    with pytest.raises(UnreadableBudget, match=why):
        read_toml(text, "mine.toml", packaged())


def test_a_name_that_nobody_knows_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(UnreadableBudget, match="did you mean conversation"):
        budgets_named("conversations")
    with pytest.raises(UnreadableBudget, match="directory"):
        budgets_named(str(tmp_path))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{", b'{"a": 1}', b'{"thresholds": []}', b"[" * 2_000_000])
def test_files_that_hold_no_budget_are_refused(tmp_path, content):
    path = tmp_path / "mine"
    path.write_bytes(content)

    with pytest.raises(UnreadableBudget):
        budgets_named(str(path))


def read(tmp_path, document):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(document), "utf-8")
    profiles = budgets_named(str(path))
    return {(each.text_class, line.told): line for each in profiles for line in each.lines}


def test_thresholds_of_an_alert_file_are_limits_and_what_has_no_meaning_here_is_kept(tmp_path):
    thresholds = [
        {"metric": "ttfa_ms", "warning_threshold": 50.0, "critical_threshold": 100.0, "window_size": 5},
        {"metric": "api_latency_ms", "warning_threshold": 100.0, "critical_threshold": 200.0},
        {"metric": "error_rate", "warning_threshold": 0.02, "critical_threshold": 0.05},
        {"metric": "memory_mb", "warning_threshold": 800, "critical_threshold": 1200},
        {"metric": "rtf", "warning_threshold": float("inf"), "critical_threshold": None},
        "nothing",
    ]
    lines = read(tmp_path, {"thresholds": thresholds})

    assert lines["", "ttfa_ms"].budget.fails_at == 100
    assert lines["", "error_rate"].of == ""
    assert lines["", "api_latency_ms"].metrics == ("api_latency_ms",)
    assert len(lines) == 4


def test_the_budget_within_a_result_is_one(tmp_path):
    budget = {"ttfa_streaming_ms": 500, "api_p95_ms": 1000, "memory_limit_mb": 500, "lufs_target": -16}
    lines = read(tmp_path, {"timestamp": 1.0, "budget": budget, "results": []})

    assert lines["", "ttfa_streaming_ms"].metrics == ("ttfa_ms",)
    assert {told for _, told in lines} == set(budget)


def test_gates_and_baselines_of_other_tools_are_by_the_class_of_the_text():
    gates = budgets_named(str(sample("kokoro_bench/expected_bands.json")))
    baselines = budgets_named(str(sample("kokoro_bench/baselines.json")))
    by_class = {each.text_class: [line.budget.target for line in each.lines] for each in baselines if each.text_class}

    assert [(each.text_class, each.chars) for each in gates][:2] == [("short", (1, 140)), ("long", (1000, 1_000_000))]
    assert by_class == {"short": [500, 0.3], "medium": [800, 0.45], "long": [1200, 0.6]}
