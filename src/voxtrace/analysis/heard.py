"""A turn as the user lives through it: silence, the first word, gaps, the end, moment by moment.

What is heard behind the first sound is a playout: each piece of the answer is played behind the one before it, as soon
as it is there. A gap that nobody notices is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.conversation import AUDIBLE
from voxtrace.analysis.critical_path import CriticalPath
from voxtrace.analysis.groups import CONTINUOUS_STALL_MS
from voxtrace.analysis.model import Turn
from voxtrace.audio.playout import NoAudio, Playout, simulate
from voxtrace.units import NANOS_PER_MILLI, Nanos

What = Literal["asked", "waiting", "sound", "silence", "again", "end", "open", "interrupted", "unheard"]

WORTH_A_LINE = 0.01  # of the wait; shorter steps are passed over
MOST_WAITS, MOST_GAPS = 12, 20  # the longest are told


class Moment(Struct, frozen=True):
    """From this moment on the user hears, or does not hear, something."""

    at: Nanos  # on the turn's own axis
    what: What
    length: Nanos | None = None
    of: str = ""  # the step that is waited for
    sure: bool = True  # False: computed, or the least it can be


def moments_of(turn: Turn, path: CriticalPath) -> tuple[Moment, ...]:
    """The moments of a turn in order of time."""
    stages = {mark.stage: mark.at for mark in turn.marks}
    asked = next((mark.at for mark in turn.marks if mark.stage == "user.speech_end" and mark.at <= path.begin), None)
    is_told = asked is not None or turn.kind == "speech"
    found = [Moment(path.begin, "asked", sure=is_told), *_waits(path)]
    if not path.is_heard:
        return (*found, Moment(path.end, "unheard", sure=False))
    found.append(Moment(path.end, "sound", sure=any(stage in stages for stage in AUDIBLE)))
    found += _playout(turn, path, stages.get("playback.completed"))
    cut = next((mark.at for mark in turn.marks if mark.stage == "user.interrupted" and mark.at >= path.end), None)
    if cut is not None:
        found = [each for each in found if each.at < cut] + [Moment(cut, "interrupted")]
    return tuple(found)


def _waits(path: CriticalPath) -> Iterator[Moment]:
    links = [link for link in path.links if link.length >= WORTH_A_LINE * (path.end - path.begin) and link.length]
    kept = sorted(links, key=lambda link: -link.length)[:MOST_WAITS]
    for link in links:
        if link in kept:
            yield Moment(link.begin, "waiting", link.length, link.name)


def _playout(turn: Turn, path: CriticalPath, completed: Nanos | None) -> Iterator[Moment]:
    pieces, is_whole = _pieces(turn, path)
    played = _simulated(turn, pieces)
    if played is not None:
        stalls = [stall for stall in played.stalls if stall[1] >= CONTINUOUS_STALL_MS * NANOS_PER_MILLI]
        longest = sorted(stalls, key=lambda stall: -stall[1])[:MOST_GAPS]
        for begin, length in stalls:
            if (begin, length) in longest and begin >= path.end:
                yield Moment(Nanos(begin), "silence", Nanos(length), sure=False)
                yield Moment(Nanos(begin + length), "again", sure=False)
    if completed is not None and completed >= path.end:
        yield Moment(completed, "end")
    elif played is not None and is_whole:
        yield Moment(Nanos(max(played.end_ns, path.end)), "end", sure=False)
    else:
        yield Moment(path.end if played is None else Nanos(max(played.end_ns, path.end)), "open", sure=False)


def _pieces(turn: Turn, path: CriticalPath) -> tuple[list[tuple[int, int]], bool]:
    """When each piece can be played and how long it is, and whether these are all."""
    if turn.chunks and (turn.labels.origin == "client" or not path.chunks):
        # Bytes that came before the first sound was heard are played from their own arrival on.
        return [(chunk.at, chunk.audio) for chunk in turn.chunks], True
    pieces: list[tuple[int, int]] = []
    ready: int = path.end
    for chunk in path.chunks:
        if chunk.audio is None:
            return pieces, False
        # It is played in its place, however early it was there.
        ready = max(ready, chunk.ready)
        pieces.append((ready, chunk.audio))
    return pieces, bool(pieces)


def _simulated(turn: Turn, pieces: Sequence[tuple[int, int]]) -> Playout | None:
    started = next((mark.at for mark in turn.marks if mark.stage == "playback.started"), None)
    first = min((at for at, audio in pieces if audio > 0), default=None)
    waits = 0 if started is None or first is None else max(started - first, 0)
    try:
        return simulate(pieces, waits)
    except NoAudio:
        return None
