"""Tables of counts, and many tests at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.analysis.statistics.contingency import fisher
from voxtrace.analysis.statistics.families import holm

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60))
TESTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: (max(pair), min(pair))), max_size=30)


@given(COUNTS, COUNTS)
def test_a_table_says_the_same_from_every_side(one, other):
    test, turned = fisher(one, other), fisher(other, one)
    mirrored = fisher((one[1], one[0]), (other[1], other[0]))

    assert (test is None) == (turned is None) == (mirrored is None)
    if test is not None:
        assert test.p == pytest.approx(turned.p) == pytest.approx(mirrored.p)
        assert 0 < test.least_p <= test.p * (1 + 1e-9) <= 1 + 1e-9


def test_without_two_kinds_in_two_groups_there_is_nothing_to_test():
    assert fisher((0, 0), (3, 4)) is None
    assert fisher((3, 0), (4, 0)) is None


def test_a_hundred_thousand_turns_are_counted_exactly():
    # As scipy gives it: no approximation, and no factorial that overflows.
    assert fisher((120, 880), (900, 9100)).p == pytest.approx(0.002416073267780832, rel=1e-9)
    assert fisher((60_000, 40_000), (1, 99)).p < 1e-30


def test_corrected_by_holm_the_smallest_is_multiplied_by_all_and_the_order_stays():
    assert holm([(0.01, 0), (0.04, 0), (0.03, 0)]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_test_that_could_not_have_found_anything_costs_the_others_nothing():
    assert holm([(0.02, 0.0), (1.0, 0.4), (1.0, 0.3)]) == [0.02, None, None]


def test_of_few_samples_no_test_is_able():
    assert holm([(0.1, 0.1), (0.2, 0.08)]) == [None, None]


@given(TESTS)
def test_a_correction_never_makes_a_p_smaller_nor_turns_the_order(tests):
    corrected = holm(tests)
    known = sorted((p, found) for (p, _), found in zip(tests, corrected, strict=True) if found is not None)

    assert all(found >= p for p, found in known)
    assert [found for _, found in known] == sorted(found for _, found in known)
