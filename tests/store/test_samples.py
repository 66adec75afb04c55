"""What requests tell of clocks, for requests that tell nothing of them: kept, found, and taken back."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.build import NOON_NS, event
from voxtrace.events.gaps import LONGEST_NS, NEAREST, REACH_NS, Gap, concern, nearest
from voxtrace.store import Derived, Retention, open_store
from voxtrace.store.schema import MIGRATIONS, migrate

GAP = Gap("ear", "mouth", 1000, 1010)


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    opened.append([event(n, f"r{n}") for n in range(40)])
    yield opened
    opened.close()


def tell(store, request_id, *at, pair=("ear", "mouth")):
    store.put_derived([Derived(request_id, 1, "{}", clock_samples=tuple((*pair, each, -1, 1) for each in at))])


def ask(store, request_id, gap=GAP, found=None):
    answer = store.samples_near(gap) if found is None else found
    store.put_derived([Derived(request_id, 1, "{}", clock_gaps=((gap, answer),))])


def is_stale(store, request_id):
    return request_id in store.stale(100)


def times(found):
    return [at for at, _, _ in found]


def test_the_nearest_of_the_same_two_clocks_are_found_on_both_sides(store):
    tell(store, "r0", *range(900, 1100, 5))
    tell(store, "r1", 1001, pair=("ear", "eye"))

    # Up to its end and from its beginning; 1000 to 1010 serve as both.
    assert times(store.samples_near(GAP)) == [*range(975, 1036, 5)]
    assert store.samples_near(Gap("ear", "nose", 1000, 1010)) == []


def test_what_is_out_of_reach_is_not_found(store):
    tell(store, "r0", 999 - REACH_NS, 1000 - REACH_NS, 1010 + REACH_NS, 1011 + REACH_NS)

    assert times(store.samples_near(GAP)) == [1000 - REACH_NS, 1010 + REACH_NS]


def test_who_asked_is_stale_when_a_nearer_sample_comes_and_not_for_one_that_changes_nothing(store):
    tell(store, "r0", *(1010 + n for n in range(NEAREST)))
    ask(store, "r1")
    tell(store, "r2", 1010 + NEAREST)
    behind = is_stale(store, "r1")
    tell(store, "r3", 999)

    assert (behind, is_stale(store, "r1")) == (False, True)


def test_who_asked_is_stale_when_a_sample_that_served_it_is_told_no_more(store):
    tell(store, "r0", 990, 995)
    ask(store, "r1")
    tell(store, "r0", 990, 995)
    same = is_stale(store, "r1")
    tell(store, "r0", 990)

    assert (same, is_stale(store, "r1")) == (False, True)


def test_an_answer_that_is_no_longer_true_when_it_is_kept_leaves_its_request_stale(store):
    tell(store, "r0", 990)
    ask(store, "r1", found=[])
    outdated = is_stale(store, "r1")
    ask(store, "r1")

    assert (outdated, is_stale(store, "r1")) == (True, False)


def test_a_turn_that_tells_what_it_asked_before_is_not_stale_by_itself(store):
    ask(store, "r1")
    tell(store, "r1", 1000)

    assert not is_stale(store, "r1")


def test_the_longest_gap_is_told_too(store):
    ask(store, "r1", Gap("ear", "mouth", 0, LONGEST_NS))
    tell(store, "r0", LONGEST_NS + REACH_NS)

    assert is_stale(store, "r1")


def test_forgotten_requests_take_their_samples_with_them(store):
    tell(store, "r0", 990)
    ask(store, "r30")
    pruned = store.prune(Retention(older_than_wall_ns=NOON_NS + 1_000_000))

    assert (pruned.requests, store.samples_near(GAP), is_stale(store, "r30")) == (1, [], True)


def test_forgetting_what_was_derived_forgets_samples_and_makes_all_stale(store):
    for number in range(40):
        tell(store, f"r{number}", 990 + number)
    ask(store, "r1")
    tell(store, "r0", 1)
    store.forget_derived()

    assert (store.samples_near(GAP), len(store.stale(100))) == ([], 40)


def test_a_store_of_before_there_were_samples_is_opened_and_measured_again(tmp_path):
    path = tmp_path / "voxtrace.db"
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, path, MIGRATIONS[:2])
    old.execute("INSERT INTO requests VALUES (1, 'r1', NULL, 5, 6, 7, 3, 3)")
    old.close()
    for readonly in (True, False):
        store = open_store(tmp_path, readonly=readonly)
        found = store.stale(9), store.samples_near(GAP)
        store.close()

        assert found == (["r1"], [])
    assert (tmp_path / "voxtrace.db.schema2.backup").exists()


@given(
    known=st.sets(st.integers(0, 120).map(lambda at: (at, -1, 1))),
    new=st.integers(0, 120),
    begin=st.integers(20, 80),
    length=st.integers(0, 40),
)
def test_a_sample_outside_of_what_concerns_a_gap_changes_nothing(known, new, begin, length):
    gap = Gap("ear", "mouth", begin, begin + length)
    found = nearest(known, gap)
    low, high = concern(gap, found)

    assert low <= new <= high or nearest(known ^ {(new, -1, 1)}, gap) == found
