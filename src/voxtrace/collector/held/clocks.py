"""What the messages of all held requests tell of clocks, for requests that tell nothing of them; see docs/adr/0015."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter

from voxtrace.events.gaps import NEAREST, Exchange, Gap, nearest
from voxtrace.store.ports import ClockSample

_at = itemgetter(0)


class Known:
    """What all requests tell of clocks."""

    def __init__(self, samples: Iterable[ClockSample]) -> None:
        pairs: dict[tuple[str, str], set[Exchange]] = {}
        for one, other, at, low, high in samples:
            pairs.setdefault((one, other), set()).add((at, low, high))
        self._pairs = {pair: sorted(exchanges) for pair, exchanges in pairs.items()}

    def near(self, gap: Gap) -> list[Exchange]:
        """As `RequestLog.samples_near`; those next to a gap are found without a look at all."""
        known = self._pairs.get((gap.one, gap.other), [])
        end, begin = bisect_right(known, gap.end, key=_at), bisect_left(known, gap.begin, key=_at)
        return nearest({*known[max(end - NEAREST, 0) : end], *known[begin : begin + NEAREST]}, gap)
