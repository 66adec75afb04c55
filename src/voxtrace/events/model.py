"""What one event is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NOTHING: Mapping[str, object] = MappingProxyType({})

# The request id of an event that belongs to no request, such as `sdk.dropped`. It is stored and counted;
# views of requests leave it out.
NO_REQUEST = "-"

# An event that tells of two clocks and of no step: the four times of a request and its answer; see docs/clocks.md.
CLOCK_SAMPLE = "clock.sample"


class Event(NamedTuple):
    """One thing that happened in a voice turn, as one process saw it.

    A named tuple and not a frozen dataclass: a million of them are built in one import, and a frozen
    dataclass of ten fields takes about four times as long to build.
    """

    request_id: str
    service: str
    name: str  # as its source wrote it; `stages.stage_of` says what it means
    wall_ns: int  # Unix time; labels and orders, never subtracted where mono_ns will do
    event_id: str  # unique for ever: the same id twice is the same event sent twice
    mono_ns: int | None = None  # monotonic clock of `clock`
    clock: str = ""  # "host/process/boot" whose monotonic clock this is; "" when only wall time is known
    seq: int | None = None  # counts up within one process, without holes unless events were dropped
    session_id: str | None = None
    metadata: Mapping[str, object] = NOTHING

    @property
    def clock_domain(self) -> str:
        """Events of one domain share a monotonic clock and may be subtracted from each other."""
        return domain_of(self.clock)


def domain_of(clock: str) -> str:
    """The part of a clock's name that tells which monotonic clock it is.

    CLOCK_MONOTONIC counts from one zero for all processes of one boot, so the boot's id is the domain. A
    clock whose boot is unknown ("host/process/") shares its clock with no other process.
    """
    boot = clock.rpartition("/")[2]
    return boot or clock


class Unreadable(NamedTuple):
    """A record that could not be read as an event, kept with its reason."""

    reason: str  # a short, stable word, such as "json" or "timestamp", by which it is counted
    detail: str  # for people: what was wrong
    raw: bytes  # the first bytes of the record, as they came: a store keeps their shape only
    length: int = 0  # of the whole record, bytes; 0: no more than `raw`
