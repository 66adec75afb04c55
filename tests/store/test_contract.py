"""What every store promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.build import NOON_NS, SECOND_NS, event, turn
from voxtrace.events import NO_REQUEST, Event, Unreadable
from voxtrace.store import (
    Derived,
    Position,
    Rejected,
    RequestQuery,
    Retention,
    SessionCounts,
    SessionQuery,
    SessionRow,
    SqliteStore,
    open_store,
)
from voxtrace.testing import ManualClock

ADAPTERS: list[Callable[..., SqliteStore]] = [open_store]


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    opened = request.param(tmp_path)
    yield opened
    opened.close()


def rejected(reason: str = "json", position: int = 7, raw: bytes = b"{broken") -> Rejected:
    return Rejected(Unreadable(reason, "it is broken", raw), "a.jsonl", position)


def test_what_is_appended_is_read_back_unaltered(store):
    written = [
        event(0, metadata={"text_chars": 12, "nested": {"list": [1, 2.5, None, True, "ü😀"]}}),
        Event("r1", "stt", "said", NOON_NS + 1_000_000, "0123456789abcdef0123456789abcdef", session_id="s1"),
        event(2, event_id="a foreign id / ../ % \n \u202e", service="", name="STRANGE NAME"),
    ]

    store.append(written)

    assert store.events_of(["r1"]) == {"r1": written}


def test_events_come_back_in_order_of_time_however_they_arrived(store):
    events = turn("r1", 5)

    store.append(events[3:])
    store.append(events[:3][::-1])

    assert store.events_of(["r1"])["r1"] == events


def test_the_same_event_is_stored_once_within_a_batch_and_over_batches(store):
    first = store.append([event(0), event(0), event(1)])
    second = store.append([event(1), event(2)])

    assert (first.stored, first.duplicate) == (2, 1)
    assert (second.stored, second.duplicate) == (1, 1)
    assert len(store.events_of(["r1"])["r1"]) == 3


def test_threads_that_store_the_same_events_at_once_store_each_once(store):
    batches = [turn("r1", 40, first_seq=10 * n) for n in range(20)]

    with ThreadPoolExecutor(4) as threads:
        stored = sum(appended.stored for appended in threads.map(store.append, batches))

    (row,) = store.recent(RequestQuery())
    assert stored == row.event_count == len(store.events_of(["r1"])["r1"]) == 230
    assert store.accounts().unaccounted == 0


def test_the_first_body_of_an_event_id_is_the_one_that_stays(store):
    store.append([event(0, metadata={"first": True})])
    store.append([event(0, metadata={"first": False}, wall_ns=NOON_NS - SECOND_NS)])

    (row,) = store.recent(RequestQuery())

    assert store.events_of(["r1"])["r1"][0].metadata == {"first": True}
    assert (row.started_wall_ns, row.event_count) == (NOON_NS, 1)


def test_an_unknown_request_has_no_events_rather_than_an_empty_list(store):
    assert store.events_of(["nobody"]) == {}


def test_a_request_row_spans_its_events_and_counts_each_once(store):
    store.append(turn("r1", 3, first_seq=5))
    store.append([*turn("r1", 2, first_seq=3, session_id="s9"), event(5, "r1")])

    (row,) = store.recent(RequestQuery())

    assert (row.request_id, row.session_id, row.event_count) == ("r1", "s9", 5)
    assert (row.started_wall_ns, row.last_wall_ns) == (NOON_NS + 3_000_000, NOON_NS + 7_000_000)


def test_recent_requests_come_newest_first_and_page_by_page_without_hole_or_repeat(store):
    # All start in the same nanosecond: only the id orders them.
    store.append([event(n, f"r{n:02}", wall_ns=NOON_NS) for n in range(10)])

    pages, before = [], None
    while page := store.recent(RequestQuery(limit=3, before=before)):
        pages.append([row.request_id for row in page])
        before = page[-1].cursor

    assert pages == [["r09", "r08", "r07"], ["r06", "r05", "r04"], ["r03", "r02", "r01"], ["r00"]]


def test_recent_requests_can_be_those_of_a_session_or_of_a_time(store):
    store.append([event(0, "early", session_id="s1"), event(5000, "late", session_id="s2")])

    of_session = store.recent(RequestQuery(session_id="s1"))
    since = store.recent(RequestQuery(since_wall_ns=NOON_NS + SECOND_NS))

    assert [row.request_id for row in of_session] == ["early"]
    assert [row.request_id for row in since] == ["late"]


def test_rows_of_named_requests_leave_out_unknown_ones(store):
    store.append([event(0, "a"), event(1, "b"), event(2, "c")])

    assert [row.request_id for row in store.requests(["a", "c", "nobody"])] == ["c", "a"]


def test_a_request_is_found_by_the_beginning_of_its_id_taken_literally(store):
    store.append([event(0, "4bf9%a"), event(1, "4bf9_b"), event(2, "5c")])

    assert store.find("4bf9") == ["4bf9_b", "4bf9%a"]
    assert store.find("4bf9%") == ["4bf9%a"]
    assert store.find("%") == ["4bf9%a"]
    assert store.find("_") == ["4bf9_b"]
    assert store.find("nothing like it") == []


def test_a_position_is_stored_with_what_was_read(store):
    store.append([event(0)], position=Position("a.jsonl", 42, 100))
    store.append([], position=Position("a.jsonl", 42, 200))

    assert store.accounts_at_positions()[1] == {"a.jsonl": Position("a.jsonl", 42, 200)}


def test_an_event_that_no_table_can_hold_is_quarantined_and_the_others_are_stored(store):
    unstorable = [
        event(1, wall_ns=2**63),
        event(2, metadata={"level": float("nan")}),
        event(3, service="lone \ud800 surrogate"),
        event(4, mono_ns="soon"),
        event(5, "r\ud800"),
        event(6, name=object()),
    ]

    appended = store.append([event(0), *unstorable, event(7)])

    assert (appended.stored, appended.duplicate) == (2, 0)
    assert [each.position for each in appended.rejected] == [1, 2, 3, 4, 5, 6]
    assert store.accounts().rejected == {"unstorable": 6}
    assert store.accounts().unaccounted == 0


def test_a_surrogate_in_metadata_comes_back_as_it_was(store):
    store.append([event(0, metadata={"text": "\ud800"})])

    assert store.events_of(["r1"])["r1"][0].metadata == {"text": "\ud800"}


def test_what_can_not_be_read_is_kept_with_its_reason_and_place(store):
    store.append([event(0)], rejected=[rejected(), rejected("timestamp", 90, b"x" * 5000)])

    newest, older = store.quarantined()

    assert (newest.reason, newest.source, newest.position, newest.raw) == ("timestamp", "a.jsonl", 90, b"x" * 1024)
    assert (older.reason, older.detail, older.raw) == ("json", "it is broken (7 bytes)", b"{xxxxxx")


def test_of_very_many_unreadable_records_the_newest_are_kept_and_all_are_counted(store):
    store.append([], rejected=[rejected(position=n) for n in range(9_000)])
    store.append([], rejected=[rejected(position=n) for n in range(9_000, 12_000)])

    kept = store.quarantined(limit=20_000)

    assert (len(kept), kept[0].position, kept[-1].position) == (10_000, 11_999, 2_000)
    assert store.accounts().rejected == {"json": 12_000}


def test_the_accounts_say_what_became_of_every_event_and_survive_a_restart(tmp_path):
    with_first = open_store(tmp_path)
    with_first.append([event(0), event(1), event(1)], rejected=[rejected(), rejected("timestamp")])
    with_first.append([event(2, name="sdk.dropped", metadata={"count": 40, "reason": "buffer_full"})])
    with_first.close()
    again = open_store(tmp_path)
    again.append([event(0), event(3)])
    accounts = again.accounts()
    again.close()

    assert (accounts.received, accounts.stored, accounts.duplicate) == (48, 4, 2)
    assert accounts.rejected == {"json": 1, "timestamp": 1}
    assert accounts.dropped == {"buffer_full": 40}
    assert accounts.unaccounted == 0


def test_a_note_about_dropped_events_counts_once_however_often_it_arrives(store):
    note = event(0, name="sdk.dropped", metadata={"count": 7, "reason": "buffer_full"})

    store.append([note, note])
    store.append([note])

    assert store.accounts().dropped == {"buffer_full": 7}
    assert store.accounts().unaccounted == 0


@pytest.mark.parametrize("count", [None, -3, "many", 1.5, True])
def test_a_note_about_dropped_events_without_a_sound_number_adds_nothing(store, count):
    store.append([event(0, name="sdk.dropped", metadata={"count": count})])

    assert store.accounts().dropped == {}
    assert store.accounts().unaccounted == 0


def test_a_request_is_stale_until_it_was_derived_from_all_its_events(store):
    store.append(turn("r1", 2))
    assert store.stale(10) == ["r1"]

    store.put_derived([Derived("r1", 2, '{"ttfa":1}')])
    assert store.stale(10) == []
    assert [(row.derived, row.is_fresh) for row in store.recent(RequestQuery())] == [('{"ttfa":1}', True)]

    store.append(turn("r1", 1, first_seq=2))
    assert store.stale(10) == ["r1"]
    assert [(row.derived, row.is_fresh) for row in store.recent(RequestQuery())] == [('{"ttfa":1}', False)]


def test_what_changed_last_is_derived_first_while_an_old_log_waits(timed_store, arrival):
    timed_store.append([event(n, f"old{n}") for n in range(5)])
    arrival.advance(1)
    timed_store.append([event(9, "live")])
    arrival.advance(1)
    timed_store.append([event(10, "going on")])

    assert timed_store.stale(1, touched_before_wall_ns=arrival.wall_ns()) == ["live"]
    assert timed_store.stale(2) == ["going on", "live"]


def test_events_that_arrive_while_a_turn_is_derived_leave_it_stale(store):
    store.append(turn("r1", 2))
    seen = len(store.events_of(["r1"])["r1"])
    store.append(turn("r1", 1, first_seq=2))

    store.put_derived([Derived("r1", seen, "{}")])

    assert store.stale(10) == ["r1"]


def test_a_repeated_event_makes_nothing_stale(store):
    store.append(turn("r1", 2))
    store.put_derived([Derived("r1", 2, "{}")])

    store.append(turn("r1", 2))

    assert store.stale(10) == []


def test_derivations_of_a_request_that_is_gone_are_left_out(store):
    assert store.put_derived([Derived("nobody", 1, "{}")]) == 0


def test_forgetting_derivations_makes_every_request_stale(store):
    store.append([event(0, "a"), event(1, "b")])
    store.put_derived([Derived("a", 1, "{}"), Derived("b", 1, "{}")])

    assert store.forget_derived() == 2
    assert sorted(store.stale(10)) == ["a", "b"]
    assert all(row.derived is None for row in store.recent(RequestQuery()))


@pytest.fixture
def arrival() -> ManualClock:
    """When events arrive in `timed_store`."""
    return ManualClock()


@pytest.fixture(params=ADAPTERS)
def timed_store(request: pytest.FixtureRequest, tmp_path: Path, arrival: ManualClock) -> Iterator[SqliteStore]:
    opened = request.param(tmp_path, clock=arrival)
    yield opened
    opened.close()


def test_old_requests_are_forgotten_whole_and_the_forgetting_is_counted(timed_store):
    timed_store.append([*turn("old", 3), event(3, "both"), event(60_000, "both"), event(60_001, "new")])
    timed_store.put_derived([Derived("new", 1, "{}")])

    pruned = timed_store.prune(Retention(older_than_wall_ns=NOON_NS + 30 * SECOND_NS))

    assert (pruned.requests, pruned.events, pruned.unmeasured) == (1, 3, 1)
    assert timed_store.events_of(["old"]) == {}
    assert {row.request_id for row in timed_store.recent(RequestQuery())} == {"both", "new"}
    assert (timed_store.accounts().stored, timed_store.accounts().forgotten) == (6, 3)


def test_an_old_log_that_was_imported_just_now_can_be_spared(timed_store, arrival):
    arrival.advance(3600)
    timed_store.append(turn("old", 3))

    minute_ago = arrival.wall_ns() - 60 * SECOND_NS

    assert timed_store.prune(Retention(minute_ago, arrived_before_wall_ns=minute_ago)).requests == 0
    assert timed_store.prune(Retention(minute_ago)).requests == 1


events_in_any_order = st.lists(
    st.builds(event, st.integers(0, 12), st.sampled_from(["a", "b"]), session_id=st.sampled_from([None, "s"])),
    max_size=12,
).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events), st.integers(1, 5)))


def rows_of(store: SqliteStore) -> list[tuple[str, int, int, int]]:
    rows = store.recent(RequestQuery(limit=100))
    return [(row.request_id, row.started_wall_ns, row.last_wall_ns, row.event_count) for row in rows]


def identity(event: Event) -> tuple[str, str]:
    return event.request_id, event.event_id


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events_in_any_order)
def test_neither_order_nor_batches_nor_repetition_change_what_is_stored(tmp_path_factory, case):
    events, shuffled, size = case
    one, other = (open_store(tmp_path_factory.mktemp("store")) for _ in range(2))
    one.append(events)
    for start in range(0, len(shuffled), size):
        other.append(shuffled[start : start + size])
    other.append(events)
    stored = {identity(each) for found in other.events_of("ab").values() for each in found}
    same_rows, unaccounted = rows_of(one) == rows_of(other), other.accounts().unaccounted
    one.close()
    other.close()

    assert same_rows
    assert stored == {identity(each) for each in events}
    assert unaccounted == 0


def test_sessions_come_newest_first_with_their_turns_and_their_ends(store):
    def of(request_id, session_id, second):
        return Event(request_id, "stt", "said", NOON_NS + second * SECOND_NS, f"e{request_id}", session_id=session_id)

    store.append([of("r1", "kitchen", 5), of("r2", "hall", 3), of("r3", "kitchen", 1), of("r4", None, 9)])
    store.append([of(NO_REQUEST, "kitchen", 20)])
    kitchen = SessionRow("kitchen", 2, NOON_NS + SECOND_NS, NOON_NS + 5 * SECOND_NS)

    assert store.sessions(SessionQuery()) == [kitchen, SessionRow("hall", 1, *[NOON_NS + 3 * SECOND_NS] * 2)]
    assert store.sessions(SessionQuery(since_wall_ns=NOON_NS + 4 * SECOND_NS)) == [kitchen]
    assert (store.session("kitchen"), store.session("attic")) == (kitchen, None)
    assert store.session_counts() == SessionCounts(sessions=2, turns=3, without=1)
    rows = store.records(RequestQuery(session_ids=("kitchen", "attic")))
    assert sorted(row[0] for row in rows) == ["r1", "r3"]


def test_a_piece_of_a_sessions_id_finds_it_at_its_beginning_or_else_anywhere(store):
    names = ("room-1", "room-2", "the-room", "50%_x")
    store.append([event(n, request_id=f"r{n}", session_id=name) for n, name in enumerate(names)])

    assert store.find_sessions("room") == ["room-2", "room-1"]
    assert store.find_sessions("-room") == ["the-room"]
    assert store.find_sessions("%") == ["50%_x"]
    assert store.find_sessions("room", limit=1) == ["room-2"]
    assert store.find_sessions("nowhere") == []
