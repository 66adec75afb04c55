"""Turns in the Trace Event Format, which Perfetto and Chrome's own viewer open.

Format: "Trace Event Format", Google, 2016: complete events (`ph` X), instants (i) and flows (s, t, f) with times in
microseconds; each request is shown as a process, each of its services as a thread. Bars of one thread must lie within
each other or apart, so what a service does at the same time is shown as several threads.

A flow has no bar of its own: it belongs to the bar that its viewer finds at its thread and time, the innermost that
has begun. So it stands at the beginning of its bar, behind all bars and before all instants of that moment, and no
other bar that begins then shares the thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, TypeAlias

from msgspec import Struct

from voxtrace.analysis import Span, Turn
from voxtrace.analysis.chunks import Playout
from voxtrace.analysis.critical_path import CriticalPath, critical_path
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.reports.trace_flows import Flow, chunk_of, flows_of, heard_of
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND, millis

PARTS = "parts"  # the lane on which the parts tile the total
CRITICAL = "critical path"  # the lane of what the first sound waited for
HEARD = "chunks heard"  # the lane of when each chunk is heard, by its length
_OWN = (PARTS, CRITICAL, HEARD)
# Perfetto gives each name a colour of its own and ignores this; Chrome's own viewer obeys it.
_COLOURS = {CRITICAL: "bad", UNATTRIBUTED: "grey"}
# Of events at one moment: bars hold what begins in them, and flows belong to bars and not to instants.
_ORDER = {"M": 0, "X": 1, "s": 2, "t": 2, "f": 2, "i": 3}

Event: TypeAlias = dict[str, Any]


def trace_events(turns: Iterable[Turn]) -> dict[str, Any]:
    """One document with all turns, in the time between them. Times count from the first of them.

    A Unix time in microseconds has no room for nanoseconds in a double, and bars that touch would overlap.
    """
    known = list(turns)
    zero = min((turn.started_wall_ns for turn in known), default=0)
    threads, flows = count(1), count(1)  # of the whole document: viewers look a thread up by its number alone
    events = [event for turn in known for event in _of_turn(_Drawn(turn, zero, threads), flows)]
    return {
        "displayTimeUnit": "ms",
        "otherData": {"zero_unix_s": f"{zero // NANOS_PER_SECOND}.{zero % NANOS_PER_SECOND:09}"},
        "traceEvents": sorted(events, key=_place),
    }


def _place(event: Event) -> tuple[bool, float, int, float]:
    return event["ph"] != "M", event.get("ts", 0), _ORDER[event["ph"]], -event.get("dur", 0)


class _Drawn:
    """A turn, and where its bars are drawn."""

    def __init__(self, turn: Turn, zero: int, threads: Iterator[int]) -> None:
        self.turn, self.path = turn, critical_path(turn)
        self.flows = flows_of(turn, self.path)
        self.began = turn.started_wall_ns - zero
        anchors = {id(bar) for flow in self.flows for bar in flow.bars}
        lanes, self.placed = _lanes(turn, anchors)
        self.heard = tuple(filter(None, heard_of(self.path)))
        own = [PARTS, *([CRITICAL] if self.path.links else []), *([HEARD] if self.heard else [])]
        self.threads = {lane: next(threads) for lane in [*own, *lanes]}
        self.process = self.threads[PARTS]  # a viewer shows the thread with the number of its process first
        self.lane_of = {id(span): lane for span, lane in self.placed}

    def bar(self, lane: str, name: str, category: str, times: tuple[int, int], facts: Mapping[str, object]) -> Event:
        begin, end = times
        return {
            "name": name,
            "cat": category,
            "ph": "X",
            "ts": self.at(begin),
            "dur": (end - begin) / NANOS_PER_MICRO,
            "pid": self.process,
            "tid": self.threads[lane],
            "args": dict(facts),
        }

    def at(self, moment: int) -> float:
        return (self.began + moment) / NANOS_PER_MICRO


def _of_turn(drawn: _Drawn, flows: Iterator[int]) -> Iterator[Event]:
    yield from _names(drawn)
    for part in drawn.turn.parts:
        kind = "part" if part.explained else UNATTRIBUTED
        yield drawn.bar(PARTS, part.name, kind, (part.begin, part.end), {"waited": part.waited})
    yield from _critical(drawn)
    for span, lane in drawn.placed:
        facts = {**span.detail, **_of_chunk(span, drawn.path)}
        yield drawn.bar(lane, span.name, "span", (span.begin, span.end or span.begin), facts)
    for playout in drawn.heard:
        yield drawn.bar(HEARD, f"chunk {playout.chunk}", "playout", (playout.begin, playout.end), {"by": "its length"})
    for mark in drawn.turn.marks:
        yield {
            "name": mark.name,
            "cat": "event",
            "ph": "i",
            "s": "t",
            "ts": drawn.at(mark.at),
            "pid": drawn.process,
            "tid": drawn.threads[_lane(mark.service, 0)],
            "args": dict(mark.metadata),
        }
    for flow in drawn.flows:
        yield from _arrows(drawn, flow, next(flows))


def _names(drawn: _Drawn) -> Iterator[Event]:
    turn, process = drawn.turn, drawn.process
    yield _told(process, process, "process_name", name=f"{turn.kind} {turn.request_id}")
    yield _told(process, process, "process_sort_index", sort_index=process)
    for lane, thread in drawn.threads.items():
        yield _told(process, thread, "thread_name", name=lane)
        yield _told(process, thread, "thread_sort_index", sort_index=thread)


def _critical(drawn: _Drawn) -> Iterator[Event]:
    """The path on a lane of its own: its name tells it apart in every viewer, and its colour in one."""
    for link in drawn.path.links:
        is_known = link.name != UNATTRIBUTED
        facts = {"waited_ms": millis(link.length), "to": "the first sound" if drawn.path.is_heard else "the last event"}
        bar = drawn.bar(CRITICAL, link.name, "critical" if is_known else UNATTRIBUTED, (link.begin, link.end), facts)
        yield {**bar, "cname": _COLOURS[CRITICAL if is_known else UNATTRIBUTED]}


def _of_chunk(span: Span, path: CriticalPath) -> dict[str, object]:
    """What is known of the chunk that a bar makes; a slack that nobody knows is left out."""
    chunk = chunk_of(span, path.chunks)
    if chunk is None:
        return {}
    slack = {} if chunk.slack is None else {"slack_ms": millis(chunk.slack)}
    return {"chunk_state": chunk.state, **slack}


def _arrows(drawn: _Drawn, flow: Flow, number: int) -> Iterator[Event]:
    placed = [(bar, HEARD if isinstance(bar, Playout) else drawn.lane_of.get(id(bar))) for bar in flow.bars]
    known = [(bar, lane) for bar, lane in placed if lane is not None]
    if len(known) < 2:
        return
    for place, (bar, lane) in enumerate(known):
        last = place == len(known) - 1
        yield {
            "name": flow.name,
            "cat": "speech",
            "ph": "s" if not place else "f" if last else "t",
            "id": number,
            "ts": drawn.at(bar.begin),
            "pid": drawn.process,
            "tid": drawn.threads[lane],
            **({"bp": "e"} if place else {}),  # ends at the bar around it, and not at the next one that begins
        }


class _Lane(Struct):
    """What is drawn on one lane so far."""

    ends: list[int]  # of the bars that are open
    taken: int = -1  # the moment at which a bar with flows begins

    def has_room(self, begin: int, end: int) -> bool:
        """Whether a bar lies behind or within those that are open; closes those that are over."""
        while self.ends and self.ends[-1] <= begin:
            self.ends.pop()
        return begin != self.taken and (not self.ends or end <= self.ends[-1])


def _lanes(turn: Turn, anchors: set[int]) -> tuple[list[str], list[tuple[Span, str]]]:
    """The lanes of a turn's services, and the lane of each span that has an end; `anchors` are those with flows.

    The format has no bar without an end; its beginning is among the instants.
    """
    services = list(dict.fromkeys([*(mark.service for mark in turn.marks), *(span.service for span in turn.spans)]))
    drawn: dict[str, list[_Lane]] = {service: [_Lane([])] for service in services}
    placed: list[tuple[Span, str]] = []
    bars = [(span, span.end) for span in turn.spans if span.end is not None and span.end >= span.begin]
    for span, end in sorted(bars, key=lambda bar: (bar[0].begin, -bar[1])):
        of_service = drawn[span.service]
        place = next((n for n, lane in enumerate(of_service) if lane.has_room(span.begin, end)), len(of_service))
        if place == len(of_service):
            of_service.append(_Lane([]))
        of_service[place].ends.append(end)
        if id(span) in anchors:
            of_service[place].taken = span.begin
        placed.append((span, _lane(span.service, place)))
    return [_lane(name, place) for name in services for place in range(len(drawn[name]))], placed


def _lane(service: str, place: int) -> str:
    # A service that calls itself "parts" must not land on the lane of the parts, nor on any other of ours.
    own = f"{service} " if service in _OWN else service
    return own if place == 0 else f"{service} ({place + 1})"


def _told(process: int, thread: int, kind: str, **facts: object) -> Event:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": facts}
