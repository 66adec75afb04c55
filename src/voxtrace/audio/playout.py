"""What a listener would have heard: a player without a jitter buffer, fed by chunks as they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxtrace.errors import VoxtraceError


class NoAudio(VoxtraceError):
    """A stream without any audio can't be played, so it has neither stalls nor an end."""

    def __init__(self) -> None:
        super().__init__("no chunk holds audio, so there is nothing to play")


@dataclass(frozen=True, slots=True)
class Playout:
    """One stream played back. Points in time are on the axis of the arrivals, in nanoseconds."""

    stall_count: int
    stall_ns: int  # all stalls together
    max_stall_ns: int
    required_prebuffer_ns: int  # the smallest delay of the start with which nothing stalls
    end_ns: int  # when the last sample has been played
    stalls: tuple[tuple[int, int], ...]  # (begin, length) of each


def simulate(chunks: Sequence[tuple[int, int]], prebuffer_ns: int = 0) -> Playout:
    """Play `chunks` of (arrival_ns, audio_ns): start at the first audio, stop whenever the buffer is empty.

    The gap between two arrivals is no stall while the buffer lasts, and neither is the drain at the end.
    Chunks may come in any order; they are played as they arrived.

    Args:
        chunks: when each chunk arrived and how long its audio is; audio of 0 (a container's header) is skipped.
        prebuffer_ns: how long the player waits after the first audio before it starts.

    Raises:
        NoAudio: no chunk holds audio.
    """
    audible = sorted((chunk for chunk in chunks if chunk[1] > 0), key=lambda chunk: chunk[0])
    if not audible:
        raise NoAudio
    first_arrival = audible[0][0]
    dry_at = first_arrival + prebuffer_ns  # when the buffer will be empty if nothing more comes
    audio_before = 0
    required_prebuffer = 0
    stalls: list[tuple[int, int]] = []
    for arrival, audio in audible:
        if arrival > dry_at:
            stalls.append((dry_at, arrival - dry_at))
            dry_at = arrival
        required_prebuffer = max(required_prebuffer, arrival - audio_before - first_arrival)
        dry_at += audio
        audio_before += audio
    lengths = [length for _, length in stalls]
    return Playout(len(stalls), sum(lengths), max(lengths, default=0), required_prebuffer, dry_at, tuple(stalls))
