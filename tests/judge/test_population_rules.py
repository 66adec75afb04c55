"""Rules that only a whole population can break: cold engines, cache misses, a KV cache that nobody uses."""

import pytest
from msgspec.structs import replace

from tests.judge.test_recommendations import found, step
from voxtrace.analysis import assemble
from voxtrace.analysis.cases import case_of
from voxtrace.testing.turns import client_events, server_events


def request(n, inference, **labels):
    at = 10 + inference
    events = client_events(request_id=f"r{n}", first_byte=at, chunks=[(at, 600)])
    case = case_of(assemble(f"r{n}", events + server_events(request_id=f"r{n}", inference=inference)))
    return replace(case, population=" ".join(labels.values()), **labels)


def test_a_cold_engine_gains_what_a_warm_one_would_have_spared():
    warm = [request(n, 50, start="warm", cache="miss") for n in range(9)]
    finding = found([*warm, request(99, 450, start="cold", cache="miss")], "cold_start", "inference")

    assert finding.gain.mean == pytest.approx(400, abs=1)


def test_without_any_warm_request_nobody_knows_what_cold_costs():
    assert found([request(1, 450, start="cold", cache="miss")], "cold_start").standing == "unknown"


def test_a_cache_that_is_hardly_hit_gains_the_engines_work_where_it_would_be():
    misses = [request(n, 100, cache="miss") for n in range(30)]
    finding = found(misses, "cache_misses")

    assert (finding.standing, finding.confidence.level) == ("helps", "low")
    assert finding.gain.mean == pytest.approx(101, abs=2)


def test_requests_that_do_not_say_whether_they_were_cached_are_unknown():
    assert found([request(1, 100, cache="unknown")], "cache_misses").standing == "unknown"


@pytest.mark.parametrize(("later", "standing"), [(2_000, "open"), (500, "kept")])
def test_later_turns_as_slow_as_the_first_point_at_the_kv_cache(later, standing):
    cases = []
    for session in range(8):
        for place in range(4):
            took = (later if place else 2_000) + session
            case = step("v34_ollama_sent", "v34_ollama_received", took, name=f"r{session}-{place}")
            cases.append(replace(case, session=f"s{session}", started=place))

    assert found(cases, "kv_cache_not_reused").standing == standing
