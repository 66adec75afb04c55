"""One request for speech over HTTP/1.1, without any I/O: bytes in, named moments out.

Whoever owns the socket stamps each read *before* it is taken apart here, so that the work of parsing
never lands in a number, and a blocking caller and an asyncio one can share this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import h11

from voxtrace import __version__
from voxtrace.audio.wav import NotWav
from voxtrace.client.errors import (
    AnswerCutShort,
    NotAudio,
    NotHttp,
    SpeechRequestFailed,
)
from voxtrace.client.refusal import refusal
from voxtrace.client.request import Endpoint, SpeechRequest
from voxtrace.client.sound import Sound, sound_of
from voxtrace.units import millis

HTTP = b"HTTP/"  # how every answer begins
MAX_HEADERS_BYTES = 64 * 1024
ERROR_BODY_BYTES = 64 * 1024  # of an answer that is no audio, to say why
MAX_ARRIVALS = 4096  # in which the first audible sample is looked for


class Stamp(NamedTuple):
    """One moment on both clocks of this machine."""

    mono_ns: int
    wall_ns: int


class Moment(NamedTuple):
    """Something that happened to the request, by the name of its stage."""

    name: str
    at: Stamp
    metadata: dict[str, object]


class Exchange:
    """One request and its answer."""

    def __init__(self, endpoint: Endpoint, request: SpeechRequest, headers: Mapping[str, str]) -> None:
        self.endpoint, self.request = endpoint, request
        self._headers = dict(headers)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS_BYTES)
        self._first_bytes = b""
        self._new_body: list[bytes] = []
        self._refusal = bytearray()  # the body of an answer that is no audio
        self._arrivals: list[tuple[Stamp, int]] = []  # of audio, with all audio until then in ns
        self._last_audio: Stamp | None = None
        self._ends_with_connection = False
        self.done = False
        self.status: int | None = None
        self.answer_headers: dict[str, str] = {}
        self.sound: Sound | None = None
        self.body_bytes = self.audio_bytes = self.chunks = 0
        self.audio_ns: int | None = None

    @property
    def request_id(self) -> str:
        """The id under which it was asked; "" where none was sent."""
        return self._headers.get("x-request-id", "")

    def start(self, at: Stamp) -> Moment:
        """Somebody asks for speech: the zero of every number."""
        asked = self.request
        return Moment(
            "REQUEST_START",
            at,
            {
                "text_chars": len(asked.text),
                "voice": asked.voice,
                "format": asked.format,
                "speed": asked.speed,
                "url": self.endpoint.url.partition("?")[0],
                "source": asked.source,
            },
        )

    def outgoing(self) -> bytes:
        """The whole request as it goes into the socket."""
        body = self.request.body()
        headers = {
            "Host": self.endpoint.where,
            "User-Agent": f"voxtrace/{__version__}",
            "Accept": "audio/*",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **self._headers,
        }
        events = (
            h11.Request(method="POST", target=self.endpoint.path, headers=list(headers.items())),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        return b"".join(self._http.send(event) or b"" for event in events)

    def receive(self, data: bytes, at: Stamp) -> list[Moment]:
        """Take what one read of the socket brought, b"" where the server closed the connection.

        Raises:
            SpeechRequestFailed: the answer is an error, no audio, or was cut short.
        """
        moments: list[Moment] = []
        body: list[bytes] = []
        if self.status is None:
            self._first_bytes = (self._first_bytes + data)[: len(HTTP)]
            if not HTTP.startswith(self._first_bytes):
                # h11 would wait for the end of a line, and a mail server for us.
                raise NotHttp(self.endpoint.where, f"it begins with {self._first_bytes!r}")
        try:
            self._http.receive_data(data)
            self._read_events(moments, body, at)
        except h11.RemoteProtocolError as why:
            self._hear(b"".join(body), at, moments)
            raise self._broken(data, str(why)) from why
        self._hear(b"".join(body), at, moments)
        if self.done or (self.sound is None and len(self._refusal) > ERROR_BODY_BYTES):
            self._judge()
        return moments

    def take_body(self) -> bytes:
        """The bytes of audio that came since the last call, as they came: headers and tags are in them."""
        taken, self._new_body = b"".join(self._new_body), []
        return taken

    def ending(self, at: Stamp, failure: SpeechRequestFailed | None = None, *, cancelled: bool = False) -> list[Moment]:
        """The last moments of the request: the first audible sample where there is one, and how it ended."""
        moments = []
        silence = self.sound.leading_silence_ns() if self.sound else None
        arrival = next((stamp for stamp, until in self._arrivals if silence is not None and until > silence), None)
        if silence is not None and arrival is not None:
            moments.append(Moment("FIRST_AUDIBLE_CHUNK", arrival, {"leading_silence_ms": millis(silence)}))
        if self._last_audio is not None and failure is None and not cancelled:
            facts: dict[str, object] = {"chunks": self.chunks, "bytes": self.audio_bytes}
            if self.audio_ns is not None:
                facts["audio_ms"] = millis(self.audio_ns)
            moments.append(Moment("LAST_AUDIO_CHUNK", self._last_audio, facts))
        outcome = "cancelled" if cancelled else "error" if failure else "ok"
        end: dict[str, object] = {"outcome": outcome, "bytes": self.body_bytes}
        if self.status is not None:
            end["status"] = self.status
        if failure is not None:
            end |= {"error": failure.code, "error_message": str(failure)}
        moments.append(Moment("REQUEST_COMPLETE", at, end))
        return moments

    def _read_events(self, moments: list[Moment], body: list[bytes], at: Stamp) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                moments.append(self._read_headers(event, at))
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.done = True
                return
            elif not isinstance(event, h11.InformationalResponse):
                return  # it needs more bytes

    def _read_headers(self, answer: h11.Response, at: Stamp) -> Moment:
        self.status = answer.status_code
        self.answer_headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
        get = self.answer_headers.get
        self._ends_with_connection = "content-length" not in self.answer_headers and not get("transfer-encoding")
        content_type = get("content-type", "")
        if 200 <= self.status < 300 and get("content-encoding", "identity") == "identity":
            self.sound = sound_of(content_type, self.request.format)
        facts: dict[str, object] = {"status": self.status}
        if content_type:
            facts["content_type"] = content_type
        if timing := get("server-timing"):
            facts["server_timing"] = timing
        # Two of the four stamps from which the offset of two machines' clocks is estimated; unix nanoseconds.
        for header, fact in (("received", "server_recv_wall_ns"), ("sent", "server_sent_wall_ns")):
            stamp = get(f"x-voxtrace-{header}", "")
            if stamp.isdecimal() and len(stamp) == 19:
                facts[fact] = int(stamp)
        return Moment("HEADERS_RECEIVED", at, facts)

    def _hear(self, body: bytes, at: Stamp, moments: list[Moment]) -> None:
        """Tell what the body's bytes of one read are: a byte, a sound, or the text of an error."""
        if not body:
            return
        if not self.body_bytes:
            moments.append(Moment("FIRST_BYTE_RECEIVED", at, {"bytes": len(body)}))
        self.body_bytes += len(body)
        if self.sound is None:
            self._refusal += body[: ERROR_BODY_BYTES + 1]
            return
        try:
            brought = self.sound.feed(body)
        except NotWav as why:
            raise NotAudio(self._content_type, str(why)) from why
        self._new_body.append(body)
        if not brought.audio_bytes:
            return
        facts: dict[str, object] = {"bytes": brought.audio_bytes}
        if brought.audio_ns is not None:
            self.audio_ns = (self.audio_ns or 0) + brought.audio_ns
            if self._last_audio is None:
                moments.append(Moment("FIRST_AUDIO_CHUNK", at, dict(facts)))
            if len(self._arrivals) < MAX_ARRIVALS:
                self._arrivals.append((at, self.audio_ns))
            facts["audio_ms"] = millis(brought.audio_ns)
        moments.append(Moment("AUDIO_CHUNK_RECEIVED", at, {"seq": self.chunks, **facts}))
        self._last_audio = at
        self.chunks += 1
        self.audio_bytes += brought.audio_bytes

    @property
    def _content_type(self) -> str:
        return self.answer_headers.get("content-type", "")

    def _judge(self) -> None:
        """Raise what is wrong with an answer that is complete."""
        if self.sound is None:
            raise self._refused()
        missing = self.sound.missing_bytes()
        if missing and self._ends_with_connection:
            why = f"its WAV header promised {missing} more"
            raise AnswerCutShort(self.endpoint.where, self.body_bytes, why)
        if not self.audio_bytes:
            why = f"no sample could be found in its {self.body_bytes} bytes" if self.body_bytes else "it is empty"
            raise NotAudio(self._content_type, why)

    def _broken(self, data: bytes, why: str) -> SpeechRequestFailed:
        if self.status is not None and not 200 <= self.status < 300:
            return self._refused()
        if not data:
            before = "before the answer began" if self.status is None else "its end had not come"
            return AnswerCutShort(self.endpoint.where, self.body_bytes, before)
        return NotHttp(self.endpoint.where, why)

    def _refused(self) -> SpeechRequestFailed:
        return refusal(self.status or 0, self.answer_headers, bytes(self._refusal))
