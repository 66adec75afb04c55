"""From the buffer to the sink, and what happens when the sink fails."""

from __future__ import annotations

import threading

import pytest

from voxtrace.events import NO_REQUEST, Event
from voxtrace.testing import RecordingSink
from voxtrace.tracker import Batch, BatchRejected, Tracker, TrackerOptions, TrackerStats
from voxtrace.tracker.buffer import MAX_MARKS, Buffer
from voxtrace.tracker.courier import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, Courier
from voxtrace.tracker.identity import Identity
from voxtrace.tracker.sinks import LentSink

OPTIONS = TrackerOptions()


def courier_to(sink: RecordingSink) -> tuple[Buffer, Courier]:
    """A courier whose rounds the test runs itself: nothing starts its thread."""
    buffer = Buffer()
    return buffer, Courier(buffer, lambda _: LentSink(sink), max_age_ms=200)


def mark(buffer: Buffer, count: int = 1, text: str = "") -> None:
    for number in range(count):
        buffer.marks.append(("stt", "step", "r1", None, number, 1_764_253_805_000_000_000, {"text": text}, 0))


def test_batches_are_bounded_in_events_and_bytes():
    sink = RecordingSink()
    buffer, courier = courier_to(sink)
    mark(buffer, MAX_BATCH_EVENTS + 1)
    courier.carry()
    by_events = [batch.events for batch in sink.batches]
    mark(buffer, 100, text="x" * 4000)
    courier.carry()

    assert by_events == [MAX_BATCH_EVENTS, 1]
    assert max(len(batch.lines) for batch in sink.batches) < MAX_BATCH_BYTES + 16 * 1024
    assert len(sink.events) == MAX_BATCH_EVENTS + 101


def test_a_refused_batch_is_offered_again_as_the_same_object_and_nothing_is_lost():
    sink = RecordingSink()
    buffer, courier = courier_to(sink)
    sink.failure = OSError("disk full")
    mark(buffer, 3)
    answers = [courier.carry(), courier.carry()]
    waiting = courier.stats()
    sink.failure = None
    answers.append(courier.carry())

    assert answers == [False, False, True]
    assert sink.refused[0] is sink.refused[1] is sink.batches[0]
    assert waiting == TrackerStats(written=0, waiting=3, dropped={}, last_error="OSError: disk full")
    assert courier.stats() == TrackerStats(written=3, waiting=0, dropped={}, last_error="")


def test_a_batch_that_is_refused_for_good_is_counted_and_does_not_hold_up_the_next():
    sink = RecordingSink()
    buffer, courier = courier_to(sink)
    sink.failure = BatchRejected("413 too large")
    mark(buffer, 3)
    courier.carry()
    sink.failure = None
    mark(buffer)
    courier.carry()

    assert sorted(sink.names) == ["sdk.dropped", "step"]
    assert courier.stats().dropped == {"rejected": 3}


def test_drops_are_told_once_when_it_can_be_written_again():
    sink = RecordingSink()
    buffer, courier = courier_to(sink)
    buffer.lose("buffer_full", 7)
    buffer.lose("memory_full", 2)
    courier.carry()
    courier.carry()
    buffer.lose("buffer_full")
    courier.carry()
    told = [(event.name, event.request_id, dict(event.metadata)) for event in sink.events]

    assert told == [
        ("sdk.dropped", NO_REQUEST, {"count": 7, "reason": "buffer_full"}),
        ("sdk.dropped", NO_REQUEST, {"count": 2, "reason": "memory_full"}),
        ("sdk.dropped", NO_REQUEST, {"count": 1, "reason": "buffer_full"}),
    ]


def test_every_event_of_a_process_has_an_id_of_its_own():
    sink = RecordingSink()
    for _ in range(2):
        buffer, courier = courier_to(sink)
        mark(buffer, 600)
        courier.carry()

    assert len({event.event_id for event in sink.events}) == 1200


def test_a_mark_that_can_not_be_told_does_not_cost_the_others():
    sink = RecordingSink()
    buffer, courier = courier_to(sink)
    mark(buffer)
    buffer.marks.append(("stt", "broken", "r1", None, 1, "no time", {}, 0))  # type: ignore[arg-type]
    mark(buffer)
    courier.carry()
    courier.carry()

    assert sink.names == ["step", "step", "sdk.dropped"]
    assert courier.stats() == TrackerStats(written=2, waiting=0, dropped={"failed": 1}, last_error="")


def test_a_sink_that_hangs_holds_up_no_mark_and_the_newest_are_dropped():
    released, entered = threading.Event(), threading.Event()
    arrived: list[Batch] = []

    def hang(batch: Batch) -> None:
        entered.set()
        released.wait(30)
        arrived.append(batch)

    tracker = Tracker("stt", sink=hang, options=OPTIONS)
    tracker.mark("first", request_id="r1")
    entered.wait(30)
    for number in range(MAX_MARKS + 50):
        tracker.mark("step", request_id="r1", number=number)
    hanging = tracker.stats()
    in_time = tracker.flush(timeout_s=0.01)
    released.set()
    tracker.flush(30)
    tracker.close()
    text = b"".join(batch.lines for batch in arrived)

    assert not in_time
    assert hanging.dropped == {"buffer_full": 50}
    assert (tracker.stats().written, tracker.stats().waiting) == (MAX_MARKS + 1, 0)
    assert b'"number":2047' in text
    assert b'"number":2048' not in text
    assert b'"count":50,"reason":"buffer_full"' in text


@pytest.mark.parametrize("failure", [OSError("disk full"), ValueError("bug"), MemoryError(), SystemExit(1)])
def test_a_sink_that_fails_is_told_to_the_log_once_and_flush_says_no(caplog, failure):
    sink = RecordingSink()
    sink.failure = failure
    tracker = Tracker("stt", sink=sink, options=OPTIONS)
    tracker.mark("step", request_id="r1")
    answers = [tracker.flush(), tracker.flush()]
    sink.failure = None
    answers.append(tracker.flush())
    tracker.close()

    assert answers == [False, False, True]
    assert len(caplog.records) == 1
    assert sink.names == ["step"]


def test_without_a_thread_to_be_had_flush_does_the_work_itself(monkeypatch):
    sink = RecordingSink()
    tracker = Tracker("stt", sink=sink, options=OPTIONS)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    tracker.mark("step", request_id="r1")

    assert tracker.flush()
    assert sink.names == ["step"]


def test_the_clock_names_the_machine_the_process_and_the_boot():
    sink = RecordingSink()
    identities: list[Identity] = []
    buffer = Buffer()

    def open_sink(identity: Identity) -> LentSink:
        identities.append(identity)
        return LentSink(sink)

    courier = Courier(buffer, open_sink, max_age_ms=200)
    mark(buffer)
    courier.carry()
    event: Event = sink.events[0]

    assert event.clock == identities[0].clock
    assert event.clock_domain == (identities[0].boot or event.clock)
