"""Some requests with all of their events, measured in a process of their own.

A module by itself, so that such a process loads nothing else.
"""

from __future__ import annotations

import logging
import pickle
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from voxtrace.analysis.model import Turn
from voxtrace.analysis.record import pack
from voxtrace.analysis.turns import assemble
from voxtrace.events import Event
from voxtrace.events.model import NOTHING

_log = logging.getLogger(__name__)
_NO_METADATA: dict[str, object] = {}


class MeasuredBatch(NamedTuple):
    """The records of turns, column by column. Their texts repeat from turn to turn, and are sent once."""

    request_ids: list[str]
    session_ids: list[str | None]
    started: list[int]  # wall time in nanoseconds
    numbers: list[bytes]  # of `record.Packed`
    words: list[bytes]  # of each of its texts the place in `texts`, as an `array("I")`
    texts: list[str]


def pack_events(requests: Mapping[str, Sequence[Event]]) -> bytes:
    """Requests with their events, to be held or sent."""
    # As plain tuples, which take half the time; what an event without metadata holds in its place can't be pickled.
    plain = {
        request_id: [(*event[:-1], event[-1] or _NO_METADATA) for event in events]
        for request_id, events in requests.items()
    }
    return pickle.dumps(plain, pickle.HIGHEST_PROTOCOL)


def unpack_events(packed: bytes) -> dict[str, list[Event]]:
    """The requests that were packed. Only for what this program packed itself: see the warning of `pickle`."""
    plain: dict[str, list[tuple[Any, ...]]] = pickle.loads(packed)
    make = tuple.__new__  # past the checks of the class: what was packed was an event
    return {
        request_id: [make(Event, event if event[-1] else (*event[:-1], NOTHING)) for event in events]
        for request_id, events in plain.items()
    }


def measure_batch(packed: bytes) -> MeasuredBatch:
    """The turns of these requests. One that trips over a bug is left out, and the log says so."""
    return records_of(_assembled(unpack_events(packed)))


def records_of(turns: Iterable[Turn]) -> MeasuredBatch:
    """The records of these turns."""
    measured = MeasuredBatch([], [], [], [], [], [])
    places: dict[str, int] = {}
    for turn in turns:
        numbers, texts = pack(turn)
        measured.request_ids.append(turn.request_id)
        measured.session_ids.append(turn.session_id)
        measured.started.append(turn.started_wall_ns)
        measured.numbers.append(numbers)
        measured.words.append(array("I", [places.setdefault(text, len(places)) for text in texts]).tobytes())
    measured.texts.extend(places)
    return measured


def _assembled(requests: Mapping[str, Sequence[Event]]) -> Iterator[Turn]:
    for request_id, events in requests.items():
        try:
            yield assemble(request_id, events)
        except Exception:  # noqa: BLE001 - one turn that trips over a bug must not cost all others
            _log.exception("request %r can't be derived from its %d events", request_id, len(events))
