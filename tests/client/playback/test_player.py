"""The jitter buffer and its queue, on a device whose clock the test moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.playback.bench import FRAMES_PER_MS, RATE, Bench
from voxtrace.audio.playout import simulate
from voxtrace.client.playback import player as player_module
from voxtrace.client.playback.player import Pull
from voxtrace.client.playback.prebuffer import LEAST_MS, MOST_MS, START_MS, Prebuffer


def named(reports, name):
    return [(at, facts) for each, at, facts in reports if each == name]


def test_an_utterance_begins_when_the_prebuffer_is_full():
    bench = Bench()
    spoken = bench.utterance()
    bench.at(10)
    bench.send(spoken, 30)
    bench.at(35)
    bench.send(spoken, 30)
    bench.at(100)
    ((at, facts),) = named(bench.reports(), "playback.started")

    assert at == 35
    assert (facts["prebuffer_ms"], facts["buffered_ms"], facts["waited_ms"]) == (60, 60, 25)


def test_an_utterance_begins_at_the_latest_when_its_prebuffer_time_is_over():
    bench = Bench()
    bench.at(10)
    bench.send(bench.utterance(), 20)
    bench.at(200)

    assert [at for at, _ in named(bench.reports(), "playback.started")] == [10 + START_MS]


def test_a_short_utterance_that_is_complete_begins_at_once_and_is_heard_to_its_last_sample():
    bench = Bench()
    spoken = bench.utterance()
    bench.at(5)
    bench.send(spoken, 10)
    bench.end(spoken)
    bench.at(50)
    reports = bench.reports()
    ((at, facts),) = named(reports, "playback.completed")

    assert [at for at, _ in named(reports, "playback.started")] == [5]
    assert (at, facts["played_ms"], facts["outcome"]) == (15, 10, "ok")
    np.testing.assert_array_equal(bench.heard[5 * FRAMES_PER_MS : 15 * FRAMES_PER_MS], bench.sent[0])


def test_a_gap_in_the_middle_is_an_underrun_that_lasts_until_the_next_sample():
    bench = Bench()
    spoken = bench.utterance()
    bench.send(spoken, 100)
    bench.at(250)
    bench.send(spoken, 100)
    bench.end(spoken)
    bench.at(400)
    reports = bench.reports()
    ((_, facts),) = named(reports, "playback.completed")

    assert named(reports, "playback.underrun_start") == [(100, {"episode": 1, "ms": 150})]
    assert named(reports, "playback.underrun_end") == [(250, {"episode": 1, "ms": 150})]
    assert (facts["underruns"], facts["underrun_ms"], facts["played_ms"]) == (1, 150, 200)


def test_being_empty_at_the_end_is_no_underrun():
    bench = Bench()
    spoken = bench.utterance()
    bench.send(spoken, 100)
    bench.at(500)
    bench.end(spoken)
    bench.at(510)
    reports = bench.reports()
    ((at, facts),) = named(reports, "playback.completed")

    assert named(reports, "playback.underrun_start") == []
    assert (at, facts["underruns"]) == (100, 0)


def test_an_underrun_in_the_device_itself_is_counted_and_only_within_an_utterance():
    bench = Bench()
    spoken = bench.utterance()
    bench.player.render(8, Pull(bench.begin_ns, late=True))
    bench.send(spoken, 100)
    bench.at(10)
    bench.player.render(8, Pull(bench.clock.mono_ns(), late=True))
    bench.end(spoken)
    bench.at(200)
    ((_, facts),) = named(bench.reports(), "playback.completed")

    assert (facts["device_underruns"], facts["underruns"]) == (1, 0)


def test_the_first_audible_sample_is_told_with_its_own_moment():
    bench = Bench()
    spoken = bench.utterance()
    bench.send(spoken, 80, level=0)
    bench.at(40)
    bench.send(spoken, 100, level=8000)
    bench.at(200)
    ((at, facts),) = named(bench.reports(), "playback.first_sample")

    assert (at, facts["position_ms"], facts["device"]) == (80, 80, "null")
    assert facts["uncertainty_ms"] == pytest.approx(1000 / RATE, abs=0.001)


def test_the_first_audible_sample_is_told_even_where_it_was_played_before_it_was_known():
    bench = Bench()
    spoken = bench.utterance()
    bench.send(spoken, 60, level=0)
    bench.send(spoken, 10, level=8000)  # 20 ms are needed to know
    bench.at(75)
    bench.send(spoken, 30, level=8000)
    bench.at(200)

    assert [at for at, _ in named(bench.reports(), "playback.first_sample")] == [60]


def test_an_utterance_of_silence_has_no_audible_sample():
    bench = Bench()
    spoken = bench.utterance()
    bench.send(spoken, 100, level=0)
    bench.end(spoken)
    bench.at(200)

    assert named(bench.reports(), "playback.first_sample") == []


def test_one_utterance_plays_and_the_others_wait_for_their_turn():
    bench = Bench()
    first, second = bench.utterance("a", owner=1), bench.utterance("b", owner=2)
    bench.send(first, 60)
    bench.send(second, 60)
    bench.end(second)
    bench.at(100)
    bench.end(first)
    bench.at(300)

    assert [(name, at) for name, at, _ in bench.reports() if name in ("playback.started", "playback.completed")] == [
        ("playback.started", 0),
        ("playback.completed", 60),
        ("playback.started", 100),
        ("playback.completed", 160),
    ]


def test_a_client_that_went_silent_gives_way_to_one_that_waits():
    bench = Bench()
    first, second = bench.utterance("a", owner=1), bench.utterance("b", owner=2)
    bench.send(first, 60)
    bench.at(9_000)
    bench.send(second, 60)
    too_early = bench.player.give_way(bench.clock.mono_ns())
    bench.at(11_000)

    assert too_early is None
    assert bench.player.give_way(bench.clock.mono_ns()) is first
    bench.at(11_100)
    reports = bench.reports()
    ((completed, facts),) = named(reports, "playback.completed")
    assert (completed, facts["error"]) == (60, "stalled")
    assert [at for at, _ in named(reports, "playback.started")] == [0, 11_000]


def test_a_client_that_went_silent_keeps_the_device_while_nobody_waits():
    bench = Bench()
    bench.send(bench.utterance(), 60)
    bench.at(60_000)

    assert bench.player.give_way(bench.clock.mono_ns()) is None


def test_pausing_holds_the_sound_and_loses_none_of_it():
    bench = Bench()
    spoken = bench.utterance()
    bench.send(spoken, 100)
    bench.end(spoken)
    bench.at(40)
    bench.player.pause(1, paused=True)
    bench.at(140)
    bench.player.pause(1, paused=False)
    bench.at(300)
    ((at, facts),) = named(bench.reports(), "playback.completed")

    assert (at, facts["underruns"]) == (200, 0)
    assert not bench.heard[40 * FRAMES_PER_MS : 140 * FRAMES_PER_MS].any()
    np.testing.assert_array_equal(bench.heard[bench.heard != 0], bench.sent[0])


def test_stopping_drops_what_nobody_heard_yet_and_counts_it():
    bench = Bench()
    spoken, later, other = bench.utterance("a"), bench.utterance("b"), bench.utterance("c", owner=2)
    for each in (spoken, later, other):
        bench.send(each, 100)
        bench.end(each)
    bench.at(30)
    bench.player.stop(1, bench.clock.mono_ns())
    bench.at(300)
    completed = [facts for _, facts in named(bench.reports(), "playback.completed")]

    assert [(each["outcome"], each["played_ms"], each["dropped_ms"]) for each in completed] == [
        ("cancelled", 30, 70),
        ("cancelled", 0, 100),
        ("ok", 100, 0),
    ]


def test_what_does_not_fit_is_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(player_module, "MAX_BUFFERED_BYTES", 100 * FRAMES_PER_MS * 2)
    bench = Bench()
    spoken, other = bench.utterance(), bench.utterance("b", owner=2)
    dropped = [bench.send(spoken, 80), bench.send(spoken, 80), bench.send(other, 80)]
    bench.end(spoken)
    bench.at(300)
    ((_, facts),) = named(bench.reports(), "playback.completed")

    assert dropped == [0, 60 * FRAMES_PER_MS, 0]
    assert (facts["played_ms"], facts["dropped_ms"]) == (100, 60)


def test_the_buffer_of_an_utterance_after_an_underrun_is_larger():
    bench = Bench()
    for number in range(20):
        spoken = bench.utterance()
        bench.at(number * 1000)
        bench.send(spoken, 200)
        bench.at(number * 1000 + 300)
        bench.send(spoken, 10)
        bench.end(spoken)
    bench.at(20_000)
    told = [facts["prebuffer_ms"] for _, facts in named(bench.reports(), "playback.completed")]

    assert told == sorted(told)
    assert (told[:3], told[-1]) == ([START_MS, START_MS + 20, START_MS + 40], MOST_MS)


def test_the_prebuffer_shrinks_slowly_while_nothing_goes_wrong_and_not_below_its_least():
    calm = Prebuffer()
    calm.played(4_999)
    before = calm.target_ms
    calm.played(1)
    after = calm.target_ms
    calm.played(3_600_000)

    assert (before, after, calm.target_ms) == (START_MS, START_MS - 1, LEAST_MS)


arrivals = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300)), min_size=1, max_size=12)


@given(arrivals)
def test_underruns_are_those_of_the_playout_simulation_for_any_arrivals(pattern):
    bench, spoken, now, chunks = Bench(), None, 0, []
    spoken = bench.utterance()
    for gap, audio in pattern:
        now += gap
        bench.at(now)
        bench.send(spoken, audio)
        chunks.append((now * 1_000_000, audio * 1_000_000))
    bench.end(spoken)
    bench.at(now + sum(audio for _, audio in pattern) + MOST_MS + 1)
    reports = bench.reports()
    ((started, _),) = named(reports, "playback.started")
    ((completed, facts),) = named(reports, "playback.completed")
    said = simulate(chunks, round(started * 1_000_000) - chunks[0][0])

    assert (facts["underruns"], facts["underrun_ms"]) == (said.stall_count, said.stall_ns / 1e6)
    assert completed == said.end_ns / 1e6
    assert [(at, facts["ms"]) for at, facts in named(reports, "playback.underrun_start")] == [
        (begin / 1e6, length / 1e6) for begin, length in said.stalls
    ]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 200)),
        st.tuples(st.just("wait"), st.integers(0, 300)),
        st.sampled_from([("pause", 0), ("resume", 0), ("end", 0), ("stop", 0)]),
    ),
    max_size=30,
)


@given(steps, st.sampled_from([1, 2]))
def test_what_came_out_is_what_was_sent_and_was_not_dropped_plus_the_declared_silence(plan, channels):
    bench, spoken = Bench(channels), None
    spoken = bench.utterance()
    all_of_them, kept, now = [spoken], [], 0.0
    for step, amount in plan:
        if step == "send":
            if spoken.ended:
                spoken = bench.utterance()
                all_of_them.append(spoken)
            bench.send(spoken, amount)
            kept.append((spoken, bench.sent[-1]))
        elif step == "wait":
            now += amount
            bench.at(now)
        elif step == "end":
            bench.end(spoken)
        elif step == "stop":
            bench.player.stop(1, bench.clock.mono_ns())
        else:
            bench.player.pause(1, paused=step == "pause")
    bench.player.pause(1, paused=False)
    bench.end(spoken)
    bench.at(now + 10_000)
    heard = bench.heard
    sound = heard[heard != 0]
    expected = []
    for each in all_of_them:
        sent = np.concatenate([np.zeros(0, np.int16), *(samples for owner, samples in kept if owner is each)])
        expected.append(sent[: each.played * channels])

    np.testing.assert_array_equal(sound, np.concatenate(expected))
    assert all(each.received == each.played + each.dropped for each in all_of_them)
    assert (heard.size - sound.size) // channels == bench.declared_silence()
