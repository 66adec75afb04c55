from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.importers.build import NOON_NS, events, notes, read, refused
from tests.importers.logs import PERF, PERF_AUDIO, PERF_TURN
from voxtrace.analysis import assemble
from voxtrace.analysis.model import Turn
from voxtrace.importers.perf_lines import PerfLines

PATH = PurePath("/logs/assistant.log")
PREFIX = "2026-03-02 18:02:14,000 INFO main: "


def imported(*lines: str, end: str = "\n", **known: object):
    return read(PerfLines(), ("\n".join(lines) + end).encode(), PATH, **known)


def turns(items) -> list[Turn]:
    found: dict[str, list] = {}
    for event in events(items):
        found.setdefault(event.request_id, []).append(event)
    return [assemble(request_id, group) for request_id, group in found.items()]


def turn(*lines: str) -> Turn:
    (only,) = turns(imported(*lines))
    return only


def moments(of: Turn) -> dict[str, float]:
    return {mark.stage or mark.name: mark.at / 1e6 for mark in of.marks}


def value(of: Turn, name: str) -> float | None:
    return of.metrics[name].value


def test_a_line_is_a_turn_whose_parts_are_those_it_tells_of():
    told = turn(f"{PREFIX}[PERF] {PERF_TURN}")

    assert value(told, "endpointing_ms") == 480
    assert value(told, "stt_ms") == 215
    assert value(told, "retrieval_ms") == 62
    assert value(told, "llm_first_token_ms") == 305
    assert value(told, "llm_total_ms") == 1410


def test_the_model_was_asked_as_long_before_the_reply_as_the_two_spans_to_the_first_sentence_differ():
    at = moments(turn(f"{PREFIX}[PERF] {PERF_TURN}"))

    assert at["llm.request_sent"] - at["user.speech_end"] == 1772 - 785
    assert at["llm.first_sentence"] - at["user.speech_end"] == 1772
    assert at["user.speech_end"] - at["user.speech_start"] == 3920 - 1772


def test_what_no_number_explains_stays_unattributed():
    told = turn(f"{PREFIX}[PERF] {PERF_TURN}")
    gap = next(part for part in told.parts if not part.explained)

    # Between the transcript (480 + 3 + 215) and the retrieval (1772 - 785 - 5 - 62) nothing was measured.
    assert gap.length / 1e6 == 920 - 698


def test_the_turn_ended_when_its_line_was_written():
    (first, *_) = events(imported(f"{PREFIX}[PERF] {PERF_TURN}"))
    told = turn(f"{PREFIX}[PERF] {PERF_TURN}")

    assert first.wall_ns + told.total == told.started_wall_ns + told.total
    assert (told.started_wall_ns + told.total) % 1_000_000_000 == 0


@pytest.mark.parametrize("order", [0, 1])
def test_the_line_about_audio_belongs_to_the_turn_whose_reply_it_fits_before_or_behind(order):
    lines = [f"{PREFIX}[PERF-AUDIO] {PERF_AUDIO}", f"{PREFIX}[PERF] {PERF_TURN}"]
    told = turn(*(reversed(lines) if order else lines))

    assert value(told, "voice_to_voice_ms") == 1867
    assert moments(told)["filler_heard"] - moments(told)["user.speech_end"] == 805


def test_without_a_line_about_audio_the_wait_is_at_least_until_the_first_sentence_was_handed_over():
    waited = turn(f"{PREFIX}[PERF] {PERF_TURN}").metrics["voice_to_voice_ms"]

    assert (waited.value, waited.bound) == (1772, "lower")


def test_audio_of_another_turn_is_not_given_to_this_one():
    found = imported(f"{PREFIX}[PERF-AUDIO] {PERF_AUDIO.replace('=1867', '=9867')}", f"{PREFIX}[PERF] {PERF_TURN}")

    assert notes(found)["audio_alone"] == 1
    assert "playback.started" not in {event.name for event in events(found)}


def test_none_and_the_zeros_of_what_never_came_stay_unmeasured():
    told = turns(read(PerfLines(), PERF, PATH))[1]

    for name in ("voice_to_voice_ms", "endpointing_ms", "stt_ms", "llm_first_token_ms", "tts_first_audio_ms"):
        assert told.metrics[name].value is None, name
    assert value(told, "llm_total_ms") == 1120


def test_sums_are_recognised_and_the_summary_says_what_was_assumed():
    found = read(PerfLines(), PERF, PATH)

    assert notes(found) == {"local_time": 2, "order_of_causality": 2, "aggregates": 1, "other_lines": 1}
    assert refused(found) == []


def test_a_turn_whose_parts_are_longer_than_its_reply_lag_is_said_to_be_so():
    found = imported(f"{PREFIX}[PERF] {PERF_TURN.replace('reply_lag=1772', 'reply_lag=1100')}")

    assert notes(found)["reply_lag_disagrees"] == 1
    assert value(turns(found)[0], "retrieval_ms") == 62


def test_lines_without_a_time_carry_that_of_the_file_and_keep_their_order():
    first = f"[PERF] {PERF_TURN}"
    found = imported(first, first.replace("llm=1410", "llm=1510"), modified_wall_ns=NOON_NS)
    begun = [told.started_wall_ns + told.total for told in turns(found)]

    assert begun == [NOON_NS + 1, NOON_NS + 2]
    assert notes(found)["file_time"] == 2


def test_equal_lines_without_a_time_are_two_turns_and_with_one_they_are_one():
    bare, timed = f"[PERF] {PERF_TURN}", f"{PREFIX}[PERF] {PERF_TURN}"

    assert len(turns(imported(bare, bare, modified_wall_ns=NOON_NS))) == 2
    assert len(turns(imported(timed, timed))) == 1


def test_without_any_time_a_turn_is_refused_and_not_dated():
    assert [each.unreadable.reason for each in refused(imported(f"[PERF] {PERF_TURN}"))] == ["timestamp"]


@pytest.mark.parametrize("cut", ["[PERF] endpoint=480ms queue=3ms spk=4", f"[PERF] {PERF_TURN[:-4]}"])
def test_a_line_that_was_cut_off_is_torn_and_no_turn_with_other_numbers(cut):
    found = imported(f"{PREFIX}{cut}", end="")

    assert events(found) == []
    assert [each.unreadable.reason for each in refused(found)] == ["torn"]


def test_a_log_that_grew_gives_the_same_ids_again():
    early = imported(f"{PREFIX}[PERF] {PERF_TURN}", end="")
    late = imported(f"{PREFIX}[PERF] {PERF_TURN} prompt=18tok cached=1", f"{PREFIX}[PERF-AUDIO] {PERF_AUDIO}")

    assert {each.event_id for each in events(early)} < {each.event_id for each in events(late)}
    assert {each.request_id for each in events(early)} == {each.request_id for each in events(late)}
