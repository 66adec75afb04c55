"""Lists of results, one request each: what benchmarks and monitors write, whatever they call its columns.

What such tools call `ttfa_ms` is the time until the first bytes of the body, so it becomes the first byte here, as in
every benchmark result. A number may be a number, a text ("12.5ms", "1.2s") or Infinity, which is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from math import isfinite

from msgspec import Struct, field

from voxtrace.events import Event, Unreadable
from voxtrace.importers.bench_trials import MAX_MS, MAX_TRIALS, inconclusive, text
from voxtrace.importers.client_request import ClientRequest
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import Context, HoldsNoEvents, Item, Note, Refused
from voxtrace.units import NANOS_PER_MILLI, nanos_from_millis

_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(ms|s|%|)\s*")
_NO = frozenset({"false", "no", "0", "failed", "failure", "error"})
MILLIS = {"ms": 1.0, "": 1.0, "s": 1000.0}


class RowShape(Struct, frozen=True):
    """Which column means what; of several the first that is there counts."""

    first_byte_ms: tuple[str, ...] = ("ttfa_ms",)
    total_ms: tuple[str, ...] = ()
    audio_s: tuple[str, ...] = ()
    at: tuple[str, ...] = ("timestamp",)
    facts: Mapping[str, str] = field(default_factory=dict)  # our name by theirs
    run_by: tuple[str, ...] = ()  # columns whose values tell runs of one file apart


class Results(Struct, frozen=True):
    """The results of one file."""

    rows: Sequence[object]
    shape: RowShape
    source: str  # "bench": somebody compares; "probe": a monitor asks
    common: Mapping[str, object] = field(default_factory=dict)  # facts that all of them share
    started_wall_ns: int | None = None  # of rows without a time of their own


class _Row(Struct, frozen=True):
    place: int
    told: Mapping[str, object]
    wall_ns: int | None  # its own time
    gap_ms: float | None  # to the farther of its neighbours in time


def read_results(found: Results, context: Context, content: bytes, times: LocalTimes) -> Iterator[Item]:
    """The events of all rows.

    Raises:
        HoldsNoEvents: there is no row, or nobody knows when they were.
    """
    if not found.rows:
        raise HoldsNoEvents("it lists no result: inconclusive")
    told = [(place, row) for place, row in enumerate(found.rows[:MAX_TRIALS]) if isinstance(row, dict)]
    walls = [_wall_ns(row, found.shape, times) for _, row in told]
    stamps = [wall for wall in walls if wall is not None]
    base = found.started_wall_ns or min(stamps, default=None) or times.from_path(context.path)
    if len(walls) > 1 and len(set(walls)) == 1:
        walls = [None] * len(walls)  # one stamp for all is the time of the file
    rows = [_Row(*row, wall, gap) for row, wall, gap in zip(told, walls, _gaps_ms(walls), strict=True)]
    yield from times.notes()
    if base is None:
        base = context.modified_wall_ns
        if base is None:
            raise HoldsNoEvents("no date: its results have none, and folder and name hold none")
        yield Note("file_time", "file without any date in it; the time of the file was taken")
    measured = 0
    mark = blake2b(content, digest_size=16).digest()  # once: a long list would hash its whole file for each row
    for row in rows:
        events = list(_events(found, row, base, context, mark))
        measured += any(event.name in ("FIRST_BYTE_RECEIVED", "LAST_AUDIO_CHUNK") for event in events)
        yield from events
    for place, each in enumerate(found.rows[:MAX_TRIALS]):
        if not isinstance(each, dict):
            yield Refused(Unreadable("json", f"result {place} is no JSON object", repr(each)[:200].encode()), place)
    unplaced = sum(row.wall_ns is None for row in rows)
    if unplaced:
        yield Note("start_of_trials", "result without a time of its own; it carries the start of the run", unplaced)
    yield from inconclusive(measured > 0)


def _wall_ns(row: Mapping[str, object], shape: RowShape, times: LocalTimes) -> int | None:
    told = next((row[name] for name in shape.at if name in row), None)
    return times.from_epoch(told) or times.from_text(told)


def _gaps_ms(walls: Sequence[int | None]) -> list[float | None]:
    """Of each result how far apart the next or the one before was written, whichever is farther.

    Whether a tool stamps a result before or after its request is not known; either way one of the two gaps holds it.
    """
    apart = [
        None if one is None or other is None else abs(other - one) / NANOS_PER_MILLI for one, other in pairwise(walls)
    ]
    around = zip([None, *apart], [*apart, None], strict=True)
    return [max((gap for gap in gaps if gap is not None), default=None) for gaps in around][: len(walls)]


def _events(found: Results, row: _Row, base: int, context: Context, mark: bytes) -> Iterator[Event]:
    shape, told = found.shape, row.told
    name = f"{context.path.parent.name}/{context.path.stem}"[-200:]
    run = "/".join([name, *(str(told.get(column))[:40] for column in shape.run_by)])
    # Rows without a time keep their order by a nanosecond each.
    started = row.wall_ns if row.wall_ns is not None else base + row.place
    request = ClientRequest(f"{name}/{row.place:04d}", started, mark, run=run)
    facts: dict[str, object] = {**found.common, **facts_of(told, shape.facts), "source": found.source}
    facts |= {"file": context.path.name, "next_result_after_ms": row.gap_ms}
    first, total = (_millis(told, names, "") for names in (shape.first_byte_ms, shape.total_ms))
    failure = _failure(told)
    if failure is not None:
        # When it failed was not written down. One event has no duration, so none is invented.
        yield request.event(0, "REQUEST_COMPLETE", outcome="error", error=failure, **facts)
        return
    total = total or None  # what took no time did not happen; a first byte after 0 ms has a rule of its own
    if first is None and total is None:
        written = next((told[column] for column in (*shape.first_byte_ms, *shape.total_ms) if column in told), None)
        facts |= {"measured": False, "reported_time": None if written is None else str(written)[:40]}
    yield request.event(0, "REQUEST_START", **facts)
    if first is not None:
        yield request.event(nanos_from_millis(first), "FIRST_BYTE_RECEIVED")
    if total is not None:
        audio_ms = _millis(told, shape.audio_s, "s")
        yield request.event(nanos_from_millis(total), "LAST_AUDIO_CHUNK", audio_ms=audio_ms)
        yield request.event(nanos_from_millis(total), "REQUEST_COMPLETE", outcome="ok", truth="L2")


def facts_of(told: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """What is kept of a row under our names: short texts, and numbers as numbers."""
    facts: dict[str, object] = {}
    for theirs, ours in names.items():
        value = told.get(theirs)
        if isinstance(value, bool):
            facts[ours] = value
        elif isinstance(value, str):
            facts[ours] = text(value[:200])
        elif isinstance(value, int | float) and isfinite(value):
            facts[ours] = value
        elif isinstance(value, float):
            facts[ours] = str(value)
    return facts


def _millis(told: Mapping[str, object], names: Sequence[str], unit: str) -> float | None:
    """A length in milliseconds: finite, not below zero, at most a week; `unit` is that of a bare number."""
    value = next((told[name] for name in names if name in told), None)
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        value, unit = float(found[1]), found[2] or unit
    if isinstance(value, bool) or not isinstance(value, int | float) or unit not in MILLIS:
        return None
    try:
        millis = float(value) * MILLIS[unit]
    except OverflowError:
        return None
    return millis if 0 <= millis <= MAX_MS else None


def _failure(told: Mapping[str, object]) -> str | None:
    failure = told.get("error")
    if failure:
        return str(failure)[:400]
    success = told.get("success")
    is_failed = success is False or (isinstance(success, str) and success.strip().lower() in _NO)
    return "error" if is_failed else None
