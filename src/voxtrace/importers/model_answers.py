"""Logged answers of language models, one JSON object a line: Ollama, and servers with OpenAI's or Anthropic's API."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from voxtrace.events import Event
from voxtrace.events.plain import sound_text
from voxtrace.importers.fast_json import parse_lines_json
from voxtrace.importers.lines import BYTE_ORDER_MARK, whole_document
from voxtrace.importers.local_time import LocalTimes, unix_ns
from voxtrace.importers.log_lines import LogLine, head_lines, may_be_log, read_lines, refuse
from voxtrace.importers.model_timings import Timing, holds_text, is_piece, moments_of, timing_of
from voxtrace.importers.ports import HEAD_BYTES, ByteStream, Context, HoldsNoEvents, Item, Note
from voxtrace.importers.request_clock import RequestClock, digest
from voxtrace.importers.told_numbers import told_number
from voxtrace.units import NANOS_PER_MILLI

_INSIDE = ("response", "body", "data", "result", "completion", "output")
_REQUEST_IDS, _SESSIONS = ("request_id", "requestId", "trace_id"), ("session_id", "conversation_id", "conversationId")
_LOGGED = ("time", "timestamp", "ts")
_WHOLE_SECONDS = ("created", "completed_at", "created_at")  # Unix seconds, the end of an answer before its begin
_MARKS = (b'_duration"', b'"timings"', b'"usage"', b'"created_at"')
# Of a document, of which only the beginning may be seen: names that stand together in nothing but answers of models.
_DOCUMENT_MARKS = (
    (b'"total_duration"', b'"load_duration"'),
    (b'"timings"', b'"predicted_ms"'),
    (b'"choices"', b'"usage"'),
    (b'"stop_reason"', b'"usage"', b'"input_tokens"', b'"output_tokens"'),
    (b'"previous_response_id"', b'"input_tokens_details"'),
)
STREAMS_KEPT = 4096
Record = Mapping[str, object]


class ModelAnswers:
    """Each answer a call of the model, in the turn whose id stands on its line or alone."""

    name = "model-answers"
    title = "answers of language models, one JSON object per line (Ollama, llama.cpp, vLLM, OpenAI, Anthropic, …)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        is_likely = may_be_log(path) and any(mark in head for mark in _MARKS)
        if is_likely and _is_document(head) and any(all(mark in head for mark in marks) for marks in _DOCUMENT_MARKS):
            return 65
        for text in head_lines(head) if is_likely else ():
            record = _parsed(text)
            if record is not None and (timing_of(_body(record)) is not None or is_piece(_body(record))):
                return 70
        return 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        begun = _Begun(stream)
        if not _is_document(begun.head):
            return read_lines(begun, _Reading(context))
        return _read_document(whole_document(begun), _Reading(context))


class _Begun:
    """A stream whose first bytes were looked at, and are read again."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.head = self._rest = stream.read(HEAD_BYTES)

    def read(self, size: int = -1, /) -> bytes:
        block, self._rest = self._rest, b""
        return block or self._stream.read(size)


def _is_document(head: bytes) -> bool:
    """Whether the file is one JSON value over several lines, or a list; not an object on each line."""
    begins = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    return begins[:1] == b"[" or (begins[:1] == b"{" and begins[1:].lstrip(b" \t\r")[:1] == b"\n")


def _read_document(content: bytes, reading: _Reading) -> Iterator[Item]:
    """The answers of one file, as if each stood on a line of its own.

    Raises:
        HoldsNoEvents: it is no JSON.
    """
    try:
        document = parse_lines_json(content)
    except RecursionError:
        raise HoldsNoEvents("the JSON is nested too deeply") from None
    except ValueError as why:
        raise HoldsNoEvents(f"the JSON can't be read: {why}") from why
    for number, record in enumerate(document if isinstance(document, list) else [document], 1):
        yield from reading.take(LogLine(number, 0, json.dumps(record), is_ended=True))
    yield from reading.end()


class _Reading:
    def __init__(self, context: Context) -> None:
        self._times = LocalTimes(context.zone)
        self._streams: OrderedDict[str, int | None] = OrderedDict()  # when the first text of an open stream came
        self._others = self._by_second = self._untimed = self._derived = self._contradicted = 0

    def take(self, line: LogLine) -> Iterator[Item]:
        text = line.text.removeprefix("data:").strip()
        if not text.startswith("{"):
            self._others += 1  # a stream's end, a comment, another line of the log
            return
        try:
            record = parse_lines_json(text.encode())
        except (ValueError, RecursionError) as why:
            yield refuse(line, "json", str(why))
            return
        if not isinstance(record, dict):
            return
        body = _body(record)
        timing = timing_of(body)
        if timing is not None:
            yield from self._answer(line, text, record, body, timing)
        elif is_piece(body):
            self._piece(record, body)
        else:
            self._others += 1

    def end(self) -> Iterator[Item]:
        yield from self._times.notes()
        if self._derived:
            yield Note("derived", "first token that is told only by what the answer took without it", self._derived)
        if self._by_second:
            yield Note("whole_seconds", "answer whose time is known to the second only", self._by_second)
        if self._untimed:
            yield Note(
                "no_durations", "answer that tells no time, or none that can be true; one event each", self._untimed
            )
        if self._contradicted:
            text = "parts_exceed_total: answer whose parts are longer than the whole; none of its times was taken"
            yield Note("parts_exceed_total", text, self._contradicted)
        if self._streams:
            yield Note("open_streams", "stream of an answer whose end is not in the log; left out", len(self._streams))
        if self._others:
            yield Note("other_lines", "line that is no answer of a model; left out", self._others)

    def _piece(self, record: Record, body: Record) -> None:
        key = _stream_of(record, body)
        if self._streams.get(key) is not None:
            return
        self._streams[key] = self._logged(record, body) if holds_text(body) else None
        if len(self._streams) > STREAMS_KEPT:
            self._streams.popitem(last=False)

    def _answer(self, line: LogLine, text: str, record: Record, body: Record, timing: Timing) -> Iterator[Item]:
        first = self._streams.pop(_stream_of(record, body), None)
        wall_ns, is_start = self._logged(record, body), False
        if timing.began_wall_ns is not None:
            wall_ns, is_start = timing.began_wall_ns, True
        if wall_ns is None:
            wall_ns = self._to_the_second(body)
            self._by_second += wall_ns is not None
            # vLLM notes when it took the request, the others when they wrote the answer.
            is_start = timing.writer == "vllm"
        if wall_ns is None:
            whole = line._replace(is_ended=True)  # its JSON was read, so nothing of it is missing
            yield refuse(whole, "timestamp", "an answer without a time; log one beside it as time, timestamp or ts")
            return
        length_ns = round((timing.total_ms or 0.0) * NANOS_PER_MILLI)
        started = wall_ns if is_start else wall_ns - length_ns
        first_ms = None if first is None else (first - started) / NANOS_PER_MILLI
        if first_ms is not None and not 0 <= first_ms <= (timing.total_ms or 0.0):
            first_ms = None  # of another stream, or by another clock
        yield from self._events(text, record, body, timing, (started, first_ms))

    def _events(
        self, text: str, record: Record, body: Record, timing: Timing, times: tuple[int, float | None]
    ) -> Iterator[Event]:
        started, first_ms = times
        told = next((str(record[key]) for key in _REQUEST_IDS if record.get(key)), None)
        own = body.get("id")
        named = told or (own if isinstance(own, str) and own else f"answer-{digest(text)}")
        session = next((sound_text(str(record[key]), 200) for key in _SESSIONS if record.get(key)), None)
        clock = RequestClock(named, started)
        model = body.get("model") or record.get("model")
        common = {"model": model if isinstance(model, str) else None, "writer": timing.writer}
        if timing.total_ms is None or timing.contradicts_itself:
            self._contradicted += timing.contradicts_itself
            self._untimed += not timing.contradicts_itself
            event = clock.event(0.0, 9, "llm", "llm.response_received", **common, **dict(timing.facts))
            yield event._replace(session_id=session)
            return
        # Several calls of one turn share its id; each keeps a clock and numbers of its own.
        clock = clock if told is None else RequestClock(named, started, f"{named}/{digest(text)}")
        for after_ms, seq, name, facts in moments_of(timing, first_ms):
            self._derived += "derived" in facts
            event = clock.event(after_ms, seq, "llm", name, **common, **facts)
            yield event._replace(session_id=session)

    def _logged(self, record: Record, body: Record) -> int | None:
        """When the line says that it was written: with a fraction of a second, where anything does."""
        # Of an answer of the Responses API this would be when it was asked for, to the second.
        written = body.get("created_at") if body.get("object") != "response" else None
        for told in (written, *(record.get(key) for key in _LOGGED)):
            if (wall_ns := self._wall_ns(told)) is not None:
                return wall_ns
        return None

    def _to_the_second(self, body: Record) -> int | None:
        moments = (self._wall_ns(body.get(name)) for name in _WHOLE_SECONDS)
        return next((wall_ns for wall_ns in moments if wall_ns is not None), None)

    def _wall_ns(self, told: object) -> int | None:
        number = told_number(told)
        return self._times.from_text(told) if number is None else unix_ns(number)


def _parsed(text: str) -> dict[str, object] | None:
    try:
        record = json.loads(text.strip().removeprefix("data:"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _body(record: Record) -> Record:
    """The answer itself, where a logger has put it below a key of its own."""
    if timing_of(record) is not None:
        return record
    return next((inner for key in _INSIDE if isinstance(inner := record.get(key), dict)), record)


def _stream_of(record: Record, body: Record) -> str:
    for key in _REQUEST_IDS:
        if record.get(key):
            return str(record[key])
    return str(body.get("id") or body.get("model") or "")
