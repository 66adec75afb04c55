"""What a voice service calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from voxtrace.errors import InvalidOption
from voxtrace.events import NO_REQUEST
from voxtrace.testing import RecordingSink
from voxtrace.tracker import Tracker, TrackerOptions, TrackerStats, current_request_id, from_environment

FULL = TrackerOptions()


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def tracker(sink: RecordingSink) -> Iterator[Tracker]:
    tracker = Tracker("stt", sink=sink, options=FULL)
    yield tracker
    tracker.close()


def test_a_mark_says_what_happened_when_where_and_in_which_request(tracker, sink):
    tracker.mark("speech_end", request_id="r1", session_id="s1", text_chars=24)
    tracker.flush()
    event = sink.events[0]

    assert (event.service, event.name, event.request_id, event.session_id) == ("stt", "speech_end", "r1", "s1")
    assert event.metadata == {"text_chars": 24}
    assert (event.seq, event.clock != "", event.mono_ns is not None) == (0, True, True)


def test_metadata_may_be_called_as_the_parameters_are(tracker, sink):
    tracker.mark("speech_end", request_id="r1", name="a", self="b", service="c")
    tracker.flush()

    assert sink.events[0].metadata == {"name": "a", "self": "b", "service": "c"}


def test_marks_arrive_in_order_and_numbered_without_holes(tracker, sink):
    for number in range(1500):
        tracker.mark("step", request_id="r1", number=number)
    tracker.flush()

    assert [(event.seq, event.metadata["number"]) for event in sink.events] == [(n, n) for n in range(1500)]


def test_a_moment_stamped_by_the_caller_keeps_its_stamp(tracker, sink):
    tracker.mark_at("FIRST_AUDIO_CHUNK", (5, 1_764_253_805_015_000_001), "r1", "s1", bytes=3)
    tracker.flush()
    event = sink.events[0]

    assert (event.mono_ns, event.wall_ns) == (5, 1_764_253_805_015_000_001)
    assert (event.request_id, event.session_id, event.metadata) == ("r1", "s1", {"bytes": 3})


@pytest.mark.parametrize("moment", [None, (), (1, 2, 3), ("a", "b"), 7])
def test_a_moment_that_is_none_is_dropped_and_counted(tracker, sink, moment):
    tracker.mark_at("FIRST_AUDIO_CHUNK", moment, "r1")
    tracker.flush()

    assert sink.names == ["sdk.dropped"]
    assert tracker.stats().dropped == {"failed": 1}


def test_marks_in_a_turn_need_no_ids(tracker, sink):
    with tracker.turn(request_id="r1", session_id="s1") as turn:
        tracker.mark("by_the_tracker")
        turn.mark("by_the_turn")
    tracker.mark("outside")
    tracker.flush()

    assert [(event.request_id, event.session_id) for event in sink.events] == [
        ("r1", "s1"),
        ("r1", "s1"),
        (NO_REQUEST, None),
    ]


def test_a_turn_makes_a_request_id_where_none_is_given(tracker, sink):
    with tracker.turn() as first, tracker.turn() as second:
        tracker.mark("inside")
    tracker.flush()

    assert sink.events[0].request_id == second.request_id
    assert len({first.request_id, second.request_id, ""}) == 3


def test_a_turn_inside_a_turn_is_one_of_its_own_in_the_same_session(tracker):
    with tracker.turn(request_id="outer", session_id="s1"):
        with tracker.turn(request_id="inner") as inner:
            seen = [current_request_id()]
        seen.append(current_request_id())
    seen.append(current_request_id())

    assert seen == ["inner", "outer", None]
    assert inner.session_id == "s1"


def test_a_turn_of_one_tracker_holds_for_all(tracker, sink):
    other_sink = RecordingSink()
    other = Tracker("tts", sink=other_sink, options=FULL)
    with tracker.turn(request_id="r1"):
        other.mark("tts_synthesis_start")
    other.close()

    assert other_sink.events[0].request_id == "r1"


def test_a_span_marks_both_ends_and_how_it_ended(tracker, sink):
    with tracker.turn(request_id="r1") as turn, turn.span("retrieval", k=5) as span:
        span.note(found=3)
    tracker.flush()

    assert [(event.name, dict(event.metadata)) for event in sink.events] == [
        ("retrieval_start", {"k": 5}),
        ("retrieval_complete", {"outcome": "ok", "found": 3}),
    ]


@pytest.mark.parametrize(
    ("raised", "outcome"), [(ValueError, "error"), (asyncio.CancelledError, "cancelled"), (GeneratorExit, "cancelled")]
)
def test_a_span_that_an_exception_ends_says_so_and_lets_it_pass(tracker, sink, raised, outcome):
    with pytest.raises(raised), tracker.span("retrieval", request_id="r1"):
        raise raised
    tracker.flush()

    assert sink.events[1].metadata == {"outcome": outcome}


def test_a_span_ends_in_the_request_in_which_it_began(tracker, sink):
    span = tracker.span("synthesis")
    with tracker.turn(request_id="r1", session_id="s1"):
        span.__enter__()
    span.__exit__(None, None, None)
    tracker.flush()

    assert [(event.request_id, event.session_id) for event in sink.events] == [("r1", "s1")] * 2


async def _speak(tracker: Tracker, request_id: str, everyone: asyncio.Barrier) -> None:
    with tracker.turn(request_id=request_id):
        await everyone.wait()
        tracker.mark("first")
        await asyncio.create_task(_mark_in_task(tracker))


async def _mark_in_task(tracker: Tracker) -> None:
    tracker.mark("second")


def test_turns_of_tasks_that_run_together_are_kept_apart(tracker, sink):
    async def speak_all() -> None:
        everyone = asyncio.Barrier(20)
        await asyncio.gather(*(_speak(tracker, f"r{number}", everyone) for number in range(20)))

    asyncio.run(speak_all())
    tracker.flush()
    by_request: dict[str, list[str]] = {}
    for event in sink.events:
        by_request.setdefault(event.request_id, []).append(event.name)

    assert by_request == {f"r{number}": ["first", "second"] for number in range(20)}


def test_a_turn_that_is_left_in_another_context_does_no_harm(tracker):
    async def words():
        with tracker.turn(request_id="r1"):
            yield "one"

    async def leave_in_another_task() -> str | None:
        stream = words()
        await stream.__anext__()
        await asyncio.create_task(stream.aclose())
        return current_request_id()

    # The generator's turn stays open where it was entered: contexts can't be left from outside.
    assert asyncio.run(leave_in_another_task()) == "r1"


def test_a_turn_knows_its_ids_in_any_thread(tracker, sink):
    with tracker.turn(request_id="r1", session_id="s1") as turn:
        worker = threading.Thread(target=turn.mark, args=["in_thread"])
        worker.start()
        worker.join()
    tracker.flush()

    assert (sink.events[0].request_id, sink.events[0].session_id) == ("r1", "s1")


def test_no_mark_of_many_threads_is_lost_or_told_twice(tracker, sink):
    def mark_many(number: int) -> None:
        for step in range(200):
            tracker.mark("step", request_id=f"r{number}", step=step)
            if step % 50 == 0:
                tracker.flush()

    threads = [threading.Thread(target=mark_many, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.flush()
    arrived = [(event.request_id, event.metadata["step"]) for event in sink.events]

    assert tracker.stats() == TrackerStats(written=1600, waiting=0, dropped={}, last_error="")
    assert sorted(arrived) == sorted((f"r{number}", step) for number in range(8) for step in range(200))


def test_marks_after_closing_are_counted_as_dropped(sink):
    tracker = Tracker("stt", sink=sink, options=FULL)
    tracker.mark("before", request_id="r1")
    tracker.close()
    tracker.close()
    tracker.mark("after", request_id="r1")

    assert sink.names == ["before"]
    assert tracker.stats() == TrackerStats(written=1, waiting=0, dropped={"closed": 1}, last_error="")


def test_trackers_with_equal_options_share_a_thread_until_the_last_is_closed(tmp_path):
    options = TrackerOptions(data=tmp_path)
    stt, tts = Tracker("stt", options=options), Tracker("tts", options=options)
    stt.mark("speech_end", request_id="r1")
    stt.close()
    tts.mark("tts_synthesis_start", request_id="r1")
    tts.close()
    files = list((tmp_path / "spool").iterdir())

    assert len(files) == 1
    assert [line.split(b'"service":"')[1][:3] for line in files[0].read_bytes().splitlines()] == [b"stt", b"tts"]


def test_a_tracker_that_is_off_writes_nothing(tmp_path):
    tracker = Tracker("stt", options=TrackerOptions(level="off", data=tmp_path))
    with tracker.turn(request_id="r1") as turn, turn.span("retrieval"):
        tracker.mark("speech_end")
        inside = current_request_id()
    tracker.mark_at("speech_end", (1, 2), "r1")

    assert tracker.flush()
    assert inside == "r1"
    assert tracker.stats() == TrackerStats(0, 0, {}, "")
    assert list(tmp_path.iterdir()) == []


def test_what_is_sampled_is_recorded_whole(sink):
    tracker = Tracker("stt", sink=sink, options=TrackerOptions(level="sampled", sample_rate=0.5))
    for number in range(200):
        for name in ("first", "second"):
            tracker.mark(name, request_id=f"r{number}")
        tracker.mark("long", request_id=f"r{number}", text="x" * 1000)
    tracker.close()
    per_request: dict[str, int] = {}
    for event in sink.events:
        per_request[event.request_id] = per_request.get(event.request_id, 0) + 1

    assert set(per_request.values()) == {3}
    assert 70 < len(per_request) < 130


def test_the_environment_decides_where_no_options_are_given(tmp_path):
    options = from_environment(
        {
            "VOXTRACE_DATA": str(tmp_path),
            "VOXTRACE_LEVEL": "Sampled",
            "VOXTRACE_SAMPLE_RATE": "0.25",
            "VOXTRACE_COLLECTOR": "http://127.0.0.1:8881",
        }
    )

    assert options == TrackerOptions("sampled", 0.25, tmp_path, "http://127.0.0.1:8881")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VOXTRACE_LEVEL", "loud"),
        ("VOXTRACE_SAMPLE_RATE", "10%"),
        ("VOXTRACE_SAMPLE_RATE", "1.5"),
        ("VOXTRACE_SAMPLE_RATE", "nan"),
        ("VOXTRACE_COLLECTOR", "127.0.0.1:8881"),
        ("VOXTRACE_COLLECTOR", "http://:8881"),
        ("VOXTRACE_COLLECTOR", "http://host:99999"),
    ],
)
def test_a_variable_that_can_not_be_used_turns_the_tracker_off_and_tells_the_log(monkeypatch, caplog, variable, value):
    monkeypatch.setenv(variable, value)
    tracker = Tracker("stt")
    tracker.mark("speech_end", request_id="r1")

    with pytest.raises(InvalidOption):
        from_environment()
    assert tracker.stats() == TrackerStats(0, 0, {}, "")
    assert "nothing is recorded" in caplog.text


def test_a_clock_sample_holds_the_four_times_of_a_request_and_its_answer():
    sink = RecordingSink()
    tracker = Tracker("stt", sink=sink)
    tracker.clock_sample("agent", (11, 12), (13, 14), "r1")
    tracker.clock_sample("agent", None, (13, 14), "r1")  # type: ignore[arg-type]
    tracker.flush()
    (noted,) = [each for each in sink.events if each.name == "clock.sample"]

    assert sink.names.count("sdk.dropped") == 1
    assert (noted.name, noted.request_id, noted.mono_ns > 11) == ("clock.sample", "r1", True)
    assert dict(noted.metadata) == {
        "peer": "agent",
        "sent_mono_ns": 11,
        "sent_wall_ns": 12,
        "received_wall_ns": 13,
        "answered_wall_ns": 14,
    }
