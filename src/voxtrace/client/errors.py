"""Why a request for speech failed: one class per cause, each with the `code` that its events carry."""

from __future__ import annotations

from typing import ClassVar

from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError


class SpeechRequestFailed(VoxtraceError):
    """The request did not end with all of its audio. What arrived before is kept."""

    code: ClassVar[str] = "failed"


class HostUnknown(SpeechRequestFailed):
    """The host's name leads nowhere."""

    code = "host_unknown"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"no host {host!r} is known ({why}); check --url")
        self.host = host


class ConnectionRefused(SpeechRequestFailed):
    """Nothing listens there, or the way there is closed."""

    code = "connection_refused"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"no speech server answers at {where} ({why}); start one with: voxtrace up")
        self.where = where


class TimedOut(SpeechRequestFailed):
    """Nothing came for too long; `code` says while waiting for what."""

    exit_code = EXIT_UNREACHABLE
    waiting_for: ClassVar[str]

    def __init__(self, where: str, seconds: float) -> None:
        super().__init__(f"{where} gave no {self.waiting_for} within {seconds:g} s; wait longer with --timeout SECONDS")
        self.where, self.seconds = where, seconds


class ConnectTimedOut(TimedOut):
    """The connection was neither accepted nor refused."""

    code = "connect_timeout"
    waiting_for = "connection"


class FirstByteTimedOut(TimedOut):
    """The request was sent and no byte of the body came."""

    code = "first_byte_timeout"
    waiting_for = "first byte"


class StreamStalled(TimedOut):
    """The body began and then nothing more came."""

    code = "stalled"
    waiting_for = "further byte"


class TlsFailed(SpeechRequestFailed):
    """No secure connection: a certificate that is not trusted, or a server that speaks no TLS."""

    code = "tls"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"no secure connection to {where}: {why}; a server without TLS is asked with http://")
        self.where = where


class NotHttp(SpeechRequestFailed):
    """What answers does not speak HTTP/1.1."""

    code = "not_http"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"what answers at {where} does not speak HTTP: {why}; a TLS server is asked with https://")
        self.where = where


class AnswerCutShort(SpeechRequestFailed):
    """The connection ended before the answer did."""

    code = "cut_short"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, where: str, received: int, why: str) -> None:
        super().__init__(f"{where} ended the connection in the middle of its answer, after {received} bytes ({why})")
        self.where, self.received = where, received


class Redirected(SpeechRequestFailed):
    """The server points elsewhere. Following would hide where the time went, and repeat a POST."""

    code = "redirected"

    def __init__(self, status: int, location: str) -> None:
        super().__init__(f"the server answered {status} and points to {location or 'nowhere'}; ask there with --url")
        self.status, self.location = status, location


class RequestRejected(SpeechRequestFailed):
    """The server understood and says no: wrong voice, text too long, missing key (HTTP 4xx)."""

    code = "rejected"

    def __init__(self, status: int, message: str, kind: str = "") -> None:
        super().__init__(f"the server refused ({status}): {message}")
        self.status, self.message, self.kind = status, message, kind


class ServerBusy(SpeechRequestFailed):
    """The server has no room now (HTTP 429 or 503)."""

    code = "busy"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, status: int, message: str, retry_after: str) -> None:
        wait = f"; it asks to wait {retry_after} s" if retry_after else ""
        super().__init__(f"the server is busy ({status}): {message}{wait}")
        self.status, self.message, self.retry_after = status, message, retry_after


class ServerFailed(SpeechRequestFailed):
    """The server broke (any other HTTP status that is not 2xx)."""

    code = "server_failed"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the server failed ({status}): {message}")
        self.status, self.message = status, message


class NotAudio(SpeechRequestFailed):
    """The answer was 200 and no audio: a web page, JSON, or a body without sound."""

    code = "not_audio"

    def __init__(self, content_type: str, why: str) -> None:
        super().__init__(f"the answer is no audio (Content-Type {content_type or 'missing'}): {why}; check --url")
        self.content_type, self.why = content_type, why
