"""Errors in the shape that OpenAI's clients turn into typed exceptions."""

from __future__ import annotations

import json
from http import HTTPStatus

from voxtrace.errors import VoxtraceError
from voxtrace.speech.errors import Refused, SpeechError, Stopping

_TYPES = {400: "invalid_request_error", 403: "permission_error", 404: "invalid_request_error", 429: "rate_limit_error"}


class ApiError(VoxtraceError):
    """A request can't be answered with what it asks for."""

    def __init__(self, status: int, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.headers: list[tuple[bytes, bytes]] = []

    @property
    def body(self) -> bytes:
        """`{"error": {"message", "type", "param", "code"}}`."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode()


def from_speech_error(error: SpeechError) -> ApiError:
    """What a client is told when synthesis failed before its first byte."""
    if isinstance(error, Refused):
        refusal = ApiError(HTTPStatus.TOO_MANY_REQUESTS, str(error), code=error.code)
        refusal.headers.append((b"retry-after", b"%d" % error.retry_after_s))
        return refusal
    if isinstance(error, Stopping):
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), code=error.code)
    if error.code == "no_sound":
        return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), code=error.code, param="input")
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, str(error), code=error.code)
