"""A turn whose own messages tell nothing of its clocks is placed by those of turns near it, whatever came first."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analysis.conversations import BRAIN, EAR, EVERY_NS, MOUTH, STORY, Conversation, HostClock
from tests.collector.test_measure import derived
from voxtrace.analysis import assemble
from voxtrace.cli.main import main
from voxtrace.collector.measure import measure, recompute
from voxtrace.collector.measure_apart import measure_apart
from voxtrace.events.gaps import REACH_NS
from voxtrace.store import Retention, open_store
from voxtrace.testing.turns import STARTED_NS
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

AHEAD_NS = {EAR: 0, BRAIN: 1_284_000_000, MOUTH: -1_900_000_000}
NAMES = [name for name, _, _ in STORY]
MIDDLE_NS = 500 * NANOS_PER_MILLI


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()


def talk(seed=1, *, drift_ppm=0.0, steps=(), **options):
    clocks = {
        host: HostClock(offset, drift_ppm if host == BRAIN else 0.0, 10**15 + offset * 7, list(steps))
        for host, offset in AHEAD_NS.items()
    }
    clocks[EAR].steps = []
    return Conversation(clocks, random.Random(seed), **options)


def told_turn(store, number):
    request_id = f"turn-{number * 10}"
    return assemble(request_id, store.events_of([request_id])[request_id], store.samples_near)


def view_of(turn, host):
    return next(view for view in turn.clocks if view.name.startswith(host))


def test_a_turn_without_samples_is_placed_by_those_of_a_turn_twenty_seconds_before(store):
    told = talk()
    store.append(told.turn(0) + told.turn(2 * EVERY_NS, samples=0))
    measure(store)
    turn, own = told_turn(store, 2), view_of(told_turn(store, 0), BRAIN)
    brain = view_of(turn, BRAIN)

    assert [mark.name for mark in turn.marks] == NAMES
    assert (brain.method, own.away) == ("four timestamps", None)
    assert 18 * NANOS_PER_SECOND < brain.away < 20 * NANOS_PER_SECOND
    assert brain.low <= AHEAD_NS[BRAIN] <= brain.high
    # 100 ppm of what lies between; the turn's own order of cause and effect may leave less.
    assert own.uncertainty < brain.uncertainty <= own.uncertainty + 22 * 100_000 + NANOS_PER_MILLI
    assert "of other turns, 19." in turn.clock_note
    assert turn.clocks_compared


def test_a_turn_is_stale_once_somebody_tells_of_its_clocks(store):
    told = talk()
    store.append(told.turn(2 * EVERY_NS, samples=0))
    measure(store)
    before = derived(store)["turn-20"]
    store.append(told.turn(0))

    assert measure(store) == ["turn-0", "turn-20"]
    assert measure(store) == []
    assert derived(store)["turn-20"] != before


def test_turns_with_samples_of_their_own_ask_nobody_and_stay_fresh(store):
    told = talk()
    for number in range(4):
        store.append(told.turn(number * EVERY_NS))

        assert measure(store) == [f"turn-{number * 10}"]


def test_samples_out_of_reach_serve_nobody(store):
    told = talk()
    late = REACH_NS // EVERY_NS + 1
    store.append(told.turn(0) + told.turn(late * EVERY_NS, samples=0))
    measure(store)

    assert view_of(told_turn(store, late), BRAIN).method == "causality"


def test_a_step_between_the_samples_leaves_the_turn_as_uncertain_as_the_step_is_long(store):
    step = 400 * NANOS_PER_MILLI
    told = talk(has_mono=False, steps=[(int(2.5 * EVERY_NS), step)], asks=((EAR, BRAIN), (EAR, MOUTH)))
    spoken = {number: told.turn(number * EVERY_NS, samples=0 if number in (2, 3, 5) else 2) for number in range(8)}
    store.append([event for turn in spoken.values() for event in turn])
    measure(store)

    for number in spoken:
        # From each side of the step: the middle is known to nobody, and both offsets are allowed.
        brain = view_of(told_turn(store, number), BRAIN)
        truth = AHEAD_NS[BRAIN] + (step if number > 2 else 0)
        assert brain.low <= truth <= brain.high
        if number in (0, 1, 4, 5, 6, 7):
            assert brain.uncertainty < 20 * NANOS_PER_MILLI


def test_wall_clocks_need_samples_on_both_sides_because_they_may_be_set(store):
    told = talk(has_mono=False, asks=((EAR, BRAIN), (EAR, MOUTH)))
    store.append(told.turn(0) + told.turn(EVERY_NS, samples=0))
    measure(store)
    alone = view_of(told_turn(store, 1), BRAIN).method
    store.append(told.turn(2 * EVERY_NS))
    measure(store)

    assert (alone, view_of(told_turn(store, 1), BRAIN).method) == ("causality", "four timestamps")


def test_samples_that_contradict_cause_and_effect_are_not_believed(store):
    told = talk()
    store.append(told.turn(0))
    told.clocks[BRAIN].booted_ns += 3 * NANOS_PER_SECOND  # as after a machine was asleep
    store.append(told.turn(EVERY_NS, samples=0))
    measure(store)
    turn = told_turn(store, 1)
    names = [mark.name for mark in turn.marks]

    assert names.index("stt_http_request_start") < names.index("v34_webhook_received")
    assert view_of(turn, BRAIN).method == "causality"
    assert "a clock may have been set between" in turn.clock_note


def test_drift_is_known_from_the_turns_around(store):
    told = talk(drift_ppm=40, jitter_ms=(0.01, 0.01), shortest_ms=0.05)
    store.append([event for number in range(16) for event in told.turn(number * EVERY_NS, 0 if number == 8 else 1)])
    measure(store)
    turn = told_turn(store, 8)
    brain = view_of(turn, BRAIN)
    truth = told.clocks[BRAIN].wall(8 * EVERY_NS + MIDDLE_NS) - told.clocks[EAR].wall(8 * EVERY_NS + MIDDLE_NS)

    assert abs(brain.drift_ppm) == pytest.approx(40, abs=5)
    assert brain.low <= truth <= brain.high


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_in_whatever_order_events_come_and_turns_are_measured_the_numbers_are_the_same(tmp_path_factory, chance):
    folder = tmp_path_factory.mktemp("order")
    told = talk(chance.randrange(100))
    events = [e for n in range(12) for e in told.turn(n * EVERY_NS, samples=chance.choice((0, 0, 1, 2)))]
    at_once, by_pieces = open_store(folder / "at_once"), open_store(folder / "by_pieces")
    at_once.append(events)
    measure(at_once)
    shuffled = chance.sample(events, len(events))
    while shuffled:
        piece = chance.randint(1, 60)
        by_pieces.append(shuffled[:piece])
        del shuffled[:piece]
        measure(by_pieces, limit=chance.randint(0, 4))
    measure(by_pieces)
    expected, found = derived(at_once), derived(by_pieces)
    recompute(by_pieces)
    again = derived(by_pieces)
    at_once.close()
    by_pieces.close()

    assert found == expected
    assert again == expected


def test_what_is_forgotten_serves_nobody_any_more_and_numbers_are_as_if_it_had_never_been(store):
    told = talk()
    store.append(told.turn(0) + told.turn(2 * EVERY_NS, samples=0) + told.turn(3 * EVERY_NS, samples=0))
    measure(store)
    pruned = store.prune(Retention(older_than_wall_ns=STARTED_NS + EVERY_NS))

    assert (pruned.requests, pruned.unmeasured) == (1, 0)
    assert sorted(measure(store)) == ["turn-20", "turn-30"]
    assert view_of(told_turn(store, 2), BRAIN).method == "causality"

    measured = derived(store)
    recompute(store)
    assert derived(store) == measured


def test_a_turn_that_waits_to_be_measured_again_was_measured(store):
    told = talk()
    store.append(told.turn(0, samples=0))
    measure(store)
    store.append(told.turn(EVERY_NS))
    measure(store, limit=1)

    pruned = store.prune(Retention(older_than_wall_ns=STARTED_NS + 100 * EVERY_NS))

    assert (pruned.requests, pruned.unmeasured) == (2, 0)


@pytest.mark.parametrize("mono_ns", [2**63 - 1, -(2**63)])
def test_clocks_that_nobody_has_are_no_reason_to_fail(store, mono_ns):
    told = talk()
    odd = [
        event._replace(mono_ns=mono_ns - (1 if mono_ns > 0 else -1) * number, event_id=f"odd-{number}")
        for number, event in enumerate(told.turn(EVERY_NS))
    ]
    store.append(told.turn(0, samples=0) + odd)

    assert sorted(measure(store)) == ["turn-0", "turn-10"]
    assert measure(store) == []


def test_a_turn_is_shown_the_same_before_and_after_everything_is_measured(tmp_path, capsys):
    told = talk()
    opened = open_store(tmp_path)
    opened.append(told.turn(0) + told.turn(2 * EVERY_NS, samples=0))

    def shown():
        assert main(["show", "turn-20", "--json", "--data", str(tmp_path)]) == 0
        return json.loads(capsys.readouterr().out)

    before = shown()
    measure(opened)
    opened.close()

    assert before == shown()
    assert {clock["samples_away_ms"] is None for clock in before["clocks"][1:]} == {False}


@pytest.mark.slow
def test_several_processes_find_what_one_finds(tmp_path):
    chance = random.Random(5)
    alone, apart = (open_store(tmp_path / name) for name in ("alone", "apart"))
    told = talk()
    events = [e for n in range(700) for e in told.turn(n * EVERY_NS, samples=chance.choice((0, 0, 1)))]
    alone.append(events)
    apart.append(events)
    measure(alone)
    measure_apart(apart, tmp_path / "apart")
    same, stale = derived(alone) == derived(apart), apart.stale(1)
    alone.close()
    apart.close()

    assert (same, stale) == (True, [])
