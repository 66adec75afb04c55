"""How fast an engine is, how long its pieces may be, and how much a listener has left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.lead import Lead
from voxtrace.speech.pace import LONGEST_HOLD_S, Pace, ramp
from voxtrace.speech.text.segment import RAMP, pieces_of

CHAR_NS = 60_000_000
SECOND = 1_000_000_000


def test_nothing_is_known_before_the_first_piece():
    pace = Pace()

    assert (pace.rtf, pace.first_block_ns, pace.busy_ns(100), pace.limits()) == (None, None, 0, RAMP)


def test_the_real_time_factor_is_synthesis_by_audio():
    pace = Pace()
    pace.learn(10, busy_ns=300, audio_ns=1000, first_block_ns=70)

    assert (pace.rtf, pace.busy_ns(20), pace.audio_ns(20), pace.first_block_ns) == (0.3, 600, 2000, 70)


def test_a_change_of_pace_is_learned_within_a_few_pieces():
    pace = Pace()
    pace.learn(10, 100, 1000, 1)
    for _ in range(30):
        pace.learn(10, 500, 1000, 1)

    assert pace.rtf == pytest.approx(0.5, rel=0.02)


def test_a_piece_without_sound_teaches_nothing():
    pace = Pace()
    pace.learn(10, 100, 0, 0)

    assert pace.pieces == 0


def test_a_fast_engine_speaks_the_longest_pieces():
    assert ramp(0.0014, CHAR_NS) == ramp(0.04, CHAR_NS) == RAMP


def test_between_two_steps_of_the_pace_the_pieces_are_the_same():
    assert ramp(0.21, CHAR_NS) == ramp(0.39, CHAR_NS)


@given(st.floats(0.001, 4), st.floats(0.001, 4))
def test_a_slower_engine_never_gets_longer_pieces(one, other):
    fast, slow = sorted((one, other))
    for quick, late in zip(ramp(fast, CHAR_NS), ramp(slow, CHAR_NS), strict=True):
        assert late.most <= quick.most


@pytest.mark.parametrize("rtf", [0.01, 0.1, 0.2, 0.3, 0.5, 0.65])
def test_no_listener_of_a_single_stream_runs_dry(rtf):
    """Each piece arrives whole when it is made: the worst that an engine can do."""
    text = "The sentences of this text are long enough, and they have clauses, so that there is a choice. " * 30
    lead, now = Lead(), 0
    for piece in pieces_of(text, ramp(rtf, CHAR_NS)):
        now += round(len(piece.text) * CHAR_NS * rtf)
        lead.supply(now, len(piece.text) * CHAR_NS)

    assert lead.stalls == 0


@pytest.mark.parametrize("rtf", [0.1, 0.3])
def test_no_piece_keeps_an_engine_from_others_for_long(rtf):
    longest = max(limits.most for limits in ramp(rtf, CHAR_NS)[1:])

    assert longest * CHAR_NS * rtf <= LONGEST_HOLD_S * SECOND


def test_a_listener_who_gets_audio_in_time_never_stalls():
    lead = Lead()
    late = [lead.supply(now, 10) for now in (100, 105, 115, 130)]

    assert (late, lead.stalls, lead.left_ns(130)) == ([0, 0, 0, 0], 0, 10)


def test_a_listener_who_runs_dry_goes_on_when_there_is_audio_again():
    lead = Lead()
    lead.supply(0, 10)
    late = lead.supply(25, 10)

    assert (late, lead.stalls, lead.stall_ns, lead.left_ns(25)) == (15, 1, 15, 10)
