"""Which piece goes next: properties that hold for any queue, and what a crowd of listeners notices."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.crowd import bursts_beside_a_long_text, p95, play
from voxtrace.speech.schedule import SCHEDULES, EarliestDeadline, FirstInFirstOut, new_schedule


@dataclass(eq=False)
class Piece:
    """Nothing but what a schedule looks at."""

    is_first: bool = True
    due_ns: int = 0
    admitted_ns: int = 0


pieces = st.lists(st.builds(Piece, st.booleans(), st.integers(0, 50), st.integers(0, 50)), max_size=40)


def pushed(schedule, queued):
    for piece in queued:
        schedule.push(piece)
    return schedule


def drained(schedule, now_ns=0):
    taken = []
    while (piece := schedule.pop(now_ns)) is not None:
        taken.append(piece)
    return taken


@pytest.mark.parametrize("name", SCHEDULES)
@given(queued=pieces, taken_back=st.sets(st.integers(0, 39)), now_ns=st.integers(0, 60))
def test_each_piece_is_taken_once_unless_it_was_taken_back(name, queued, taken_back, now_ns):
    schedule = pushed(new_schedule(name), queued)
    gone = [piece for number, piece in enumerate(queued) if number in taken_back]
    for piece in gone:
        schedule.discard(piece)
    kept = [piece for piece in queued if piece not in gone]

    assert len(schedule) == len(kept)
    assert set(map(id, schedule)) == set(map(id, kept))
    assert sorted(map(id, drained(schedule, now_ns))) == sorted(map(id, kept))
    assert len(schedule) == 0


@given(queued=pieces, now_ns=st.integers(0, 60))
def test_within_each_class_the_earlier_deadline_goes_first(queued, now_ns):
    taken = drained(pushed(EarliestDeadline(), queued), now_ns)
    firsts = [piece.due_ns for piece in taken if piece.is_first]
    later = [piece.due_ns for piece in taken if not piece.is_first]

    assert firsts == sorted(firsts)
    assert later == sorted(later)


@given(queued=pieces, now_ns=st.integers(0, 60))
def test_who_would_hear_a_gap_now_never_waits_for_a_first_piece(queued, now_ns):
    schedule = pushed(EarliestDeadline(), queued)
    urgent = sum(not piece.is_first and piece.due_ns <= now_ns for piece in queued)
    taken = drained(schedule, now_ns)
    before = [piece for piece in taken[:urgent] if piece.is_first and piece.due_ns >= now_ns]

    assert before == []


@given(queued=pieces, now_ns=st.integers(0, 60))
def test_who_hears_nothing_yet_never_waits_for_a_continuation_that_can_wait_longer(queued, now_ns):
    taken = drained(pushed(EarliestDeadline(), queued), now_ns)
    for place, piece in enumerate(taken):
        waiting = [other.due_ns for other in taken[place:] if other.is_first]

        assert piece.is_first or not waiting or piece.due_ns <= max(min(waiting), now_ns)


def test_a_crowd_that_is_late_does_not_make_running_speech_stutter():
    late, about_to_run_dry = Piece(due_ns=10), Piece(is_first=False, due_ns=90)
    schedule = pushed(EarliestDeadline(), [late, about_to_run_dry])

    assert schedule.pop(now_ns=100) is about_to_run_dry


def test_what_must_be_begun_now_to_be_there_in_time_is_begun_now():
    late, runs_dry_soon = Piece(due_ns=10), Piece(is_first=False, due_ns=130)
    can_wait, must_begin = (pushed(EarliestDeadline(), [late, runs_dry_soon]) for _ in range(2))

    assert can_wait.pop(now_ns=100, margin_ns=20) is late
    assert must_begin.pop(now_ns=100, margin_ns=40) is runs_dry_soon


def test_pieces_that_are_equally_urgent_go_in_the_order_in_which_they_came():
    queued = [Piece(due_ns=5) for _ in range(20)]

    assert drained(pushed(EarliestDeadline(), queued)) == queued


def test_first_in_first_out_serves_a_request_to_its_end():
    long = [Piece(is_first=number == 0, due_ns=number * 100, admitted_ns=1) for number in range(3)]
    short = Piece(due_ns=0, admitted_ns=2)

    assert drained(pushed(FirstInFirstOut(), [short, *long])) == [*long, short]


def test_pieces_that_are_taken_back_do_not_pile_up():
    schedule = EarliestDeadline()
    for _ in range(10_000):
        piece = Piece()
        schedule.push(piece)
        schedule.discard(piece)

    assert len(schedule._firsts.entries) < 300
    assert schedule.pop(0) is None


@pytest.mark.parametrize("seed", range(5))
def test_bursts_of_short_texts_hear_something_three_times_sooner_than_first_in_first_out(seed):
    crowd = bursts_beside_a_long_text(seed)
    by_deadline, in_order = (play(crowd, new_schedule(name)) for name in ("edf", "fifo"))
    ours, theirs = (p95([each.ttfa_s for each in heard if each.is_short]) for heard in (by_deadline, in_order))
    print(f"seed {seed}: p95 of the short texts {ours:.2f} s, first in first out {theirs:.2f} s")

    assert ours <= theirs / 3
    assert [each.stall_s for each in by_deadline if not each.is_short] == [0]
