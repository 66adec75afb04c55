"""A request's body, bounded in size and in the time it may take."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.types import Receive, Scope

from voxtrace.server.api_error import ApiError
from voxtrace.speech.errors import ClientGone

PATIENCE_S = 10.0  # for a body that comes in drops
# A client that still writes when the connection is closed never sees the answer: so much is read to the end.
HEARD_OUT_BYTES = 16 * 1024 * 1024


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises:
        ApiError: it is longer than `limit` bytes, or does not come.
        ClientGone: the client left before it was complete.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > HEARD_OUT_BYTES:
            raise _too_large(limit)
    message = await receive()
    # Nearly always the body came in one packet with its headers: then no timer is needed.
    if message["type"] == "http.request" and not message.get("more_body") and len(message["body"]) <= limit:
        return bytes(message["body"])
    try:
        async with asyncio.timeout(PATIENCE_S):
            body, size = bytearray(), 0
            while message["type"] == "http.request":
                size += len(message["body"])
                if size <= limit:
                    body += message["body"]
                if size > HEARD_OUT_BYTES or (size > limit and not message.get("more_body")):
                    raise _too_large(limit)
                if not message.get("more_body"):
                    return bytes(body)
                message = await receive()
    except TimeoutError as why:
        text = f"the request's body was not complete after {PATIENCE_S:g} s"
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, text, code="body_timeout") from why
    raise ClientGone


def _too_large(limit: int) -> ApiError:
    text = f"the request's body is larger than the {limit // 1024} KiB that are read"
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text, code="body_too_large")
