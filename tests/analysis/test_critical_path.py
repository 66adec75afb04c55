"""What a first sound waited for, by which margin the rest was in time, and what a changed step would change."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.samples import sample
from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.chunks import stream_slack
from voxtrace.analysis.critical_path import critical_path, shares, tiles
from voxtrace.analysis.graph import MOST_STEPS, Step, Unplayable, order_of, points_of, replay, steps_of
from voxtrace.analysis.model import Chunk, Labels, Span, Turn
from voxtrace.analysis.tiling import Wait, tile
from voxtrace.audio.playout import simulate
from voxtrace.events.codec import decode
from voxtrace.testing.turns import client_events, event, server_events
from voxtrace.units import millis


def english_tutor():
    lines = sample("english_tutor/log_analysis.jsonl").read_bytes().splitlines()
    return assemble("sample", [decode(line) for line in lines])


def chunk(number, begin, ready, audio_ms, **more):
    return [
        event("chunk_tts_start", begin, "tts", chunk=number, **more),
        event("chunk_tts_end", ready, "tts", chunk=number, audio_duration_ms=audio_ms),
    ]


def turn(*events):
    return assemble("r1", [event("request_received", 0, "backend"), *events])


def states(path):
    return [(each.name, each.state, None if each.slack is None else millis(each.slack)) for each in path.chunks]


def test_the_sample_is_told_as_its_own_analysis_tells_it():
    found = english_tutor()

    assert found.metrics["request_to_audio_ms"].value == pytest.approx(13_650, abs=5)
    assert found.metrics["stt_to_audio_ms"].value == pytest.approx(14_280, abs=5)
    assert states(critical_path(found)) == [("0", "critical", 0), ("1", "hidden", 4380)]


def test_the_samples_second_synthesis_is_named_with_what_it_costs_and_how_sure_that_is():
    path = critical_path(english_tutor())
    (remark,) = [each for each in path.remarks if each.rule == "done_twice"]

    assert (remark.certainty, millis(remark.gain)) == ("likely", 5240)
    assert shares(path)[0][0] == "metadata call"


def test_a_late_chunk_is_an_audible_gap():
    path = critical_path(turn(*chunk(0, 10, 100, 500), *chunk(1, 20, 700, 400), *chunk(2, 30, 1_000, 100)))

    assert states(path) == [("0", "critical", 0), ("1", "starving", -100), ("2", "hidden", 100)]
    assert millis(path.gap) == 100


def test_an_answer_of_one_chunk_has_no_gap_to_measure():
    found = turn(*chunk(0, 10, 100, 500))

    assert found.metrics["chunk_gap_ms"].missing == "the answer is one chunk: there is no gap between chunks"
    assert critical_path(found).gap is None


def test_chunks_are_heard_in_the_order_of_their_numbers_and_not_as_they_came():
    path = critical_path(turn(*chunk(10, 10, 300, 500), *chunk(9, 20, 400, 200)))

    assert states(path) == [("9", "critical", 0), ("10", "hidden", 300)]


def test_without_the_length_of_the_sound_nobody_knows_when_the_next_chunk_is_needed():
    path = critical_path(turn(*chunk(0, 10, 100, None), *chunk(1, 20, 700, 400)))

    assert states(path) == [("0", "critical", 0), ("1", "unknown", None)]
    assert path.gap is None


def test_one_text_that_was_synthesised_twice_is_certain_where_a_hash_says_so():
    twice = turn(*chunk(0, 10, 100, 500, text_hash="ab"), *chunk(1, 20, 300, 400, text_hash="ab"))
    (remark,) = [each for each in critical_path(twice).remarks if each.rule == "done_twice"]

    assert (remark.certainty, remark.message) == ("certain", "chunks 0, 1 have the same text_hash")


def test_equal_lengths_alone_are_only_possible():
    alike = turn(*chunk(0, 10, 100, 500, text_length=9), *chunk(1, 20, 300, 500, text_length=9))
    (remark,) = [each for each in critical_path(alike).remarks if each.rule == "done_twice"]

    assert remark.certainty == "possible"


def test_told_lengths_that_do_not_add_up_place_nothing():
    end = event("chunk_tts_end", 1_000, "tts", chunk=0, api_request_s=0.2, metadata_s=0.3)
    found = turn(event("chunk_tts_start", 0, "tts", chunk=0), end)

    assert "metadata call" not in {span.name for span in found.spans}


def test_synthesis_alone_and_beside_others_are_two_numbers():
    found = turn(*chunk(0, 0, 100, 100), *chunk(1, 200, 400, 100), *chunk(2, 210, 390, 100))

    assert found.metrics["chunk_rtf_alone"].value == pytest.approx(1.0)
    assert found.metrics["chunk_rtf_beside"].value == pytest.approx(1.9)


def test_the_slowest_chunk_and_the_pace_of_all_of_them_are_numbers():
    found = turn(*chunk(0, 0, 2000, 100, text_length=30), *chunk(1, 100, 4100, 100, text_length=60)).metrics

    assert (found["chunk_synthesis_ms"].value, found["chunk_synthesis_ms"].note) == (4000, "chunk 1 of 2")
    assert found["chunk_chars_per_s"].value == pytest.approx(15)


def test_a_chunk_whose_text_is_not_told_leaves_the_pace_open():
    found = turn(*chunk(0, 0, 2000, 100, text_length=30), *chunk(1, 100, 4100, 100)).metrics

    assert found["chunk_chars_per_s"].missing == "the log does not tell how long the text of each chunk is"


def test_many_turns_tell_whether_chunks_slow_each_other_down():
    alone = [turn(*chunk(0, 0, 100 + n, 100)) for n in range(25)]
    beside = [turn(*chunk(0, 0, 200 + 2 * n, 100), *chunk(1, 0, 200 + 2 * n, 100)) for n in range(25)]
    (group,) = summarize([*alone, *beside]).groups
    (few,) = summarize([*alone[:5], *beside]).groups

    assert group.contention.value == pytest.approx(2.0)
    assert group.contention.interval.low > 1.8
    assert few.contention is None


def test_a_search_that_could_begin_sooner_takes_its_parts_along():
    found = turn(
        event("v34_classification_start", 0, "backend"),
        event("v34_classification_complete", 100, "backend"),
        event("v34_retrieval_start", 100, "backend"),
        event("v34_retrieval_embedding_start", 100, "backend"),
        event("v34_retrieval_embedding_complete", 150, "backend"),
        event("v34_retrieval_query_start", 150, "backend"),
        event("v34_retrieval_query_complete", 240, "backend"),
        event("v34_retrieval_complete", 250, "backend"),
        event("v34_prompt_built", 260, "backend"),
        event("tts_audio_playback_start", 400, "tts"),
    )
    gains = {each.message.partition(" ")[0]: millis(each.gain) for each in critical_path(found).remarks}

    # The query needs the class: only the embedding runs beside it, and the query begins when both are there.
    assert gains == {"retrieval": 100, "embedding": 50}


def test_what_ran_beside_the_path_has_slack():
    found = turn(
        event("v34_memory_storage_start", 10, "backend"),
        event("v34_memory_storage_complete", 40, "backend"),
        event("v34_classification_start", 10, "backend"),
        event("v34_classification_complete", 100, "backend"),
        event("v34_ollama_sent", 100, "backend"),
        event("v34_ollama_received", 500, "backend"),
        event("tts_audio_playback_start", 700, "tts"),
    )
    path = critical_path(found)

    assert [(step.name, millis(step.slack)) for step in path.beside] == [("memory storage", 60)]
    assert [link.name for link in path.links][-2:] == ["language model", "unattributed"]


def test_a_stream_of_one_request_tells_its_tightest_arrival():
    found = assemble("r1", client_events(chunks=[(120, 100), (200, 50), (280, 50)]) + server_events())

    assert [millis(each) for each in critical_path(found).stream_slack] == [0, 20, -10]


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 300)), min_size=1, max_size=20))
def test_the_slack_of_arrivals_says_the_same_as_the_stalls(arrivals):
    chunks = [Chunk(at, audio, 1) for at, audio in sorted(arrivals)]
    late = stream_slack(chunks)

    assert sum(-each for each in late if each < 0) == simulate([(c.at, c.audio) for c in chunks]).stall_ns


# ---- any turn


@st.composite
def turns(draw):
    spans = []
    for number in range(draw(st.integers(1, 10))):
        begin = draw(st.integers(0, 60))
        end = begin + draw(st.integers(0, 40))
        depth, side = draw(st.integers(0, 2)), draw(st.sampled_from(["llm.x", "tts.x", ""]))
        spans.append(Span(f"step {number}", draw(st.sampled_from("ab")), begin, end, {}, side, depth))
    total = max(span.end for span in spans)
    parts = tile(spans, total, Wait())
    return Turn("r", None, "conversation", 0, total, Labels(), {}, parts, (), spans=tuple(spans))


@given(turns())
def test_the_links_of_a_path_tile_the_wait(found):
    path = critical_path(found)

    assert tiles(path.links)
    assert sum(link.length for link in path.links) == path.end - path.begin


@given(turns())
def test_a_replay_without_a_change_is_the_turn_itself(found):
    steps = steps_of(found)
    same = replay(steps, {}, [found.total, 0, found.total // 2])

    assert same.moments == [found.total, 0, found.total // 2]
    assert [(step.begin, step.end) for step in steps] == list(zip(same.begins, same.ends, strict=True))


@given(turns(), st.data())
def test_a_shorter_step_never_makes_anything_later(found, data):
    steps = steps_of(found)
    name = data.draw(st.sampled_from([step.name for step in steps]))
    try:
        shorter = replay(steps, {name: lambda took: took / 2}, [found.total])
    except Unplayable:
        return

    assert shorter.moments[0] <= found.total
    assert all(new <= step.end for new, step in zip(shorter.ends, steps, strict=True))


@given(turns())
def test_slack_is_how_much_longer_a_step_may_take_without_anybody_noticing(found):
    path, steps = critical_path(found), steps_of(found)
    assume(path.beside)
    for beside in path.beside:
        longer = 1_000 if beside.slack is None else beside.slack
        moved = [
            replay(steps, {beside.name: lambda took, more=more: took + more}, [path.end]).moments[0]
            for more in (longer, longer + 1)
        ]

        assert moved[0] == path.end
        assert beside.slack is None or moved[1] > path.end


@given(turns())
def test_every_point_stands_behind_what_it_waited_for(found):
    steps = steps_of(found)
    points = points_of(steps)

    assert len(order_of(steps)) == len(points) == 2 * len(steps)
    assert all(point.cause < index for index, point in enumerate(points))
    assert all(point.cause < 0 or points[point.cause].at <= point.at for point in points)


def test_a_whole_that_would_end_before_its_part_can_not_be_replayed():
    steps = (Step("whole", 0, 100), Step("part", 10, 60, 0))

    with pytest.raises(Unplayable, match="whole contains other steps"):
        replay(steps, {"whole": lambda took: 20.0}, [100])


def test_a_turn_that_waits_for_its_first_token_gains_what_the_token_gains():
    steps = steps_of(
        turn(
            event("v34_ollama_sent", 0, "backend"),
            event("llm_first_token", 300, "backend"),
            event("llm_first_sentence", 400, "backend"),
            event("v34_ollama_received", 900, "backend"),
            event("tts_request_received", 410, "tts"),
            event("tts_synthesis_start", 410, "tts"),
            event("tts_audio_playback_start", 700, "tts"),
        )
    )
    faster = replay(steps, {"first token": lambda took: took - 200e6}, [700_000_000, 900_000_000])

    assert faster.moments == [500e6, 700e6]


def test_a_storm_of_overlapping_chunks_is_taken_apart_without_comparing_each_with_each():
    storm = [each for n in range(2_100) for each in chunk(n, n, 10_000 + n, 10)]
    found = turn(*storm)

    assert len(steps_of(found)) == MOST_STEPS
    assert found.metrics["chunk_rtf_beside"].measured
    assert len(critical_path(found).chunks) == 2_100
