"""How far one clock is ahead of another, and a turn over several of them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.conversations import BRAIN, EAR, EVERY_NS, MOUTH, STORY, Conversation, HostClock
from voxtrace.analysis import assemble
from voxtrace.analysis.clocks import Differences, Offset, Sample, offset_over, sample
from voxtrace.analysis.messages import CAUSES
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

LATER_NS = STORY[-1][2] * NANOS_PER_MILLI


def three_hosts(seed, **options):
    chance = random.Random(seed)
    clocks = {
        host: HostClock(
            chance.randint(-2 * NANOS_PER_SECOND, 2 * NANOS_PER_SECOND),
            chance.uniform(-50, 50) if seed % 2 else 0.0,
            chance.randint(0, 10**15),
        )
        for host in (EAR, BRAIN, MOUTH)
    }
    return Conversation(clocks, chance, **options)


def view_of(turn, host):
    return next(view for view in turn.clocks if view.name.startswith(host))


def true_offset(told, turn_ns, host):
    at = turn_ns + round(LATER_NS / 2)
    return told.clocks[host].wall(at) - told.clocks[EAR].wall(at)


# ---- a conversation of thirty turns over three hosts


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("has_mono", [True, False])
def test_thirty_turns_over_three_hosts_are_told_in_the_order_in_which_they_happened(seed, has_mono):
    told = three_hosts(seed, has_mono=has_mono)
    turns = [assemble("t", told.turn(number * EVERY_NS)) for number in range(30)]

    assert {tuple(mark.name for mark in turn.marks) for turn in turns} == {tuple(name for name, _, _ in STORY)}


@pytest.mark.parametrize("seed", range(8))
def test_every_offset_lies_within_its_stated_uncertainty(seed):
    told = three_hosts(seed)
    for number in range(30):
        turn = assemble("t", told.turn(number * EVERY_NS))
        for host in (BRAIN, MOUTH):
            view = view_of(turn, host)

            # Where the truth moves while the turn lasts, the middle of it stands for it.
            assert view.low <= true_offset(told, number * EVERY_NS, host) <= view.high
            assert view.uncertainty < 20 * NANOS_PER_MILLI


def test_durations_of_one_clock_are_those_of_a_world_with_one_clock():
    told = three_hosts(4)
    alone = Conversation({host: HostClock() for host in (EAR, BRAIN, MOUTH)}, random.Random(1))
    for number in range(30):
        turn, plain = (assemble("t", each.turn(number * EVERY_NS)) for each in (told, alone))
        within = ("llm_first_token_ms", "llm_total_ms", "voice_to_voice_ms", "stt_ms")

        assert [turn.metrics[name] for name in within if name in turn.metrics] == [
            plain.metrics[name] for name in within if name in plain.metrics
        ]


def test_a_number_over_two_clocks_carries_its_uncertainty_and_is_right_within_it():
    turn = assemble("t", three_hosts(2).turn(0))
    (span,) = [span for span in turn.spans if span.name == "hand-over to backend" and span.uncertainty]

    assert abs((span.end - span.begin) - 13 * NANOS_PER_MILLI) <= span.uncertainty


def test_a_clock_that_was_never_asked_itself_is_reached_by_way_of_another():
    mouth = view_of(assemble("t", three_hosts(2).turn(0)), MOUTH)

    assert (mouth.method, mouth.via, mouth.samples) == ("four timestamps", ("brain (agent)",), 2)


def test_raw_and_corrected_times_stand_side_by_side_and_differ_by_the_offset():
    turn = assemble("t", three_hosts(2).turn(0))

    assert {mark.clock: mark.at - mark.raw for mark in turn.marks} == {
        view.name: view.corrected for view in turn.clocks
    }


def test_without_any_sample_the_order_comes_from_causality_and_that_is_said():
    told = three_hosts(3, asks=())
    turn = assemble("t", told.turn(0))

    stages = [mark.stage for mark in turn.marks]

    assert all(stages.index(cause) < stages.index(effect) for cause, effect in CAUSES if {cause, effect} <= {*stages})
    assert "order from causality" in turn.clock_note
    assert any(finding.rule == "order_from_causality" for finding in turn.findings)
    assert all(
        not view.uncertainty or view.low <= true_offset(told, 0, view.name.split()[0]) <= view.high
        for view in turn.clocks
    )


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_events_and_samples_come_does_not_matter(chance):
    told = three_hosts(5)
    events = told.turn(0)
    expected = assemble("t", events)
    chance.shuffle(events)

    assert assemble("t", events) == expected


# ---- samples of one pair of clocks


def exchanged(chance, at, offset, there_ms=1.0, back_ms=1.0):
    """The sample of a request and its answer between "a" and "b", which is `offset(t)` ahead of "a"."""
    there, back = (round((0.2 + chance.expovariate(1 / mean)) * NANOS_PER_MILLI) for mean in (there_ms, back_ms))
    answered = at + there
    return sample("a", "b", at, round(offset(answered)) - back, answered - at + round(offset(at + there)))


@given(
    seed=st.integers(0, 2**32),
    offset=st.integers(-2 * NANOS_PER_SECOND, 2 * NANOS_PER_SECOND),
    ppm=st.floats(-50, 50),
    step=st.sampled_from([0, 0, 800 * NANOS_PER_MILLI, -1500 * NANOS_PER_MILLI]),
    there_ms=st.sampled_from([0.05, 1.0, 12.0]),
)
def test_the_offset_lies_within_its_bounds_with_drift_steps_and_lopsided_round_trips(seed, offset, ppm, step, there_ms):
    chance = random.Random(seed)

    def truth(at):
        return offset + at * ppm / 1e6 + (step if at > 155 * NANOS_PER_SECOND else 0)

    samples = [exchanged(chance, number * EVERY_NS, truth, there_ms) for number in range(30)]
    for number in range(30):
        begin, end = number * EVERY_NS, number * EVERY_NS + 3 * NANOS_PER_SECOND
        found = offset_over(samples, begin, end)

        assert found.low <= truth(begin) <= found.high
        assert found.low <= truth(end) <= found.high
        assert found.steps == bool(step)


def test_the_shortest_round_trip_decides_and_no_average_of_long_ones():
    slow = [Sample("a", "b", number, -60 * NANOS_PER_MILLI, 60 * NANOS_PER_MILLI) for number in range(50)]
    fast = Sample("a", "b", 7, 4 * NANOS_PER_MILLI, 5 * NANOS_PER_MILLI)
    found = offset_over([*slow, fast], 0, 50)

    assert found.middle == pytest.approx(4.5 * NANOS_PER_MILLI, abs=10)
    assert found.uncertainty == pytest.approx(0.5 * NANOS_PER_MILLI, abs=2_000)
    assert found.samples == 51


def test_uncertainty_grows_with_the_age_of_the_sample():
    known = [Sample("a", "b", 0, -500_000, 500_000)]
    now, later = offset_over(known, 0, 0), offset_over(known, 60 * NANOS_PER_SECOND, 60 * NANOS_PER_SECOND)

    assert later.uncertainty - now.uncertainty == 100 * 60 * 1000  # 100 ppm of a minute


def test_drift_is_told_once_samples_cover_long_enough():
    chance = random.Random(3)
    samples = [exchanged(chance, number * EVERY_NS, lambda at: at * 40 / 1e6, 0.01, 0.01) for number in range(12)]

    assert offset_over(samples[:5], 0, 10).drift_ppm is None
    assert offset_over(samples, 0, 10).drift_ppm == pytest.approx(40, abs=2)


def test_a_turn_beside_a_step_is_as_uncertain_as_the_step_is_long():
    before = [Sample("a", "b", at, -1000, 1000) for at in (0, EVERY_NS)]
    after = [Sample("a", "b", at, 999_999_000, 1_000_001_000) for at in (5 * EVERY_NS, 6 * EVERY_NS)]
    early, between, late = (offset_over(before + after, at, at) for at in (0, 3 * EVERY_NS, 6 * EVERY_NS))

    assert early.high < 10_000
    assert between.low < 0 < 999_000_000 < between.high
    assert late.low > 999_000_000


def test_a_round_trip_of_less_than_nothing_is_no_sample():
    assert offset_over([Sample("a", "b", 0, 5, 4)], 0, 0) is None


# ---- many clocks


def test_what_holds_by_way_of_another_clock_narrows_what_was_measured():
    known = Differences("abc")
    known.add("a", "b", 10, 12)
    known.add("b", "c", 5, 6)
    known.add("a", "c", 0, 100)

    assert known.between("a", "c") == (15, 18)
    assert known.between("c", "a") == (-18, -15)


def test_a_contradiction_is_refused_and_changes_nothing():
    known = Differences("ab")

    assert known.add("a", "b", 10, 12)
    assert not known.add("a", "b", 20, 22)
    assert known.between("a", "b") == (10, 12)


def test_an_event_storm_of_clocks_is_not_compared_all_with_all():
    (first, *_) = three_hosts(1).turn(0)
    storm = [replace_clock(first, f"host-{number}/1.a/boot-{number}", number) for number in range(2_000)]
    turn = assemble("t", storm)

    assert "1968 more clocks are not compared" in turn.clock_note
    assert not turn.clocks_compared


def replace_clock(event, clock, number):
    return event._replace(clock=clock, event_id=str(number))


def test_half_of_what_is_open_is_the_uncertainty_rounded_up():
    assert (Offset(0, 3).middle, Offset(0, 3).uncertainty) == (1, 2)
