"""Turns are derived when they are complete or quiet, and again whenever their events change."""

from __future__ import annotations

import json

import pytest

from tests.store.build import NOON_NS, event, turn
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.analysis.derived import from_json
from voxtrace.collector.measure import TURNS_PER_STEP, measure, recompute
from voxtrace.store import RequestQuery, open_store
from voxtrace.testing import ManualClock


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path, clock=ManualClock())
    yield opened
    opened.close()


def speech(request_id: str, first_seq: int = 0, length_ms: int = 40):
    """A request of which the server saw the beginning and the end."""
    return [
        event(first_seq, request_id, name="REQUEST_RECEIVED", metadata={"text_chars": 12, "voice": "en"}),
        event(first_seq + length_ms, request_id, name="REQUEST_COMPLETE", metadata={"outcome": "ok"}),
    ]


def derived(store):
    return {row.request_id: row.derived for row in store.recent(RequestQuery(limit=1000))}


def test_every_stale_turn_is_derived_once(store):
    store.append(speech("a") + speech("b", 100))

    assert sorted(measure(store)) == ["a", "b"]
    assert measure(store) == []
    assert from_json(derived(store)["a"]).total == 40_000_000


def test_more_turns_than_one_step_takes_are_all_derived(store):
    store.append([each for n in range(TURNS_PER_STEP + 5) for each in speech(f"r{n}", 100 * n)])

    assert len(measure(store)) == TURNS_PER_STEP + 5
    assert store.stale(1) == []


def test_a_limit_leaves_the_rest_for_later(store):
    store.append([each for n in range(5) for each in speech(f"r{n}", 100 * n)])

    assert len(measure(store, 3)) == 3
    assert len(store.stale(10)) == 2


def test_turns_to_which_events_were_just_added_can_be_left_out(store):
    store.append(speech("a"))

    assert measure(store, touched_before_wall_ns=NOON_NS) == []
    assert measure(store, touched_before_wall_ns=NOON_NS + 1) == ["a"]


def test_a_late_event_changes_what_was_derived(store):
    late = event(90, "a", name="playback.completed", service="player")
    store.append(speech("a"))
    measure(store)
    store.append([late])
    measure(store)

    assert from_json(derived(store)["a"]).total == 90_000_000


def test_late_events_in_any_order_end_in_the_same_numbers(store, tmp_path):
    other = open_store(tmp_path / "other")
    events = speech("a")
    for each in events[::-1]:
        store.append([each])
        measure(store)
    other.append(events)
    measure(other)
    same = derived(store) == derived(other)
    other.close()

    assert same


def test_recompute_gives_identical_rows_and_says_how_far_it_is(store):
    store.append([each for n in range(TURNS_PER_STEP + 1) for each in speech(f"r{n}", 100 * n)])
    measure(store)
    before = derived(store)

    steps: list[tuple[int, int]] = []
    recompute(store, lambda done, total: steps.append((done, total)))

    total = TURNS_PER_STEP + 1
    assert steps == [(0, total), (TURNS_PER_STEP, total), (total, total)]
    assert derived(store) == before


def test_an_id_that_many_requests_share_is_no_turn_and_is_not_tried_for_ever(store):
    store.append([event(n, "no-id") for n in range(MAX_EVENTS_OF_A_TURN + 1)])
    measure(store)

    (row,) = store.recent(RequestQuery())
    told = from_json(row.derived)

    assert [finding.rule for finding in told.findings] == ["too_many_events"]
    assert (told.metrics, told.parts) == ({}, ())
    assert store.stale(1) == []


def test_turns_of_older_definitions_are_stale(store):
    store.append(turn("a"))
    store.use_definitions(1)
    measure(store)
    assert store.use_definitions(1) == 0
    assert store.stale(1) == []

    assert store.use_definitions(2) == 1
    assert store.stale(1) == ["a"]


def test_the_derived_row_holds_no_events(store):
    store.append(speech("a"))
    measure(store)

    assert "events" not in json.loads(derived(store)["a"])
