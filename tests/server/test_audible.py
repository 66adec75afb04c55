"""When an answer became audible, on a clock that stands still in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.client.answers import MS, pcm
from voxtrace.server.audible import Audible
from voxtrace.speech.encode import FORMATS, Format
from voxtrace.testing import ManualClock

PLAIN = FORMATS["pcm"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def ttfa_ms(clock: ManualClock, sound: bytes, block_ms: int, *, takes_ms: int, held_ms: int = 0, form: Format = PLAIN):
    """What is reported of sound that is made in blocks, each of which takes so long, behind an encoder that gives
    nothing before it has `held_ms` of sound."""
    audible = Audible(form, 24_000, clock.mono_ns(), clock.mono_ns)
    for begin in range(0, len(sound), block_ms * MS):
        clock.advance(seconds=takes_ms / 1000)
        block = sound[begin : begin + block_ms * MS]
        audible.sent(block, b"sound" if begin + len(block) >= held_ms * MS else b"")
    return None if audible.ttfa_ns is None else audible.ttfa_ns / 1e6


@pytest.mark.parametrize("block_ms", [1, 5, 20, 60, 200])
@pytest.mark.parametrize("silence_ms", [0, 5, 120, 395])
def test_the_silence_is_added_to_the_first_bytes_however_small_the_blocks(clock, block_ms, silence_ms):
    heard = ttfa_ms(clock, pcm(silence_ms, 300), block_ms, takes_ms=block_ms)

    assert heard == pytest.approx(block_ms + silence_ms)


@pytest.mark.parametrize(("held_ms", "front_ms"), [(34, 46), (86, 43), (40, 0), (20, 0)])
def test_what_a_codec_holds_back_and_puts_in_front_is_waited_for_too(clock, held_ms, front_ms):
    form = replace(PLAIN, in_front=front_ms * 24)
    heard = ttfa_ms(clock, pcm(120, 300), 2, takes_ms=2, held_ms=held_ms, form=form)

    assert heard == pytest.approx(held_ms + 120 + front_ms)


def test_a_player_can_not_begin_with_a_part_of_a_frame(clock):
    """Five bytes leave with each block, and the first frame has twelve."""
    form = replace(PLAIN, first_frame=lambda _begin: 12)

    assert ttfa_ms(clock, pcm(120, 300), 20, takes_ms=20, form=form) == pytest.approx(3 * 20 + 120)


def test_sound_that_comes_later_than_it_would_be_played_is_heard_when_it_comes(clock):
    """Each block takes twice as long as it lasts; the 13th holds the first sample that is loud."""
    assert ttfa_ms(clock, pcm(120, 300), 10, takes_ms=20) == pytest.approx(13 * 20)


def test_what_can_not_be_heard_is_never_heard(clock):
    assert ttfa_ms(clock, pcm(500, 0), 20, takes_ms=20) is None


def test_of_a_long_silence_nothing_is_kept(clock):
    audible = Audible(PLAIN, 24_000, 0, clock.mono_ns)
    for _ in range(10_000):
        audible.sent(pcm(10, 0), b"sound")

    assert len(audible._left) < 10
