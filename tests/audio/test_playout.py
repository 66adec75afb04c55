import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import sample
from voxtrace.audio.playout import NoAudio, simulate
from voxtrace.units import NANOS_PER_MILLI, millis, nanos_from_millis

MS = NANOS_PER_MILLI
BYTES_PER_SECOND = 48_000  # 24 kHz, 16 bit, mono

streams = st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 10**10)), min_size=1, max_size=40)


def test_a_gap_between_arrivals_is_no_stall_while_the_buffer_lasts():
    played = simulate([(0, 500 * MS), (400 * MS, 100 * MS)])

    assert (played.stall_count, played.stalls, played.end_ns) == (0, (), 600 * MS)


def test_an_empty_buffer_stalls_until_the_next_chunk_comes():
    played = simulate([(10 * MS, 100 * MS), (150 * MS, 20 * MS), (200 * MS, 50 * MS)])

    assert played.stalls == ((110 * MS, 40 * MS), (170 * MS, 30 * MS))
    assert (played.stall_count, played.stall_ns, played.max_stall_ns) == (2, 70 * MS, 40 * MS)
    assert (played.required_prebuffer_ns, played.end_ns) == (70 * MS, 250 * MS)


def test_a_chunk_that_comes_exactly_when_the_buffer_is_empty_is_in_time():
    assert simulate([(0, 100), (100, 100)]).stall_count == 0


def test_a_container_header_does_not_start_the_player():
    assert simulate([(0, 0), (50, 10), (60, 10)]).stall_count == 0


@pytest.mark.parametrize("chunks", [[], [(5, 0)]])
def test_a_stream_without_audio_has_no_playout(chunks):
    with pytest.raises(NoAudio):
        simulate(chunks)


@given(streams)
def test_the_required_prebuffer_is_enough(stream):
    assert simulate(stream, simulate(stream).required_prebuffer_ns).stalls == ()


@given(streams)
def test_one_nanosecond_less_than_the_required_prebuffer_stalls_for_it(stream):
    required = simulate(stream).required_prebuffer_ns

    if required > 0:
        assert simulate(stream, required - 1).stall_ns == 1


@given(streams)
def test_stalls_and_audio_fill_the_time_from_the_first_arrival_to_the_end(stream):
    played = simulate(stream)

    assert played.end_ns - min(stream)[0] == sum(audio for _, audio in stream) + played.stall_ns
    assert played.stall_ns == played.required_prebuffer_ns


@given(streams.flatmap(lambda stream: st.tuples(st.just(stream), st.permutations(stream))))
def test_the_order_in_which_chunks_are_handed_over_does_not_matter(both):
    stream, shuffled = both

    assert simulate(shuffled) == simulate(stream)


def test_real_traces_stall_as_the_reference_model_says():
    expected = list(csv.DictReader(sample("kokoro_bench/expected_playout.csv").read_text().splitlines()))

    for row in expected:
        trace = csv.DictReader(sample(f"kokoro_bench/{row['file']}").read_text().splitlines())
        played = simulate(
            [
                (nanos_from_millis(float(read["ms_since_start"])), int(read["bytes"]) * 10**9 // BYTES_PER_SECOND)
                for read in trace
            ]
        )
        stall_ms = float(row["playout_stall_ms"])
        assert played.stall_count == int(row["playout_stalls"]), row["file"]
        assert millis(played.stall_ns) == pytest.approx(stall_ms, abs=2, rel=0.001), row["file"]
        assert millis(played.end_ns) == pytest.approx(float(row["playout_end_ms"]), abs=2, rel=0.001), row["file"]
    assert len(expected) == 50
