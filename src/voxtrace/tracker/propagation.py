"""Request ids across services: W3C `traceparent` and `x-request-id`, in and out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"

# A header comes from outside: no blanks, quotes or slashes, and short. Anything else is not an id.
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
# W3C Trace Context: version ff and ids of zeros are invalid, and only versions after 00 may have more fields.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def generate_request_id() -> str:
    """A new request id that is a valid W3C trace id: 32 hex digits, random."""
    return os.urandom(16).hex()


def request_id_from_headers(headers: Mapping[str, str]) -> str | None:
    """The caller's request id: `x-request-id` where it is sane, else the trace id of `traceparent`, else None.

    Names may be written in any case.
    """
    found = {name.lower(): value.strip() for name, value in headers.items()}
    given = found.get(REQUEST_ID, "")
    if _SANE_ID.fullmatch(given):
        return given
    return _trace_id(found.get(TRACEPARENT, ""))


def outgoing_headers(request_id: str) -> dict[str, str]:
    """Headers that carry `request_id` to the next service.

    `traceparent` is sent only where the id is a trace id: one made up for it would join nothing.
    """
    if not _SANE_ID.fullmatch(request_id):
        return {}
    headers = {REQUEST_ID: request_id}
    if _TRACE_ID.fullmatch(request_id):
        headers[TRACEPARENT] = f"00-{request_id}-{generate_span_id()}-01"
    return headers


def generate_span_id() -> str:
    """A new W3C span (parent) id: 16 hex digits, random."""
    return os.urandom(8).hex()


def _trace_id(parent: str) -> str | None:
    found = _TRACEPARENT.fullmatch(parent)
    if found is None:
        return None
    version, trace_id, more = found.groups()
    return None if version == "00" and more else trace_id
