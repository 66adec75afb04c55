"""Events of one request of which only durations are known, and ids for requests that have none."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from voxtrace.events import Event
from voxtrace.events.codec import sequence_id
from voxtrace.events.plain import sound_text, tidy
from voxtrace.units import nanos_from_millis

REPEATS_KEPT = 50_000  # texts by which a repeat is known; 8 MB


class RequestClock:
    """A clock that begins with its request and is shared with nobody.

    Its name is made of the request's id. The number of an event is the caller's: the same moment has the same
    number however much of the log was there, so that a log that grew gives the same ids again.
    """

    def __init__(self, request_id: str, started_wall_ns: int, named: str = "") -> None:
        """`named` tells clocks apart where a request has several."""
        self.request_id = sound_text(request_id, 200)
        self._started_wall_ns = started_wall_ns
        self._clock = f"import/{digest(named or request_id)}/"

    def event(self, after_ms: float, seq: int, service: str, name: str, **metadata: object) -> Event:
        """One event, `after_ms` milliseconds after the request's start; metadata that is None is left out."""
        after_ns = nanos_from_millis(after_ms)
        return Event(
            self.request_id,
            service,
            name,
            self._started_wall_ns + after_ns,
            sequence_id(self._clock, seq),
            after_ns,
            self._clock,
            seq,
            None,
            tidy({key: value for key, value in metadata.items() if value is not None}),
        )


def digest(text: str) -> str:
    """A short name for a text."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


class Repeats:
    """Names for texts without a time, so that the second equal one has another name than the first.

    Only the newest texts are remembered, because a log may have millions of them.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def name(self, text: str) -> str:
        """The name of a text: equal for the first, second, … of it in every reading of the same log."""
        named = digest(text)
        count = self._counts.pop(named, 0) + 1
        self._counts[named] = count
        if len(self._counts) > REPEATS_KEPT:
            self._counts.popitem(last=False)
        return named if count == 1 else f"{named}-{count}"
