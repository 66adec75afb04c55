"""Equal times: replay or chance."""

import random

from voxtrace.analysis.repeats import repeated


def test_a_constant_is_found_whatever_its_number():
    assert repeated([5500] * 4) == {5500}
    assert repeated([5500] * 1000 + [5501, 5800]) == {5500}


def test_a_replay_among_honest_times_is_found():
    chance = random.Random(1)
    honest = [round(chance.lognormvariate(7, 0.3)) for _ in range(200)]

    assert repeated(honest + [1234] * 12) == {1234}


def test_three_equal_times_may_be_chance():
    assert repeated([5500, 5500, 5500, 5800, 7100]) == frozenset()


def test_thousands_of_honest_times_within_a_millisecond_are_not_accused():
    chance = random.Random(2)
    accused = sum(bool(repeated([round(chance.gauss(1500, 150)) for _ in range(5000)])) for _ in range(20))

    assert accused <= 1


def test_times_that_a_tool_rounded_are_equal_without_being_replays():
    assert repeated([4000, 5000, 6000] * 13) == frozenset()
    assert repeated([5500] * 20 + [6000] * 5) == {5500}
