"""Columns say the same of many turns as the turns themselves."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from tests.analysis.test_plausibility import bench
from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.columns import columns_of, taken
from voxtrace.analysis.model import Metric
from voxtrace.analysis.plausibility import check_population
from voxtrace.analysis.quantiles import NEAREST_RANK, distribution
from voxtrace.analysis.record import is_current, pack
from voxtrace.analysis.samples import EXACT_UP_TO, Samples
from voxtrace.analysis.statistics.sketch import METHOD
from voxtrace.analysis.steadiness import steadiness
from voxtrace.analysis.summary import metric_distribution, population_of
from voxtrace.analysis.summing import Summing
from voxtrace.testing.turns import STARTED_NS, client_events, event, server_events


def any_turn(number, chance):
    """A request or a turn, whole or torn."""
    kind, name = chance.randrange(4), f"r{number}"
    if kind == 0:
        events = [event("speech_end", 0), event("chunk_tts_start", 30, chunk=0), event("chunk_tts_end", 90, chunk=0)]
        return assemble(name, [each._replace(request_id=name) for each in events][: chance.randint(1, 3)])
    outcome = chance.choice(["ok", "ok", "error", "cancelled", "interrupted"])
    first = chance.choice([120.0, 120.0, 100 + chance.random() * 50])
    if chance.random() < 0.4:
        return any_measurement(name, chance)
    events = client_events(request_id=name, first_byte=first, outcome=outcome, chunks=[(first, 60), (first + 90, 10)])
    if kind > 1:
        events += server_events(request_id=name, cache=chance.choice(["hit", "miss"]))
    return assemble(name, [each for each in events if chance.random() > 0.05] or events)


def any_measurement(name, chance):
    """A request as another tool measured it, in a run with others: fast, slow, equal, out of a cache, or unmeasured."""
    labels = {
        "source": chance.choice(["bench", "load", "probe", "real"]),
        "mode": chance.choice(["", "", "fast"]),
        "hedged": chance.choice(["", "", "espeak-ng"]),
    }
    ratio = chance.choice([None, 40.0, 600.0])
    turn = bench(
        chance.choice([5.5, 5.0 + chance.random(), 900.0, 3732.0]),
        chance.randrange(5),
        name=f"{name}-",
        run=chance.choice(["one", "two", ""]),
        ratio=ratio,
        total=ratio and 50.0,
    )
    turn = replace(turn, labels=structs.replace(turn.labels, **labels))
    if chance.random() < 0.2:
        bound = chance.choice([Metric(700.0, bound="lower"), Metric(missing="not known"), Metric(650.0)])
        turn = replace(turn, metrics={**turn.metrics, "voice_to_voice_ms": bound})
    return turn


@given(st.integers(0, 10**6), st.sampled_from([0, 3, 20, 40, 200]), st.booleans())
def test_a_summary_over_columns_is_that_over_the_turns_themselves(seed, count, is_early):
    chance = Random(seed)
    turns = [any_turn(number, chance) for number in range(count)]
    now = STARTED_NS - 10**12 if is_early else None
    summary, checked = summarize(turns, now), check_population(turns, now)
    rules = Counter(rule for turn in checked for rule in {finding.rule for finding in turn.findings})

    assert dict(summary.findings) == rules
    assert summary.outcomes == Counter(turn.labels.outcome for turn in turns)
    for group in summary.groups:
        members = [turn for turn in checked if population_of(turn) == group.population]
        assert group.turns == len(members)
        for name, of in group.metrics.items():
            told = metric_distribution(members, name)
            assert (dict(of.missing), dict(of.rejected)) == (dict(told.missing), dict(told.rejected))
            assert (of.measured, of.p50, of.largest, of.bound) == (told.measured, told.p50, told.largest, told.bound)
        assert group.steadiness == steadiness(members)
        assert dict(group.slowest) == Counter(turn.slowest.name for turn in members if turn.slowest)


@given(st.integers(0, 10**6), st.integers(1, 30))
def test_pages_in_any_order_and_of_any_size_sum_up_to_the_same(seed, size):
    chance = Random(seed)
    turns = [any_turn(number, chance) for number in range(30)]
    by_page = Summing()
    for first in reversed(range(0, len(turns), size)):
        by_page.add(columns_of(turns[first : first + size]))
    pages, whole = by_page.summary(), summarize(turns)

    assert numbers_of(pages) == numbers_of(whole)


def numbers_of(summary):
    """What does not depend on the order in which numbers were added up."""
    return [
        (
            group.population,
            group.turns,
            {name: (of.p50, dict(of.missing), dict(of.rejected)) for name, of in group.metrics.items()},
            [(part.name, round(part.share, 9)) for part in group.parts],
        )
        for group in summary.groups
    ]


def test_above_a_hundred_thousand_samples_a_sketch_says_the_same_to_one_percent():
    values = np.random.default_rng(2).lognormal(5, 1, EXACT_UP_TO + 50_000)
    samples = Samples()
    for page in np.array_split(values, 30):
        samples.add(page)
    many, exact = samples.distribution(len(values)), distribution(values.tolist(), len(values))

    assert (many.method, exact.method) == (METHOD, NEAREST_RANK)
    assert (many.p50, many.p95, many.p99) == pytest.approx((exact.p50, exact.p95, exact.p99), rel=0.0101)
    assert (many.smallest, many.largest) == (exact.smallest, exact.largest)
    assert many.intervals["p95"].low <= exact.intervals["p95"].low
    assert many.intervals["p95"].high >= exact.intervals["p95"].high


def test_every_metric_of_a_turn_is_a_column_however_many_it_has():
    turn = assemble("r1", [*client_events(), *server_events()])

    assert len(",".join(turn.metrics)) > 300
    assert list(columns_of([turn]).metrics) == list(turn.metrics)


def test_a_label_picks_rows_and_says_its_text():
    columns = columns_of([assemble("a", client_events(request_id="a")), assemble("b", server_events(request_id="b"))])

    assert columns.words_of("engine") == ["", "espeak-ng"]
    assert columns.with_label("engine", ["espeak-ng"]).tolist() == [False, True]
    assert columns.with_label("engine", ["nobody"]).tolist() == [False, False]


def test_flags_and_labels_of_any_event_are_carried_by_the_turn():
    turn = assemble(
        "r1",
        [
            event("stt_end", 0, labels={"prompt": "v2", "odd;=": 1, "nested": {}}),
            event("ollama_start", 5, **{"flag.fast": True, "label.prompt": "later", "model": "small"}),
        ],
    )

    assert turn.labels.tags == "fast=true;odd,:=1;prompt=v2"
    assert turn.labels.model == "small"


def test_a_record_of_other_definitions_is_told_from_one_of_todays():
    numbers = pack(assemble("r1", client_events())).numbers

    assert is_current(numbers)
    assert not is_current(b"\0" * 8 + numbers[8:])


@given(st.integers(0, 2**32), st.lists(st.booleans(), min_size=12, max_size=12))
def test_some_rows_of_a_page_are_summed_up_as_those_turns_alone(seed, wanted):
    chance = Random(seed)
    turns = [any_turn(number, chance) for number in range(len(wanted))]
    some = [turn for turn, is_wanted in zip(turns, wanted, strict=True) if is_wanted]
    summing = Summing()
    summing.add(taken(columns_of(turns), np.array(wanted)))

    assert numbers_of(summing.summary()) == numbers_of(summarize(some))


def test_the_class_of_a_text_is_a_label_and_other_presets_are_none():
    def tags(**facts):
        return assemble("r1", [event("REQUEST_START", 0, "client", **facts)]).labels.tags

    assert tags(text_class="complex") == "text_class=complex"
    assert tags(preset="short") == "text_class=short"
    assert tags(preset="nightly-12") == ""
