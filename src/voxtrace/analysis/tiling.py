"""Cuts a total into parts that never overlap and leave no hole."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import pairwise
from operator import itemgetter

from msgspec import Struct

from voxtrace.analysis.model import Part, Span
from voxtrace.units import Nanos

UNATTRIBUTED = "unattributed"
ZERO = Nanos(0)


class Wait(Struct, frozen=True):
    """The stretch of a turn in which somebody waits for the first sound."""

    begin: Nanos = ZERO  # asked for, or the end of the user's own speech
    end: Nanos | None = None  # first heard; None: nobody says so, and all the rest was waiting


def tile(spans: Sequence[Span], total: Nanos, wait: Wait) -> tuple[Part, ...]:
    """The parts of `total`, in order of time.

    Each moment belongs to the deepest span that covers it; among equally deep ones to the one that
    began last, because it is what the turn went on to. A moment that no span covers is a part of
    its own, *unattributed*. Both ends of the wait are always boundaries: nobody waits in front of it or
    behind it.
    """
    bars: list[tuple[int, int, int, str]] = []
    for span in spans:
        if span.end is not None and span.begin < span.end:
            bars.append((max(span.begin, 0), min(span.end, total), span.depth, span.name))
    bars.sort(key=itemgetter(0))
    cuts = {0, int(total), *(bar[0] for bar in bars), *(bar[1] for bar in bars)}
    cuts |= {int(edge) for edge in (wait.begin, wait.end) if edge is not None and 0 < edge < total}
    edges = sorted(cuts)
    parts: list[Part] = []
    # The one to name the moment is on top; those that ended wait below until they come up.
    active: list[tuple[int, int, int, int, str]] = []  # -depth, -begin, place, end, name
    coming, many = 0, len(bars)
    heard = total if wait.end is None else wait.end
    part: tuple[str, int, bool, bool] | None = None  # the one that goes on: name, begin, explained, waited
    for begin, end in pairwise(edges):
        while coming < many and bars[coming][0] <= begin:
            began, ended, depth, named = bars[coming]
            heappush(active, (-depth, -began, coming, ended, named))
            coming += 1
        while active and active[0][3] <= begin:
            heappop(active)
        name = active[0][4] if active else UNATTRIBUTED
        waited = wait.begin <= begin < heard
        if part is None or part[0] != name or part[3] != waited:
            if part is not None:
                parts.append(Part(part[0], Nanos(part[1]), Nanos(begin), part[2], part[3]))
            part = name, begin, bool(active), waited
        if end == edges[-1]:
            parts.append(Part(part[0], Nanos(part[1]), Nanos(end), part[2], part[3]))
    return tuple(parts)
