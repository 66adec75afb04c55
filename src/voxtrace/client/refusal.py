"""What an answer that is no audio says about its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping

from voxtrace.client.errors import NotAudio, Redirected, RequestRejected, ServerBusy, ServerFailed, SpeechRequestFailed

EXCERPT_CHARS = 200


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> SpeechRequestFailed:
    """Why the server gave no audio, as it says itself; names of `headers` are in small letters."""
    text = body.decode("utf-8", "replace")
    message, kind = _error_in(text)
    message = message or _excerpt(text) or "it gives no reason"
    if 200 <= status < 300:
        encoding = headers.get("content-encoding", "identity")
        why = f"it is {encoding}-encoded" if encoding != "identity" else message
        return NotAudio(headers.get("content-type", ""), why)
    if 300 <= status < 400:
        return Redirected(status, headers.get("location", ""))
    if status in (429, 503):
        return ServerBusy(status, message, headers.get("retry-after", ""))
    return RequestRejected(status, message, kind) if 400 <= status < 500 else ServerFailed(status, message)


def _error_in(text: str) -> tuple[str, str]:
    """Message and type of an error in OpenAI's shape, or FastAPI's; empty where it is neither."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    error = said.get("error", said.get("detail")) if isinstance(said, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return _excerpt(error["message"]), str(error.get("type") or "")
    return (_excerpt(error), "") if isinstance(error, str) else ("", "")


def _excerpt(text: str) -> str:
    """The beginning of a text on one line, safe to print on a terminal."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= EXCERPT_CHARS else line[: EXCERPT_CHARS - 1] + "…"
