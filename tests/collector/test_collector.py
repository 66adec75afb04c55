"""The loop: measures, forgets, and goes on whatever happens to the store."""

from __future__ import annotations

import threading

import pytest

from tests.collector.build import Writer
from tests.store.build import event, turn
from voxtrace.collector.collector import Collector, CollectorOptions
from voxtrace.store import RequestQuery, open_store
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
def writer(tmp_path):
    opened = Writer(tmp_path)
    yield opened
    opened.die()


def test_a_turn_is_measured_when_it_was_quiet_and_again_when_it_goes_on(store, writer, tmp_path, clock):
    changed: list[str] = []
    collector = Collector(store, tmp_path, clock=clock, on_change=changed.extend)
    collector.tick()
    writer.write(turn("r1", 3))
    collector.tick()
    assert changed == []

    clock.advance(0.3)
    collector.tick()
    assert changed == ["r1"]

    writer.write(turn("r1", 1, first_seq=3))
    collector.tick()
    clock.advance(0.3)
    collector.tick()

    assert changed == ["r1", "r1"]
    assert [row.is_fresh for row in store.recent(RequestQuery())] == [True]


def test_a_wall_clock_that_was_set_back_delays_no_measurement_for_long(store, writer, tmp_path, clock):
    collector = Collector(store, tmp_path, clock=clock)
    collector.tick()
    writer.write(turn("r1", 3))
    collector.tick()
    clock.step_wall(-3603)
    clock.advance(3)

    assert collector.tick().measured == ("r1",)


def test_while_more_events_wait_few_turns_are_measured_so_that_the_spool_is_emptied(store, writer, tmp_path, clock):
    store.append([event(n, f"old{n}") for n in range(50)])
    writer.write([event(100 + n, f"r{n}", metadata={"text": "x" * 500}) for n in range(4000)])
    clock.advance(10)

    tick = Collector(store, tmp_path, clock=clock, options=CollectorOptions(turns_per_busy_tick=5)).tick()

    assert (len(tick.measured), tick.more) == (5, True)


def test_events_past_their_age_are_forgotten_and_it_says_which_were_never_measured(store, tmp_path, clock):
    options = CollectorOptions(keep_days=1, turns_per_tick=1)
    collector = Collector(store, tmp_path, clock=clock, options=options)
    store.append([event(0, "measured"), event(1, "unmeasured")])
    clock.advance(2 * 86_400)
    collector.tick()

    (notice,) = collector.state.notices

    assert notice == "retention forgot 2 requests of 2 events, 1 of them before they were measured"
    assert store.recent(RequestQuery()) == []
    assert collector.accounts().forgotten == 2


def test_an_old_log_that_was_imported_just_now_is_kept_as_long_as_todays_events(store, tmp_path, clock):
    collector = Collector(store, tmp_path, clock=clock, options=CollectorOptions(keep_days=1))
    clock.advance(365 * 86_400)
    store.append([event(0, "last year")])
    collector.tick()
    kept = len(store.recent(RequestQuery()))
    clock.advance(2 * 86_400)
    collector.tick()

    assert (kept, len(store.recent(RequestQuery()))) == (1, 0)


def test_the_store_is_held_under_its_size(store, writer, tmp_path, clock):
    keep_bytes = 1_000_000
    collector = Collector(store, tmp_path, clock=clock, options=CollectorOptions(keep_bytes=keep_bytes))
    for batch in range(20):
        writer.write([event(1000 * batch + n, f"r{batch}-{n // 10}", metadata={"t": "x" * 400}) for n in range(500)])
        clock.advance(60)
        while collector.tick().more:
            pass

    store.close()

    assert 0 < (tmp_path / "voxtrace.db").stat().st_size <= 1.3 * keep_bytes
    assert collector.state.pruned.bytes_after <= keep_bytes


def damage(path):
    """Flip every byte behind the first page, and take the log away, as a broken disk would."""
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(byte ^ 0xFF for byte in content[4096:])
    path.write_bytes(content)


def test_a_store_that_is_damaged_while_it_runs_is_moved_aside_and_the_loop_goes_on(
    store, writer, tmp_path, clock, caplog
):
    collector = Collector(store, tmp_path, clock=clock)
    writer.write(turn("r1", 3))
    collector.tick()
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(store.path)
    store._writer.execute("PRAGMA shrink_memory")
    store._reader.execute("PRAGMA shrink_memory")
    stop = threading.Event()
    collector.step()
    stop.set()
    collector.run(stop)

    (aside,) = tmp_path.glob("voxtrace.db.damaged-*[Z]")

    assert aside.stat().st_size > 4096
    assert "was damaged" in collector.state.notices[0]
    assert len(store.events_of(["r1"])["r1"]) == 3  # the spool file was still there and is read again


def test_stopping_takes_in_what_was_written_before(store, writer, tmp_path, clock):
    stop = threading.Event()
    stop.set()
    writer.write(turn("r1", 3))

    Collector(store, tmp_path, clock=clock).run(stop)

    assert len(store.events_of(["r1"])["r1"]) == 3


def test_stopping_does_not_wait_for_a_writer_that_never_ends(store, writer, tmp_path, clock):
    numbers = iter(range(1_000_000))

    def write_on(request_ids):
        clock.advance(1)
        writer.write([event(next(numbers), "endless")])

    stop = threading.Event()
    stop.set()
    writer.write([event(next(numbers), "first")])
    clock.advance(1)
    options = CollectorOptions(housekeeping_ms=0)  # measures at every step, and each adds a second and an event
    Collector(store, tmp_path, clock=clock, options=options, on_change=write_on).run(stop)

    assert store.accounts().stored == 3


def test_a_step_that_fails_is_told_and_the_next_one_goes_on(store, writer, tmp_path, clock, caplog):
    def refuse(request_ids):
        if not store.recent(RequestQuery(limit=1))[0].session_id:
            raise RuntimeError("no viewer")

    collector = Collector(store, tmp_path, clock=clock, on_change=refuse)
    writer.write([event(0)])

    assert collector.step() is None
    assert "no viewer" in collector.state.trouble

    writer.write([event(1, session_id="s")])
    assert collector.step() is not None
    assert collector.state.trouble == ""
