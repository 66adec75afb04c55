"""Turns in the Trace Event Format, which Perfetto and Chrome's own viewer open.

Format: "Trace Event Format", Google, 2016: complete events (`ph` X) and instants (i) with times in
microseconds; each request is shown as a process, each of its services as a thread. Bars of one thread must lie within
each other or apart, so what a service does at the same time is shown as several threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from voxtrace.analysis import Span, Turn
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

PARTS = "parts"  # the lane on which the parts tile the total


def trace_events(turns: Iterable[Turn]) -> dict[str, Any]:
    """One document with all turns, in the time between them. Times count from the first of them.

    A Unix time in microseconds has no room for nanoseconds in a double, and bars that touch would overlap.
    """
    known = list(turns)
    zero = min((turn.started_wall_ns for turn in known), default=0)
    events = [event for number, turn in enumerate(known, 1) for event in _of_turn(number, turn, zero)]
    return {
        "displayTimeUnit": "ms",
        "otherData": {"zero_unix_s": f"{zero // NANOS_PER_SECOND}.{zero % NANOS_PER_SECOND:09}"},
        "traceEvents": sorted(events, key=lambda event: (event["ph"] != "M", event.get("ts", 0), -event.get("dur", 0))),
    }


def _of_turn(process: int, turn: Turn, zero: int) -> Iterator[dict[str, Any]]:
    began = turn.started_wall_ns - zero
    lanes, placed = _lanes(turn)
    threads = {lane: number for number, lane in enumerate(lanes)}
    yield _name(process, 0, "process_name", f"{turn.kind} {turn.request_id}")
    for lane, thread in threads.items():
        yield _name(process, thread, "thread_name", lane)
    for part in turn.parts:
        facts = {"waited": part.waited}
        bar = _bar(part.name, "part" if part.explained else "unattributed", began + part.begin, part.length)
        yield {**bar, "pid": process, "tid": threads[PARTS], "args": facts}
    for span, lane in placed:
        bar = _bar(span.name, "span", began + span.begin, (span.end or span.begin) - span.begin)
        yield {**bar, "pid": process, "tid": threads[lane], "args": dict(span.detail)}
    for mark in turn.marks:
        yield {
            "name": mark.name,
            "cat": "event",
            "ph": "i",
            "s": "t",
            "ts": (began + mark.at) / NANOS_PER_MICRO,
            "pid": process,
            "tid": threads[_lane(mark.service, 0)],
            "args": dict(mark.metadata),
        }


def _bar(name: str, category: str, begin: int, length: int) -> dict[str, Any]:
    times = {"ts": begin / NANOS_PER_MICRO, "dur": length / NANOS_PER_MICRO}
    return {"name": name, "cat": category, "ph": "X", **times}


def _lanes(turn: Turn) -> tuple[list[str], list[tuple[Span, str]]]:
    """The lanes of a turn, and the lane of each span that has an end.

    The format has no bar without an end; its beginning is among the instants.
    """
    services = list(dict.fromkeys([*(mark.service for mark in turn.marks), *(span.service for span in turn.spans)]))
    open_ends: dict[str, list[list[int]]] = {service: [[]] for service in services}
    placed: list[tuple[Span, str]] = []
    bars = [(span, span.end) for span in turn.spans if span.end is not None and span.end >= span.begin]
    for span, end in sorted(bars, key=lambda bar: (bar[0].begin, -bar[1])):
        of_service = open_ends[span.service]
        place = next((place for place, ends in enumerate(of_service) if _fits(ends, span.begin, end)), len(of_service))
        if place == len(of_service):
            of_service.append([])
        of_service[place].append(end)
        placed.append((span, _lane(span.service, place)))
    return [PARTS, *(_lane(name, place) for name in services for place in range(len(open_ends[name])))], placed


def _fits(ends: list[int], begin: int, end: int) -> bool:
    """Whether a bar lies behind or within those that are open on a lane; closes those that are over."""
    while ends and ends[-1] <= begin:
        ends.pop()
    return not ends or end <= ends[-1]


def _lane(service: str, place: int) -> str:
    # A service that calls itself "parts" must not land on the lane of the parts.
    own = f"{service} " if service == PARTS else service
    return own if place == 0 else f"{service} ({place + 1})"


def _name(process: int, thread: int, kind: str, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
