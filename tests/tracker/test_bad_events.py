"""Whatever a host marks: nothing is raised, memory stays bounded, and what is lost is counted."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.testing import RecordingSink
from voxtrace.tracker import Tracker, TrackerOptions
from voxtrace.tracker.buffer import MAX_MARKS
from voxtrace.tracker.recorder import Recorder

MIB = 1024 * 1024
OPTIONS = TrackerOptions()


class Hostile:
    """Every way in which asking a foreign object for something can go wrong."""

    def _refuse(self, *_: object) -> str:
        raise RuntimeError("asked")

    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __hash__ = __eq__ = __format__ = __float__ = _refuse
    __index__ = __int__ = keys = items = _refuse
    __class__ = property(_refuse)


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(Hostile)
ODD |= st.lists(ODD, max_size=3) | st.dictionaries(st.text(), ODD, max_size=3)


@given(ODD, ODD, ODD, st.dictionaries(st.text(), ODD, max_size=8))
def test_a_mark_of_anything_arrives_as_an_event_that_can_be_read(name, request_id, session_id, metadata):
    sink = RecordingSink()
    tracker = Tracker("stt", sink=sink, options=OPTIONS)
    metadata = {key: value for key, value in metadata.items() if key not in ("request_id", "session_id")}
    tracker.mark(name, request_id, session_id, **metadata)
    tracker.close()

    assert len(sink.events) == 1
    assert tracker.stats().dropped == {}


def full_buffer(attempts: int = MAX_MARKS + 100, **metadata: object) -> Recorder:
    """A recorder whose buffer is full of marks that share nothing, as when its sink never answers."""
    recorder = Recorder(OPTIONS, RecordingSink())
    recorder.courier.wake = lambda: len(recorder.buffer.marks) < MAX_MARKS  # type: ignore[method-assign]
    mark = recorder.marker("stt")
    for number in range(attempts):
        own = {key: _copy(value) for key, value in metadata.items()}
        mark(f"name {number}", f"request {number}" + "\U0001f3a7" * 50, f"session {number}" + "\U0001f3a7" * 50, **own)
    return recorder


def _copy(value: object) -> object:
    if isinstance(value, str):
        return "".join(list(value))
    return type(value)(map(_copy, value)) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("attempts", "metadata"),
    [
        (MAX_MARKS + 100, {f"key{number}": 10**9 + number for number in range(5)}),
        (MAX_MARKS + 100, {f"key{number}": "\U0001f3a7" * 48 for number in range(5)}),
        (MAX_MARKS + 100, {f"key{number}": "x" * 64 for number in range(10)}),
        (MAX_MARKS + 100, {f"key{number}": "\xe9" * 64 for number in range(10)}),
        (MAX_MARKS + 100, {f"key{number}": number for number in range(12)}),
        (MAX_MARKS + 100, {"pcm": b"\0" * 100_000}),
        (MAX_MARKS + 100, {"huge": 10**5000}),
        (500, {f"key{number}": "\U0001f3a7" * 200 for number in range(5)}),
        (500, {"text": "x" * 20_000}),
        (1000, {"samples": [0.5] * 1000}),
        (500, {"deep": [[["x" * 50] * 20] * 20]}),
        (500, {f"key{number}": "x" * 4000 for number in range(20)}),
    ],
)
def test_a_full_buffer_holds_less_than_8_mib_whatever_was_marked(attempts, metadata):
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    recorder = full_buffer(attempts, **metadata)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    # One batch on its way out, and the lines it is made of, take another 0.6 MiB.
    assert held < 7.4 * MIB
    assert sum(recorder.buffer.lost().values()) == attempts - len(recorder.buffer.marks) > 0


def test_a_text_of_ten_mebibytes_is_not_held():
    tracemalloc.start()
    tracker = Tracker("stt", sink=RecordingSink(), options=OPTIONS)
    tracker.mark("prompt", request_id="r1", text="x" * 10 * MIB)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    tracker.close()

    assert held < MIB


def test_room_for_large_marks_comes_back_when_they_are_carried_away():
    sink = RecordingSink()
    tracker = Tracker("stt", sink=sink, options=OPTIONS)
    for number in range(2000):
        tracker.mark("prompt", request_id="r1", text="x" * 4000, number=number)
        if number % 100 == 99:
            tracker.flush()
    tracker.close()

    assert len(sink.events) == 2000


def test_metadata_that_changes_after_the_mark_is_told_as_it_was():
    sink = RecordingSink()
    tracker = Tracker("stt", sink=sink, options=OPTIONS)
    words = ["one"]
    tracker.mark("partial", request_id="r1", words=words)
    words.append("two")
    tracker.close()

    assert sink.events[0].metadata == {"words": ["one"]}


def test_what_finds_no_room_is_counted_by_reason():
    light, heavy = full_buffer(number=1), full_buffer(500, text="x" * 10_000)

    assert light.buffer.lost() == Counter(buffer_full=100)
    assert set(heavy.buffer.lost()) == {"memory_full"}
