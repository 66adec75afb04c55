"""How the bytes of an answer travel: bare, or as server-sent events."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Protocol

from voxtrace.server.api_error import ApiError
from voxtrace.server.speech_request import SpeechRequest
from voxtrace.speech.encode import FORMATS
from voxtrace.speech.ports import OUTPUT_RATE_HZ

# OpenAI's events count tokens, and here there are none: a character is one, and so is this much sound.
MS_PER_TOKEN = 50


class Delivery(Protocol):
    """Wraps what an encoder made."""

    @property
    def media_type(self) -> str: ...

    def chunk(self, audio: bytes) -> bytes:
        """The next bytes of the body."""
        ...

    def end(self, audio_ms: float) -> bytes:
        """The last bytes of a body that is complete."""
        ...

    def broken(self, error: ApiError) -> bytes:
        """The last bytes of a body that is not; empty where there are no words for it."""
        ...


class BareAudio:
    """The encoder's bytes are the body."""

    def __init__(self, media_type: str) -> None:
        self.media_type = media_type

    def chunk(self, audio: bytes) -> bytes:
        return audio

    def end(self, audio_ms: float) -> bytes:
        return b""

    def broken(self, error: ApiError) -> bytes:
        return b""


class ServerSentEvents:
    """OpenAI's `speech.audio.delta` and `speech.audio.done`."""

    media_type = "text/event-stream"

    def __init__(self, text_chars: int) -> None:
        self._text_chars = text_chars

    def chunk(self, audio: bytes) -> bytes:
        # By hand: base64 has nothing that JSON would escape.
        return b'data: {"type":"speech.audio.delta","audio":"' + b64encode(audio) + b'"}\n\n'

    def end(self, audio_ms: float) -> bytes:
        spoken = -int(-audio_ms // MS_PER_TOKEN)
        usage = {"input_tokens": self._text_chars, "output_tokens": spoken, "total_tokens": self._text_chars + spoken}
        facts = {"text_chars": self._text_chars, "audio_ms": audio_ms}
        return event({"type": "speech.audio.done", "usage": usage, "voxtrace": facts})

    def broken(self, error: ApiError) -> bytes:
        return event({"type": "error", **json.loads(error.body)})


def event(record: dict[str, object]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(record, separators=(",", ":")).encode() + b"\n\n"


def delivery_of(request: SpeechRequest) -> Delivery:
    """What the request asked for."""
    if request.stream_format == "sse":
        return ServerSentEvents(len(request.text))
    return BareAudio(media_type_of(request.format, request.rate_hz))


def media_type_of(form: str, rate_hz: int) -> str:
    """The Content-Type; that of bare samples says their rate where it is not the one that everybody expects."""
    media_type = FORMATS[form].media_type
    return f"{media_type};rate={rate_hz};channels=1" if form == "pcm" and rate_hz != OUTPUT_RATE_HZ else media_type
