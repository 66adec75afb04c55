"""One answer to a request under load: bytes in, in whatever pieces they come, and a filled record."""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpResponseParser

from voxtrace.audio.wav import NotWav
from voxtrace.client.errors import AnswerCutShort, NotAudio, NotHttp, SpeechRequestFailed
from voxtrace.client.refusal import refusal
from voxtrace.client.sound import Sound, sound_of
from voxtrace.loadtest.record import UNKNOWN, Record

REFUSAL_BYTES = 16 * 1024  # of an answer that is no audio, to say why
MAX_HEADER_CHARS = 512  # of each header that is kept
KEPT_HEADERS: Final = frozenset({
    "content-type", "content-encoding", "content-length", "transfer-encoding", "retry-after", "location",
    "server-timing", "x-voxtrace-received", "x-voxtrace-sent", "x-voxtrace-cache",
    "x-voxtrace-mode", "x-voxtrace-hedged",
    "x-reference-received", "x-reference-sent",
})  # fmt: skip


class Answer:
    """Takes one answer. Each read was stamped by the socket's owner before it comes here."""

    def __init__(self, record: Record, where: str, asked: str) -> None:
        self.record = record
        self._where, self._asked = where, asked  # host and port; format of the request
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._at_ns = 0
        self._body: list[bytes] = []
        self._refusal = bytearray()
        self._sound: Sound | None = None
        self._audio_bytes = 0
        self.audio_ns = 0  # heard so far, as far as it is known
        self.is_complete = False
        self.keeps_open = False  # once complete: whether its connection can carry another request

    def receive(self, data: bytes, at_ns: int) -> None:
        """Take what one read of the socket brought.

        Raises:
            SpeechRequestFailed: the answer is an error, no audio, or no HTTP.
        """
        if self._parser is None:
            return
        self._at_ns = at_ns
        broken = None
        try:
            self._parser.feed_data(data)
        except HttpParserError as why:
            broken = NotHttp(self._where, str(why) or type(why).__name__)
        self._hear()
        if broken is not None:
            raise broken
        if self.is_complete:
            self._judge()

    def end_of_connection(self, at_ns: int, why: str) -> None:
        """The server closed the connection.

        Raises:
            SpeechRequestFailed: the answer was not complete, or is no audio.
        """
        self._at_ns = at_ns
        headers = self.record.headers
        if not self.record.headers_ns:
            raise AnswerCutShort(self._where, 0, why or "before the answer began")
        if why or "content-length" in headers or "transfer-encoding" in headers:
            raise AnswerCutShort(self._where, self.record.body_bytes, why or "its end had not come")
        if self._sound is not None and self._sound.missing_bytes():
            promised = f"its WAV header promised {self._sound.missing_bytes()} more"
            raise AnswerCutShort(self._where, self.record.body_bytes, promised)
        self.is_complete = True
        self._judge()

    def close(self) -> None:
        """Find the first audible sample and let everything else go; the parser and this refer to each other."""
        if self._sound is not None:
            self.record.leading_silence_ns = self._sound.leading_silence_ns()
        self._parser = self._sound = None
        self._body.clear()

    # Called by the parser

    def on_message_begin(self) -> None:
        if self.is_complete:
            self.keeps_open = False  # it says more than it was asked

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        if key in KEPT_HEADERS and not self.is_complete:
            self.record.headers[key] = value.decode("latin-1")[:MAX_HEADER_CHARS]

    def on_headers_complete(self) -> None:
        if self._parser is None or self.is_complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self.record.headers.clear()  # only a sign that the server is at work
            return
        record = self.record
        record.status, record.headers_ns = status, self._at_ns
        if status < 300 and record.headers.get("content-encoding", "identity") == "identity":
            self._sound = sound_of(record.headers.get("content-type", ""), self._asked)

    def on_body(self, body: bytes) -> None:
        if not self.is_complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser is not None and self.record.headers_ns and not self.is_complete:
            self.is_complete = True
            self.keeps_open = self._parser.should_keep_alive()

    def _hear(self) -> None:
        """Tell what the body's bytes of one read are."""
        if not self._body:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        record = self.record
        if not record.first_byte_ns:
            record.first_byte_ns = self._at_ns
        record.body_bytes += len(body)
        if self._sound is None:
            self._refusal += body[: max(REFUSAL_BYTES - len(self._refusal), 0)]
            return
        try:
            brought = self._sound.feed(body)
        except NotWav as why:
            raise NotAudio(record.headers.get("content-type", ""), str(why)) from why
        if brought.audio_bytes:
            self._audio_bytes += brought.audio_bytes
            self.audio_ns += brought.audio_ns or 0
            lasts = UNKNOWN if brought.audio_ns is None else brought.audio_ns
            record.arrivals.extend((self._at_ns, brought.audio_bytes, lasts))

    def _judge(self) -> None:
        """Raise what is wrong with an answer that is complete."""
        record = self.record
        if self._sound is None:
            raise self._refused()
        if not self._audio_bytes:
            size = record.body_bytes
            why = f"no sample could be found in its {size} bytes" if size else "it is empty"
            raise NotAudio(record.headers.get("content-type", ""), why)

    def _refused(self) -> SpeechRequestFailed:
        return refusal(self.record.status, self.record.headers, bytes(self._refusal))
