"""A turn replayed with single steps shorter, gone, or no longer waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.analysis.beside import Overlap, side_by_side
from voxtrace.analysis.graph import Step, replay
from voxtrace.analysis.supposition import Supposition, gone, own_at_most, own_time, rerun

MS = 1_000_000
LEAVES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 500), st.integers(1, 300)), min_size=1, max_size=12)


def steps_from(drawn):
    return sorted(
        (Step(name, begin, begin + took) for name, begin, took in drawn), key=lambda each: (each.begin, -each.end)
    )


@given(LEAVES)
def test_nothing_supposed_moves_nothing(drawn):
    steps = steps_from(drawn)
    total = max(step.end for step in steps)
    moved = rerun(steps, Supposition(), total, total)

    assert (moved.sound, moved.total) == (total, total)
    assert moved.ends == [step.end for step in steps]


@given(LEAVES, st.sampled_from("abc"))
def test_steps_that_are_gone_move_the_end_as_a_dropped_name_does(drawn, name):
    steps = steps_from(drawn)
    total = max(step.end for step in steps)
    places = [place for place, step in enumerate(steps) if step.name == name]
    dropped = replay(steps, {name: lambda took: 0.0}, [total]).moments[0]

    assert rerun(steps, Supposition(dict.fromkeys(places, gone)), total, total).total == pytest.approx(dropped)


@given(LEAVES, st.sampled_from("abc"), st.sampled_from("abc"), st.booleans())
def test_what_is_begun_sooner_never_ends_later(drawn, first, second, is_freed):
    steps = steps_from(drawn)
    total = max(step.end for step in steps)
    supposed = side_by_side(steps, Overlap(first, second, "", "certain", is_freed)) if first != second else None
    moved = rerun(steps, supposed or Supposition(), total, total)

    assert moved.total <= total + 1e-6
    assert moved.sound <= total + 1e-6


def test_a_shorter_step_keeps_the_length_of_the_call_in_it():
    steps = [Step("synthesis", 0, 1_000), Step("metadata call", 600, 900, 0)]
    supposed = Supposition({0: own_at_most(steps, 0, 350)})

    assert own_time(steps, 0) == 700
    assert rerun(steps, supposed, 1_000, 1_000).ends == [650, 600]


def test_a_step_that_is_gone_takes_along_what_it_contains():
    steps = [Step("a", 0, 100), Step("synthesis", 100, 1_100), Step("metadata call", 700, 1_000, 1)]

    assert rerun(steps, Supposition({1: gone}), 1_150, 1_150).sound == 150
