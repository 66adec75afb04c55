"""Requests that share one id, told apart by time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from voxtrace.importers.log_lines import iso_of
from voxtrace.units import NANOS_PER_SECOND

# What loggers put where a request has no id of its own.
NOBODYS_IDS = frozenset({"no-id", "no_id", "noid", "unknown", "none", "null", "undefined", "n/a", "default"})
# Nothing is logged of a request for so long and then goes on: a synthesis times out after half of it.
LONG_GAP_NS = 60 * NANOS_PER_SECOND
OPEN_KEPT = 4096  # ids of which something may still come


def is_nobodys(request_id: str) -> bool:
    """Whether an id says that there is none."""
    return len(request_id) <= 9 and request_id.lower() in NOBODYS_IDS


def own_id(request_id: str, first_wall_ns: int) -> str:
    """An id for one of the requests that share one: it says when its first event happened."""
    return f"{request_id[:200]}@{iso_of(first_wall_ns)}"


Request = TypeVar("Request")


class Sharers(Generic[Request]):
    """The newest request of each id. A new one begins where the caller says so, or after a long silence."""

    def __init__(self, begin: Callable[[str], Request]) -> None:
        self._begin = begin
        self._newest: OrderedDict[str, tuple[Request, int]] = OrderedDict()
        self._named: OrderedDict[str, int] = OrderedDict()

    def find(self, request_id: str, wall_ns: int) -> Request | None:
        """The request of that id that may still be going on."""
        found = self._newest.get(request_id)
        if found is None or wall_ns - found[1] > LONG_GAP_NS:
            return None
        return found[0]

    def new(self, request_id: str, wall_ns: int) -> Request:
        """Another request of that id; only the first of an id that is somebody's keeps it."""
        count = self._named[request_id] = self._named.pop(request_id, 0) + 1
        named = request_id if count == 1 and not is_nobodys(request_id) else own_id(request_id, wall_ns)
        request = self._begin(named)
        self.seen(request_id, request, wall_ns)
        if len(self._named) > OPEN_KEPT:
            self._named.popitem(last=False)
        return request

    def seen(self, request_id: str, request: Request, wall_ns: int) -> None:
        """Something of a request happened at that time."""
        self._newest.pop(request_id, None)
        self._newest[request_id] = (request, wall_ns)
        if len(self._newest) > OPEN_KEPT:
            self._newest.popitem(last=False)
