"""Why a turn took as long as it did: the chain of steps that the first sound waited for, and what else it shows.

Each moment of the wait belongs to one link of the path, so its lengths add up to the wait. What ran beside the path
has slack: how much longer it could have taken without anybody noticing. Time nobody waits for is no bottleneck.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from voxtrace.analysis.chunks import SpeechChunk, gap, speech_chunks, stream_slack
from voxtrace.analysis.graph import Point, Step, points_of, steps_of
from voxtrace.analysis.model import Turn
from voxtrace.analysis.remarks import Remark, remarks_on
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.units import Nanos


class Link(Struct, frozen=True):
    """One stretch of the critical path: the step that was waited for, or time that no event explains."""

    name: str
    begin: Nanos
    end: Nanos

    @property
    def length(self) -> Nanos:
        return Nanos(self.end - self.begin)


class Beside(Struct, frozen=True):
    """A step that ended before the first sound and was not waited for."""

    name: str
    begin: Nanos
    end: Nanos
    slack: Nanos | None  # None: nothing before the first sound waited for it


class CriticalPath(Struct, frozen=True):
    """The path to the first sound (`is_heard`), else to the last event of the turn."""

    begin: Nanos  # of the wait
    end: Nanos
    is_heard: bool
    links: tuple[Link, ...]  # in order of time; together they are the wait
    beside: tuple[Beside, ...]
    chunks: tuple[SpeechChunk, ...]
    gap: Nanos | None  # silence that late chunks put into the answer
    stream_slack: tuple[Nanos, ...]  # of each arrival, where the turn is one speech request
    remarks: tuple[Remark, ...]


def wait_within(turn: Turn) -> tuple[Nanos, Nanos | None]:
    """When somebody began to wait, and when they first heard something, if that is known."""
    waited = [part for part in turn.parts if part.waited]
    begin = waited[0].begin if waited else Nanos(0)
    heads = ("voice_to_voice_ms", "ttfa_ms", "first_audio_ms", "request_to_audio_ms", "stt_to_audio_ms")
    is_heard = any(name in turn.metrics and turn.metrics[name].measured for name in heads)
    return begin, waited[-1].end if waited and is_heard else None


def critical_path(turn: Turn) -> CriticalPath:
    """The chain of what the first sound waited for, and what ran beside it."""
    begin, heard = wait_within(turn)
    end = turn.total if heard is None else heard
    all_steps = steps_of(turn)
    steps = tuple(step for step in all_steps if step.begin <= end)
    points = points_of(steps)
    links = _links(steps, points, begin, end)
    chunks = speech_chunks(turn.spans, heard)
    return CriticalPath(
        begin=begin,
        end=end,
        is_heard=heard is not None,
        links=links,
        beside=_beside(steps, points, end),
        chunks=chunks,
        gap=gap(chunks),
        stream_slack=stream_slack(turn.chunks) if turn.kind == "speech" and _by_caller(turn) else (),
        remarks=remarks_on(turn, all_steps, chunks, end),
    )


def _by_caller(turn: Turn) -> bool:
    return turn.labels.origin == "client"


def _last_end(points: Sequence[Point], at: int) -> int:
    return max((index for index, point in enumerate(points) if point.is_end and point.at <= at), default=-1)


def _links(steps: Sequence[Step], points: Sequence[Point], begin: Nanos, end: Nanos) -> tuple[Link, ...]:
    """From the end backwards, always to what was waited for last."""
    backwards: list[Link] = []
    at, current = int(end), _last_end(points, end)
    while current >= 0 and at > begin:
        point = points[current]
        if point.at < at:
            backwards.append(Link(_around(steps, point.at, at), Nanos(max(point.at, begin)), Nanos(at)))
            at = point.at
        if point.is_end:
            before = points[point.cause].at if point.cause >= 0 else 0
            if before < at and at > begin:
                backwards.append(Link(steps[point.step].name, Nanos(max(before, begin)), Nanos(at)))
                at = before
        current = point.cause
    if at > begin:
        backwards.append(Link(_around(steps, int(begin), at), begin, Nanos(at)))
    return _joined(backwards[::-1])


def _around(steps: Sequence[Step], begin: int, end: int) -> str:
    """The innermost step that a lag lies in, or that no event explains it."""
    holders = [step for step in steps if step.begin <= begin and end <= step.end]
    return min(holders, key=lambda step: step.end - step.begin).name if holders else UNATTRIBUTED


def _joined(links: Sequence[Link]) -> tuple[Link, ...]:
    joined: list[Link] = []
    for link in links:
        if joined and joined[-1].name == link.name:
            joined[-1] = Link(link.name, joined[-1].begin, link.end)
        else:
            joined.append(link)
    return tuple(joined)


def _beside(steps: Sequence[Step], points: Sequence[Point], end: Nanos) -> tuple[Beside, ...]:
    """The steps that ended before the first sound and could have taken longer."""
    latest = _latest(steps, points, end)
    found = []
    for index, point in enumerate(points):
        step = steps[point.step]
        if point.is_end and point.at <= end and step.end > step.begin and latest[index] != point.at:
            slack = None if latest[index] is None else Nanos((latest[index] or 0) - point.at)
            found.append(Beside(step.name, Nanos(step.begin), Nanos(step.end), slack))
    return tuple(found)


def _latest(steps: Sequence[Step], points: Sequence[Point], end: Nanos) -> list[int | None]:
    """How late each point could have been without moving the first sound; None: it never matters.

    Everything that had ended when a step began was waited for, so ends need the least of all later beginnings.
    """
    latest: list[int | None] = [None] * len(points)
    parts: dict[int, list[int]] = {}  # of a step: the ends of what it contains
    for index, point in enumerate(points):
        if point.is_end:
            parts.setdefault(steps[point.step].parent, []).append(index)
    begin_of = {point.step: index for index, point in enumerate(points) if not point.is_end}
    sound = _last_end(points, end)
    for_all_ends: int | None = None  # what an end in front of this point must not pass
    for index in range(len(points) - 1, -1, -1):
        point = points[index]
        if point.is_end:
            if index <= sound:
                for_all_ends = _least(for_all_ends, points[sound].at)
                latest[index] = _least(latest[index], for_all_ends)
            if latest[index] is None:
                continue
            lag = point.at - points[point.cause].at
            allowed = (latest[index] or 0) - lag
            for part in (begin_of[point.step], *parts.get(point.step, ())):
                latest[part] = _least(latest[part], allowed)
        elif latest[index] is not None:
            lag = point.at - (points[point.cause].at if point.cause >= 0 else 0)
            allowed = (latest[index] or 0) - lag
            for_all_ends = _least(for_all_ends, allowed)
            parent = steps[point.step].parent
            if parent >= 0:
                latest[begin_of[parent]] = _least(latest[begin_of[parent]], allowed)
    return latest


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def shares(path: CriticalPath) -> list[tuple[str, Nanos, float]]:
    """Name, length and share of the wait of everything on the path, in order of length; time is counted once."""
    lengths: dict[str, int] = {}
    for link in path.links:
        lengths[link.name] = lengths.get(link.name, 0) + link.length
    whole = sum(lengths.values()) or 1
    return sorted(((name, Nanos(each), each / whole) for name, each in lengths.items()), key=lambda item: -item[1])


def tiles(links: Sequence[Link]) -> bool:
    """Whether the links follow each other without a hole, as they must."""
    return all(one.end == other.begin for one, other in pairwise(links))
