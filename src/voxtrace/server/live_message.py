"""What a client may say on the live socket: one JSON object a message, each with a `type`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from voxtrace.events.codec import parse_json
from voxtrace.server.api_error import ApiError
from voxtrace.server.speech_request import check_characters

TYPES = ("start", "text", "flush", "cancel", "end")


class Asked(NamedTuple):
    """One message of a client."""

    type: str
    text: str  # of the type `text`, else empty
    fields: dict[str, Any]


def read_message(raw: str | bytes | None) -> Asked:
    """Check one message.

    Raises:
        ApiError: it is none of those that are understood.
    """
    if not isinstance(raw, str):
        raise _invalid("sound goes to the client and not to the server: messages to it are text")
    try:
        record = parse_json(raw.encode())
    except (ValueError, RecursionError) as why:
        raise _invalid(f"a message is not JSON: {why}") from why
    kind = record.get("type") if isinstance(record, dict) else None
    if not isinstance(record, dict) or kind not in TYPES:
        raise _invalid(f"a message must be an object whose `type` is one of: {', '.join(TYPES)}")
    text = record.get("text", "")
    if kind == "text":
        if not isinstance(text, str):
            raise _invalid("`text` must be text")
        check_characters("text", text)
    return Asked(kind, text if kind == "text" else "", record)


def _invalid(why: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, why, code="invalid_message")
