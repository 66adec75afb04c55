"""Spool files: whole lines, each exactly once, whatever happens to the file."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.build import Writer
from tests.store.build import event, turn
from voxtrace.collector.collector import Collector, CollectorOptions
from voxtrace.collector.spool import READ_BYTES
from voxtrace.events.codec import encode
from voxtrace.store import RequestQuery, open_store
from voxtrace.store.masked import masked
from voxtrace.testing import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(tmp_path, clock):
    opened = open_store(tmp_path, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def collector(store, tmp_path, clock):
    return Collector(store, tmp_path, clock=clock)


@pytest.fixture
def writer(tmp_path):
    opened = Writer(tmp_path)
    yield opened
    try:
        opened.die()
    except OSError:
        pass  # the test let it die


def stored(store, request_id="r1"):
    return store.events_of([request_id]).get(request_id, [])


def test_lines_are_stored_once_however_often_one_looks(collector, writer, store):
    writer.write(turn("r1", 3))
    collector.tick()
    collector.tick()
    writer.write(turn("r1", 2, first_seq=3))
    collector.tick()

    accounts = collector.accounts()

    assert stored(store) == turn("r1", 5)
    assert (accounts.received, accounts.stored, accounts.duplicate) == (5, 5, 0)


def test_another_collector_reads_on_where_the_first_one_ended(collector, writer, store, tmp_path, clock):
    writer.write(turn("r1", 3))
    collector.tick()
    writer.write(turn("r1", 2, first_seq=3))

    Collector(store, tmp_path, clock=clock).tick()

    assert len(stored(store)) == 5
    assert store.accounts().duplicate == 0


def test_a_line_is_left_alone_until_its_newline_is_there(collector, writer, store):
    line = encode(event(0))
    writer.write(line[:20])
    collector.tick()
    assert (collector.accounts().in_flight, collector.accounts().unaccounted) == (1, 0)

    writer.write(line[20:])
    collector.tick()

    assert stored(store) == [event(0)]
    assert not store.quarantined()


def test_a_torn_last_line_waits_while_its_writer_lives_and_is_quarantined_when_it_is_gone(
    collector, writer, store, clock
):
    writer.write(encode(event(0)) + encode(event(1))[:30])
    clock.advance(60)
    collector.tick()
    assert store.quarantined() == []

    writer.die()
    collector.tick()

    (torn,) = store.quarantined()
    assert (torn.reason, torn.raw, torn.position) == ("torn", masked(encode(event(1))[:30]), len(encode(event(0))))
    assert stored(store) == [event(0)]
    assert collector.accounts().unaccounted == 0


def test_foreign_and_broken_lines_are_quarantined_with_their_place_and_the_others_stored(collector, writer, store):
    broken = [b"not json\n", b'{"event": "x"}\n', b"\xff\xfe\n", b"[1]\n", b"\0\0\n", b"\n"]
    for number, line in enumerate(broken):
        writer.write(line + encode(event(number)))
    collector.tick()

    kept = store.quarantined()

    assert len(stored(store)) == len(broken)
    assert [row.reason for row in reversed(kept)] == ["json", "request_id", "json", "json", "empty", "empty"]
    assert kept[-1].position == 0
    assert kept[-2].position == len(broken[0]) + len(encode(event(0)))
    assert (collector.accounts().received, collector.accounts().unaccounted) == (12, 0)


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_line_longer_than_one_read_is_skipped_and_counted_once(collector, writer, store, spare):
    writer.write(b"x" * (READ_BYTES + spare) + b"\n")
    writer.write([event(0)])
    while collector.tick().more:
        pass

    (skipped,) = store.quarantined()

    assert (skipped.reason, len(skipped.raw)) == ("too_long", 1024)
    assert stored(store) == [event(0)]
    assert collector.accounts().unaccounted == 0


def test_an_endless_line_is_not_consumed_before_it_ends(collector, writer, store):
    writer.write(b"x" * (2 * READ_BYTES))
    collector.tick()
    assert store.quarantined() == []

    writer.write(b"\n")
    writer.write([event(0)])
    while collector.tick().more:
        pass

    assert [row.reason for row in store.quarantined()] == ["too_long"]
    assert stored(store) == [event(0)]


def test_more_than_one_read_is_taken_in_over_several_steps(collector, writer, store):
    events = [event(n, f"r{n // 100}", metadata={"text": "x" * 300}) for n in range(4000)]
    writer.write(events)

    steps = 1
    while collector.tick().more:
        steps += 1

    assert steps > 1
    assert store.accounts().stored == 4000


def test_several_files_are_read_side_by_side(collector, store, tmp_path):
    writers = [Writer(tmp_path, f"host-{pid}-0123abcd.jsonl") for pid in (1, 2, 3)]
    for number, each in enumerate(writers):
        each.write([event(number, f"r{number}")])
    collector.tick()
    for each in writers:
        each.die()

    assert {row.request_id for row in store.recent(RequestQuery())} == {"r0", "r1", "r2"}


def test_a_file_is_removed_when_it_is_stored_to_its_end_and_its_writer_is_gone(collector, writer, store, clock):
    writer.write(turn("r1", 3))
    clock.advance(60)
    collector.tick()
    assert writer.path.exists()

    writer.die()
    clock.advance(60)
    collector.tick()

    assert not writer.path.exists()
    assert store.accounts_at_positions()[1] == {}
    assert len(stored(store)) == 3


def test_a_file_of_a_dead_writer_is_kept_until_it_is_read_to_its_end(collector, tmp_path, clock):
    other = Writer(tmp_path, "host-1-0123abcd.jsonl")
    other.write(b"".join(encode(event(n)) for n in range(100)) * 200)
    other.die()
    clock.advance(60)

    collector.tick()

    assert other.path.exists()


def test_files_of_other_names_are_read_and_never_removed(collector, store, tmp_path, clock):
    foreign = tmp_path / "spool" / "latency.jsonl"
    foreign.parent.mkdir()
    foreign.write_bytes(encode(event(0)) + b'{"half": ')
    os.utime(foreign, ns=(clock.wall_ns(), clock.wall_ns()))
    clock.advance(3600)
    collector.tick()
    clock.advance(60)
    collector.tick()

    assert stored(store) == [event(0)]
    assert foreign.exists()
    assert store.quarantined() == []


def test_a_foreign_file_that_is_read_to_its_end_is_left_where_it_is(collector, store, tmp_path, clock):
    foreign = tmp_path / "spool" / "latency.jsonl"
    foreign.parent.mkdir()
    foreign.write_bytes(encode(event(0)))
    os.utime(foreign, ns=(clock.wall_ns(), clock.wall_ns()))
    for _ in range(3):
        clock.advance(60)
        collector.tick()

    assert foreign.exists()
    assert store.accounts().stored == 1


def test_a_file_that_was_just_written_is_left_alone_even_if_nobody_holds_it(collector, writer, store, clock):
    # A writer opens its new file a moment before it holds the lock.
    writer.write(encode(event(0)) + b"torn")
    writer.die()
    clock.advance(4)
    collector.tick()
    collector.tick()
    assert store.quarantined() == []

    clock.advance(4)
    collector.tick()
    assert [row.reason for row in store.quarantined()] == ["torn"]
    assert not writer.path.exists()


def test_a_new_file_of_an_old_name_is_read_from_its_beginning(collector, writer, store):
    writer.write(turn("r1", 3))
    collector.tick()
    again = writer.path.with_suffix(".new")
    again.write_bytes(encode(event(7)))
    again.rename(writer.path)
    collector.tick()

    assert [each.seq for each in stored(store)] == [0, 1, 2, 7]


def test_a_file_that_was_cut_is_read_again_and_repeats_are_counted_as_such(collector, writer, store):
    writer.write(turn("r1", 3))
    collector.tick()
    os.truncate(writer.path, len(encode(event(0))))
    collector.tick()

    assert [each.seq for each in stored(store)] == [0, 1, 2]
    assert store.accounts().duplicate == 1
    assert collector.accounts().unaccounted == 0


def test_a_file_that_somebody_deleted_stops_nothing(collector, writer, store, tmp_path, clock):
    writer.write(turn("r1", 3))
    collector.tick()
    writer.path.unlink()
    clock.advance(60)
    collector.tick()

    assert len(stored(store)) == 3
    assert store.accounts_at_positions()[1] == {}


def test_what_is_no_file_is_passed_by(collector, writer, store, tmp_path):
    (tmp_path / "spool" / "gone-1-0123abcd.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "spool" / "folder.jsonl").mkdir()
    writer.write([event(0)])
    collector.tick()
    collector.tick()

    assert stored(store) == [event(0)]


def test_a_spool_that_is_not_there_yet_is_an_empty_one(store, tmp_path, clock):
    tick = Collector(store, tmp_path, clock=clock, options=CollectorOptions()).tick()

    assert (tick.events, tick.more) == (0, False)


CONTENT = b"".join(encode(event(n, f"r{n % 3}")) + (b"junk\n" if n % 4 == 0 else b"") for n in range(20))
LOOKS = st.lists(
    st.tuples(st.integers(0, len(CONTENT)), st.sampled_from(["write", "look", "look again", "start anew"])), max_size=20
)


@settings(max_examples=40)
@given(LOOKS)
def test_wherever_a_write_is_cut_and_whenever_one_looks_each_line_counts_once(tmp_path_factory, looks):
    folder, clock = tmp_path_factory.mktemp("data"), ManualClock()
    store, writer, written = open_store(folder, clock=clock), Writer(folder), 0
    collector = Collector(store, folder, clock=clock)
    for end, then in [*looks, (len(CONTENT), "look")]:
        writer.write(CONTENT[written:end])
        written = max(written, end)
        if then == "start anew":
            collector = Collector(store, folder, clock=clock)
        if then != "write":
            collector.tick()
        if then == "look again":
            collector.tick()
    accounts, seqs = collector.accounts(), [each.seq for n in range(3) for each in stored(store, f"r{n}")]
    store.close()
    writer.die()

    assert sorted(seqs) == list(range(20))
    assert (accounts.received, accounts.duplicate, accounts.rejected) == (25, 0, {"json": 5})
    assert accounts.unaccounted == 0
