"""pino logs of a tutor backend: speech to text, a whole answer of the model, and chunks of it spoken side by side."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from voxtrace.events import Event
from voxtrace.events.codec import content_id
from voxtrace.events.plain import sound_text, tidy
from voxtrace.importers.fast_json import parse_lines_json
from voxtrace.importers.local_time import LocalTimes, unix_ns
from voxtrace.importers.log_lines import LogLine, may_be_log, read_lines, refuse
from voxtrace.importers.ports import ByteStream, Context, Item, Note
from voxtrace.importers.told_numbers import snake, told_ms, told_number
from voxtrace.importers.tutor_turns import HEARD_BEFORE_NS, Chunk, OpenTurn, OpenTurns
from voxtrace.units import NANOS_PER_MILLI

_OURS = re.compile(rb'"msg":\s*"[^"]{0,40}\[(?:OLLAMA|PIPELINE|TTS-QUEUE|TTS-SERVICE)\] ')
_NOT_FACTS = frozenset(
    {"level", "time", "env", "service", "component", "msg", "pid", "hostname", "timings", "err", "full_response"}
)
MAX_ID = 200  # characters; what marks a second turn of the same id still fits
FILES_KEPT = 256
Record = dict[str, object]


class TutorLog:
    """Each answer a turn, from the recognised speech to its last spoken chunk."""

    name = "tutor-log"
    title = "pino log of a tutor backend ([OLLAMA], [PIPELINE], [TTS-QUEUE] lines)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if may_be_log(path) and _OURS.search(head) and b'"time"' in head else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        return read_lines(stream, _Reading(context))


class _Said(NamedTuple):
    """One line, taken apart."""

    record: Record
    text: str
    wall_ns: int

    def ms(self, *names: str) -> float | None:
        return next((ms for name in names if (ms := told_ms(self.record.get(name))) is not None), None)

    def before(self, *names: str) -> int | None:
        """The point in time that lies as long before the line as one of its numbers says."""
        ms = self.ms(*names)
        return None if ms is None else self.wall_ns - round(ms * NANOS_PER_MILLI)

    @property
    def chunk_index(self) -> int | None:
        found = told_number(self.record.get("chunkIndex"))
        return int(found) if found is not None and 0 <= found < 100_000 else None

    @property
    def request_id(self) -> str | None:
        request = self.record.get("req")
        nested = request.get("id") if isinstance(request, dict) else None
        for found in (self.record.get("requestId"), self.record.get("reqId"), nested):
            if isinstance(found, str | int) and not isinstance(found, bool) and str(found).strip():
                return sound_text(str(found), MAX_ID)
        return None

    def facts(self) -> dict[str, object]:
        facts: dict[str, object] = {}
        for key, value in self.record.items():
            name = snake(key)
            if name not in _NOT_FACTS and not isinstance(value, dict | list) and value is not None:
                number = told_number(value)
                facts[{"chunk_index": "chunk"}.get(name, name)] = value if number is None else number
        return facts


class _Reading:
    def __init__(self, context: Context) -> None:
        self._times = LocalTimes(context.zone)
        self._turns = OpenTurns()
        self._files: OrderedDict[str, _Said] = OrderedDict()  # what was said of a chunk whose beginning was not
        self._heard: list[_Said] = []  # recognised speech whose turn has not begun
        self._others = self._homeless = 0

    def take(self, line: LogLine) -> Iterator[Item]:
        try:
            record = parse_lines_json(line.text.encode())
        except (ValueError, RecursionError) as why:
            yield refuse(line, "json", str(why))
            return
        message = record.get("msg") if isinstance(record, dict) else None
        if not isinstance(record, dict) or not isinstance(message, str):
            self._others += 1
            return
        read = next((read for mark, read in _LINES if mark.search(message)), None)
        if read is None:
            self._others += 1
            return
        wall_ns = self._wall_ns(record.get("time"))
        if wall_ns is None:
            yield refuse(line, "timestamp", "no time between 2001 and 2100")
            return
        yield from read(self, _Said(record, line.text, wall_ns))

    def end(self) -> Iterator[Item]:
        yield from self._times.notes()
        self._homeless += len(self._heard)
        if self._homeless:
            yield Note("no_turn", "line of a stage that belongs to no turn of this log; left out", self._homeless)
        if self._others:
            yield Note("other_lines", "line that tells of no stage; left out", self._others)

    def _wall_ns(self, told: object) -> int | None:
        number = told_number(told)
        # pino's own default is a number of milliseconds.
        return self._times.from_text(told) if number is None else unix_ns(number)

    # ---- what each line means

    def ask_model(self, said: _Said) -> Iterator[Event]:
        turn = self._turns.begin(said.wall_ns, said.request_id)
        self._turn_of(said, turn)
        # The request that brought the speech ends around the line about it: the line is the closer witness.
        heard, late = _newest([each for each in self._heard if said.wall_ns - each.wall_ns <= HEARD_BEFORE_NS])
        self._homeless += len(self._heard) - len(late)
        self._heard = []
        if heard is not None:
            yield from _recognised(turn, heard)
        yield _event(turn, said, said.wall_ns, "ollama", "ollama_start")

    def model_answered(self, said: _Said) -> Iterator[Event]:
        began = said.before("timeMs")
        turn = self._turns.named(said.request_id) or self._turns.asked_at(said.wall_ns if began is None else began)
        if turn is None:
            self._homeless += 1
            return
        turn.is_answered = True
        yield _event(self._turn_of(said, turn), said, said.wall_ns, "ollama", "ollama_end")

    def of_turn(self, said: _Said, service: str, name: str) -> Iterator[Event]:
        turn = self._turns.named(said.request_id) or self._turns.newest()
        if turn is None:
            self._homeless += 1
            return
        yield _event(self._turn_of(said, turn), said, said.wall_ns, service, name, _timings(said.record))

    def chunk_starts(self, said: _Said) -> Iterator[Event]:
        index = said.chunk_index
        turn = None if index is None else self._turns.named(said.request_id) or self._turns.to_speak(index)
        if turn is None or index is None:
            self._homeless += 1
            return
        going_on = self._turns.chunk_begun_at(said.wall_ns, index)
        if going_on is not None:  # the next service says so once more
            yield _event(self._turn_of(said, going_on[0]), said, said.wall_ns, "tts", "chunk_tts_accepted")
            return
        turn.chunks[index] = Chunk(index, said.wall_ns)
        yield _event(self._turn_of(said, turn), said, said.wall_ns, "tts", "chunk_tts_start")

    def chunk_answered(self, said: _Said) -> Iterator[Event]:
        began = said.before("timeMs")
        found = self._turns.chunk_begun_at(said.wall_ns if began is None else began, said.chunk_index)
        if found is None:
            self._homeless += 1
            return
        turn, chunk = found
        chunk.answered_wall_ns = said.wall_ns
        yield _event(self._turn_of(said, turn), said, said.wall_ns, "tts", "chunk_tts_api_end", {"chunk": chunk.index})

    def metadata_came(self, said: _Said) -> Iterator[Event]:
        began = said.before("timeMs")
        found = self._turns.chunk_answered_at(said.wall_ns if began is None else began)
        if found is None:
            self._homeless += 1
            return
        turn, chunk = found
        file_id = said.record.get("fileId")
        chunk.file_id = file_id if isinstance(file_id, str) else ""
        mine: dict[str, object] = {"chunk": chunk.index}
        if began is not None:
            yield _event(turn, said, began, "tts", "chunk_metadata_start", {**mine, "derived": "timeMs"})
        yield _event(self._turn_of(said, turn), said, said.wall_ns, "tts", "chunk_metadata_end", mine)

    def of_chunk(self, said: _Said, name: str, is_over: bool) -> Iterator[Event]:
        """A line about the chunk of a file or of a number; a chunk that is over gets no more of them."""
        began = said.before("totalTimeMs", "timeMs")
        found = self._turns.chunk_of(said.record.get("fileId"), said.chunk_index, began)
        if found is None and not is_over and isinstance(said.record.get("fileId"), str):
            self._files[str(said.record["fileId"])] = said
            if len(self._files) > FILES_KEPT:
                self._files.popitem(last=False)
            return
        if found is None and began is not None and said.chunk_index is not None:
            found = self._turns.speak_from(began, said.chunk_index)
            if found is not None:
                yield from self._unlogged_calls(said, found, began)
        if found is None:
            self._homeless += 1
            return
        turn, chunk = found
        chunk.is_over |= is_over
        facts: dict[str, object] = {"chunk": chunk.index, "audio_duration_s": told_number(said.record.get("duration"))}
        yield _event(self._turn_of(said, turn), said, said.wall_ns, "tts", name, facts)

    def _unlogged_calls(self, said: _Said, found: tuple[OpenTurn, Chunk], began: int) -> Iterator[Event]:
        """How a chunk came about whose beginning is a line of level DEBUG, and this log has none of them."""
        turn, chunk = found
        mine: dict[str, object] = {"chunk": chunk.index, "derived": "totalTimeMs"}
        yield _event(turn, said, began, "tts", "chunk_tts_start", mine)
        file = self._files.pop(str(said.record.get("fileId")), None)
        whole, first = (file.before("totalTimeMs"), file.ms("apiRequestTimeMs")) if file else (None, None)
        if file is None or whole is None or first is None:
            return
        answered = whole + round(first * NANOS_PER_MILLI)
        yield _event(turn, file, answered, "tts", "chunk_tts_api_end", {**mine, "derived": "apiRequestTimeMs"})
        yield _event(turn, file, answered, "tts", "chunk_metadata_start", {**mine, "derived": "apiRequestTimeMs"})
        yield _event(turn, file, file.wall_ns, "tts", "chunk_metadata_end", mine)

    def request_ended(self, said: _Said) -> Iterator[Event]:
        path = str(said.record.get("path") or said.record.get("url") or "")
        began = said.before("duration", "durationMs", "responseTime")
        if "/stt" in path or "/transcribe" in path:
            yield from self.speech_heard(said)
            return
        turn = None
        if "/chat" in path or "/ollama" in path:
            turn = self._turns.named(said.request_id)
            turn = turn or (self._turns.newest() if began is None else self._turns.received_at(began))
        if turn is None:
            self._others += 1  # of another page
            return
        turn.is_sent = True
        status = told_number(said.record.get("statusCode"))
        outcome = None if status is None else "ok" if status < 400 else "error"
        if began is not None:
            yield _event(turn, said, began, "backend", "request_received", {"derived": "duration"})
        yield _event(turn, said, said.wall_ns, "backend", "request_end", {"outcome": outcome})

    def speech_heard(self, said: _Said) -> Iterator[Event]:
        self._heard.append(said)
        self._homeless += len(self._heard[:-8])
        del self._heard[:-8]
        yield from ()

    def _turn_of(self, said: _Said, turn: OpenTurn) -> OpenTurn:
        """The turn, with the conversation that a line of it names."""
        session = said.record.get("conversationId")
        if turn.session_id is None and isinstance(session, str) and session:
            turn.session_id = sound_text(session, MAX_ID)
        return turn


def _event(
    turn: OpenTurn, said: _Said, wall_ns: int, service: str, name: str, more: dict[str, object] | None = None
) -> Event:
    facts = tidy({key: value for key, value in {**said.facts(), **(more or {})}.items() if value is not None})
    named = content_id(f"{turn.request_id}\0{name}\0{said.text}".encode("utf-8", "replace"))
    return Event(turn.request_id, service, name, wall_ns, named, None, "", None, turn.session_id, facts)


def _newest(heard: list[_Said]) -> tuple[_Said | None, list[_Said]]:
    """The newest line about recognised speech, and all that tell of the same."""
    told = [said for said in heard if "duration" not in said.record or "statusCode" not in said.record] or heard
    return (told[-1] if told else None), heard


def _recognised(turn: OpenTurn, heard: _Said) -> Iterator[Event]:
    began = heard.before("timeMs", "processingTimeMs", "duration", "durationMs")
    if began is not None:
        yield _event(turn, heard, began, "stt", "stt_start", {"derived": "duration"})
    yield _event(turn, heard, heard.wall_ns, "stt", "stt_end")


def _timings(record: Record) -> dict[str, object]:
    """`timings[{label, timeMs}]` as facts: the writer's own account, kept beside what its lines tell."""
    timings = record.get("timings")
    if not isinstance(timings, list):
        return {}
    return {
        f"reported_{snake(str(entry['label'])).replace(' ', '_')}_ms": told_ms(entry.get("timeMs"))
        for entry in timings[:32]
        if isinstance(entry, dict) and "label" in entry
    }


def _line(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_Read = Callable[[_Reading, _Said], Iterator[Event]]


def _of_turn(service: str, name: str) -> _Read:
    return lambda reading, said: reading.of_turn(said, service, name)


def _of_chunk(name: str, *, is_over: bool) -> _Read:
    return lambda reading, said: reading.of_chunk(said, name, is_over)


# Nothing of a chunk that failed is ready to play, so its end is no tts.synthesis_complete.
# Each message begins with a pictogram, so they are found anywhere in it.
_LINES: tuple[tuple[re.Pattern[str], _Read], ...] = (
    (_line(r"\[OLLAMA\] Starting Ollama request"), _Reading.ask_model),
    (_line(r"Ollama response received"), _Reading.model_answered),
    (_line(r"\[PIPELINE\] Starting"), _of_turn("pipeline", "pipeline_start")),
    (_line(r"Step 1 complete"), _of_turn("pipeline", "answer_parsed")),
    (_line(r"\[TTS-QUEUE\] Starting TTS for chunk|\[TTS\] Starting TTS generation for chunk"), _Reading.chunk_starts),
    (_line(r"TTS backend response received"), _Reading.chunk_answered),
    (_line(r"Metadata retrieved"), _Reading.metadata_came),
    (_line(r"Speech synthesized successfully"), _of_chunk("speech_synthesized", is_over=False)),
    (_line(r"\[TTS\] TTS generated successfully"), _of_chunk("chunk_tts_end", is_over=True)),
    (
        _line(r"\[TTS\] TTS (?:generation (?:failed|error)|request timeout)"),
        _of_chunk("chunk_tts_failed", is_over=True),
    ),
    (_line(r"\[TTS-QUEUE\] .*\bcomplete\b"), _of_turn("pipeline", "pipeline_end")),
    (_line(r"Performance timings"), _of_turn("backend", "timings_reported")),
    (_line(r"Request completed"), _Reading.request_ended),
    (
        _line(r"(?:\[STT[\w-]*\].*|\bspeech.?to.?text\b.*|\b)transcri\w+ (?:\w+ )?(?:complete|success|received)"),
        _Reading.speech_heard,
    ),
)
