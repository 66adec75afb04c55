"""Turns in the Trace Event Format, which Perfetto and Chrome's own viewer open.

Format: "Trace Event Format", Google, 2016: complete events (`ph` X) and instants (i) with times in
microseconds; each request is shown as a process, each of its services as a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from voxtrace.analysis import Turn
from voxtrace.units import NANOS_PER_MICRO

PARTS = "parts"  # the lane on which the parts tile the total


def trace_events(turns: Iterable[Turn]) -> dict[str, Any]:
    """One document with all turns, each at its own wall time."""
    events = [event for number, turn in enumerate(turns, 1) for event in _of_turn(number, turn)]
    return {"displayTimeUnit": "ms", "traceEvents": events}


def _of_turn(process: int, turn: Turn) -> Iterator[dict[str, Any]]:
    began_us = turn.started_wall_ns / NANOS_PER_MICRO
    lanes = [PARTS, *dict.fromkeys(mark.service for mark in turn.marks)]
    threads = {lane: number for number, lane in enumerate(lanes)}
    yield _name(process, 0, "process_name", f"{turn.kind} {turn.request_id}")
    for lane, thread in threads.items():
        yield _name(process, thread, "thread_name", lane)
    for part in turn.parts:
        yield {
            "name": part.name,
            "cat": "part" if part.explained else "unattributed",
            "ph": "X",
            "ts": began_us + part.begin / NANOS_PER_MICRO,
            "dur": part.length / NANOS_PER_MICRO,
            "pid": process,
            "tid": threads[PARTS],
            "args": {"waited": part.waited},
        }
    for span in turn.spans:
        if span.end is None:
            continue  # the format has no bar without an end; its beginning is among the instants
        yield {
            "name": span.name,
            "cat": "span",
            "ph": "X",
            "ts": began_us + span.begin / NANOS_PER_MICRO,
            "dur": (span.end - span.begin) / NANOS_PER_MICRO,
            "pid": process,
            "tid": threads.get(span.service, 0),
            "args": dict(span.detail),
        }
    for mark in turn.marks:
        yield {
            "name": mark.name,
            "cat": "event",
            "ph": "i",
            "s": "t",
            "ts": began_us + mark.at / NANOS_PER_MICRO,
            "pid": process,
            "tid": threads[mark.service],
            "args": dict(mark.metadata),
        }


def _name(process: int, thread: int, kind: str, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
