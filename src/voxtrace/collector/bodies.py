"""The body of a request, in bounded memory."""

from __future__ import annotations

from starlette.requests import Request

from voxtrace.collector.batches import BodyRefused

# Of a body that is refused for its size: so much is read to the end, and not kept.
HEARD_OUT_BYTES = 16 * 1024 * 1024


async def whole_body(request: Request, most: int) -> bytes:
    """The body.

    Raises:
        BodyRefused: it has more than `most` bytes.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            parts.append(part)
        # Who still writes when the connection is closed never sees the answer.
        elif size > HEARD_OUT_BYTES:
            break
    if size > most:
        raise BodyRefused(413, "too_large", f"more than {most} bytes; send smaller batches")
    return b"".join(parts)
