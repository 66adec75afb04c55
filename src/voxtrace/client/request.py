"""What is asked of a speech server, and where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from voxtrace.config import LOOPBACK, SERVE_PORT
from voxtrace.errors import InvalidOption

DEFAULT_URL = f"http://{LOOPBACK}:{SERVE_PORT}"
MAX_INPUT_CHARS = 4096  # of one request; OpenAI's limit, which compatible servers share
FORMATS = ("wav", "pcm", "mp3", "opus", "aac", "flac")
SPEECH_PATH = "/audio/speech"

Source = Literal["real", "probe", "bench", "load"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a speech server answers."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def where(self) -> str:
        """Host and port, as in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.where}{self.path}"

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine, so that its events may be at hand."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def endpoint(url: str) -> Endpoint:
    """The endpoint that a URL means: the server's own, its `/v1`, or the whole path.

    Raises:
        InvalidOption: it is no http or https URL.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as why:
        raise InvalidOption("url", url, str(why)) from why
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidOption("url", url, f"must look like {DEFAULT_URL}")
    if parts.username or parts.password or not url.isascii() or any(char <= " " for char in url):
        raise InvalidOption("url", url, "must hold no user name, no blank and only ASCII")
    path = parts.path.rstrip("/")
    if not path.endswith(SPEECH_PATH):
        path += SPEECH_PATH if path.endswith("/v1") else f"/v1{SPEECH_PATH}"
    secure = parts.scheme == "https"
    return Endpoint(secure, host, port or (443 if secure else 80), path + (f"?{parts.query}" if parts.query else ""))


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One text to be spoken.

    Raises:
        InvalidOption: a value that no speech server can take.
    """

    text: str
    voice: str = "alloy"
    format: str = "wav"
    speed: float = 1.0
    model: str = "tts-1"
    source: Source = "real"
    as_written: bool = False  # numbers and signs are not read as words; only Voxtrace's server knows this

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InvalidOption("text", self.text, "there is nothing to say")
        if not 0.25 <= self.speed <= 4:
            raise InvalidOption("speed", self.speed, "must be from 0.25 to 4")
        if self.format not in FORMATS:
            raise InvalidOption("format", self.format, f"must be one of {', '.join(FORMATS)}")
        try:
            self.text.encode()
        except UnicodeEncodeError as why:
            raise InvalidOption("text", self.text[why.start : why.end], "half of a character can't be said") from why

    def body(self) -> bytes:
        """The request as JSON."""
        asked = {"model": self.model, "input": self.text, "voice": self.voice, "response_format": self.format}
        if self.speed != 1.0:
            asked["speed"] = self.speed  # type: ignore[assignment]
        if self.as_written:
            asked["normalise"] = False  # type: ignore[assignment]
        return json.dumps(asked).encode()
