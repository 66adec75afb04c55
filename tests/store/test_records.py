"""Records: what every store promises of the bytes that reports are made of."""

from __future__ import annotations

import sqlite3
import struct

import pytest

from tests.store.build import NOON_NS, SECOND_NS, event, turn
from voxtrace.store import Derived, Record, RequestQuery, Retention, open_store
from voxtrace.store.connection import STORE_NAME
from voxtrace.store.schema import MIGRATIONS, migrate

ADAPTERS = [open_store]


@pytest.fixture(params=ADAPTERS)
def store(request, tmp_path):
    opened = request.param(tmp_path)
    yield opened
    opened.close()


def derived(request_id, events, texts=("a", "b", "a"), numbers=b"12345678"):
    return Derived(request_id, events, "{}", Record(numbers, texts), Record(numbers[::-1], texts[:1]))


def words(packed):
    return list(struct.unpack(f"<{len(packed) // 4}I", packed))


def test_a_record_comes_back_as_its_bytes_and_the_numbers_of_its_texts(store):
    store.append(turn("r1", 2, session_id="s"))
    store.put_derived([derived("r1", 2)])
    ((request_id, session_id, started, numbers, packed, *steps),) = store.records(RequestQuery())
    first, second, third = words(packed)

    assert (request_id, session_id, started, numbers, steps) == ("r1", "s", NOON_NS, b"12345678", [None, None])
    assert first == third != second
    assert store.texts([first, second, 10**6]) == {first: "a", second: "b"}


def test_steps_are_read_where_they_are_asked_for(store):
    store.append(turn("r1", 2))
    store.put_derived([derived("r1", 2)])
    ((*_, numbers, packed),) = store.records(RequestQuery(), steps=True)

    assert (numbers, len(words(packed))) == (b"87654321", 1)


def test_a_record_of_other_events_than_there_are_now_is_none(store):
    store.append(turn("r1", 2))
    store.put_derived([derived("r1", 2)])
    store.append(turn("r1", 1, first_seq=2))

    assert [row[3:] for row in store.records(RequestQuery(), steps=True)] == [(None, None, None, None)]


def test_a_request_that_can_no_longer_be_derived_has_no_record(store):
    store.append(turn("r1", 2))
    store.put_derived([derived("r1", 2)])
    store.put_derived([Derived("r1", 2, None)])

    assert [row[3] for row in store.records(RequestQuery())] == [None]


def test_records_come_newest_first_between_two_moments_and_page_by_page(store):
    store.append([event(n * 1000, f"r{n}") for n in range(5)])
    store.put_derived([derived(f"r{n}", 1) for n in range(5)])
    query = RequestQuery(2, since_wall_ns=NOON_NS + SECOND_NS, until_wall_ns=NOON_NS + 4 * SECOND_NS)
    page = store.records(query)
    rest = store.records(RequestQuery(2, (page[-1][2], page[-1][0]), since_wall_ns=query.since_wall_ns))

    assert [row[0] for row in (*page, *rest)] == ["r3", "r2", "r1"]


def test_a_forgotten_request_and_forgotten_derivations_leave_no_record(store):
    store.append([*turn("old", 2), event(60_000, "new")])
    store.put_derived([derived("old", 2), derived("new", 1)])
    store.prune(Retention(older_than_wall_ns=NOON_NS + 30 * SECOND_NS))
    assert [row[0] for row in store.records(RequestQuery()) if row[3]] == ["new"]

    store.forget_derived()
    assert [row[3] for row in store.records(RequestQuery())] == [None]


def test_a_store_of_the_first_schema_keeps_its_events_and_is_measured_again(tmp_path):
    path = tmp_path / STORE_NAME
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    migrate(db, path, MIGRATIONS[:1])
    db.execute("INSERT INTO words VALUES (1, 'server')")
    db.execute("INSERT INTO requests VALUES (1, 'r1', NULL, 5, 5, 5, 1, 1)")
    db.execute("INSERT INTO events VALUES (1, zeroblob(16), 5, NULL, NULL, 1, 1, 1, NULL, NULL, NULL)")
    db.execute("INSERT INTO derivations VALUES (1, x'00')")
    db.close()
    store = open_store(tmp_path)

    assert (store.stale(10), len(store.events_of(["r1"])["r1"])) == (["r1"], 1)
    assert [row[3] for row in store.records(RequestQuery())] == [None]
    store.close()
