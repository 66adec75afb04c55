"""One client of the player: what its messages do, and what it is answered. No socket, no loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from voxtrace.audio.wav import SampleFormat
from voxtrace.client.playback import answers
from voxtrace.client.playback.answers import Answer
from voxtrace.client.playback.conversion import Converter, Samples, sample_format
from voxtrace.client.playback.errors import BufferFull, MessageNotUnderstood, PlaybackError, TooManyUtterances
from voxtrace.client.playback.messages import Command, Sound, decode
from voxtrace.client.playback.stage import Stage
from voxtrace.client.playback.utterance import Report, Utterance
from voxtrace.tracker import generate_request_id, outgoing_headers
from voxtrace.units import NANOS_PER_SECOND

MAX_UTTERANCES = 64  # under way on one connection
STATUS_EVERY_NS = 2 * NANOS_PER_SECOND
HEARTBEAT_EVERY_NS = 10 * NANOS_PER_SECOND
# Above the first a client is asked to wait, below the second to go on. What is in the air then finds room.
HOLD_ABOVE, GO_ON_BELOW = 0.5, 0.25


class Incoming(NamedTuple):
    """The utterance that a client is sending, and the way of its samples."""

    utterance: Utterance
    converter: Converter


class Connection:
    """Takes a client's frames and answers. Everything that arrives is stamped by the player's own clock."""

    def __init__(self, stage: Stage, number: int, query: Mapping[str, str] | None = None) -> None:
        """
        Raises:
            PlaybackError: the query describes samples that can't be played.
        """
        self._stage, self._number = stage, number
        self._format = stage.format
        self._open: Incoming | None = None
        self._waiting: dict[Utterance, list[Report]] = {}  # begun and not completed, with what happened to each
        self._drop_told = False
        self.stream = answers.Stream()
        self._next_status_ns = self._next_heartbeat_ns = 0
        self._held = False
        if query:
            self._format = sample_format(query, stage.format)
            if "request_id" in query:
                self._begin(query)

    # Frames.

    def receive_bytes(self, data: bytes) -> list[Answer]:
        """Samples of the utterance that is open; one begins where none is."""
        return self._guarded(lambda: self._sound(data))

    def receive_text(self, text: str) -> list[Answer]:
        """One JSON message."""

        def act() -> list[Answer]:
            message = decode(text)
            return self._chunk(message) if isinstance(message, Sound) else self._do(message)

        return self._guarded(act)

    def lost(self) -> None:
        """The client is gone. What it sent is played to the end, unless it had paused: nobody could let it go on."""
        now_ns = self._stage.device.catch_up()
        if self._stage.player.is_paused(self._number):
            self._stage.player.stop(self._number, now_ns)
        elif self._open is not None:
            self._end("cut_short")
        self._open = None

    # What happens by itself.

    def told(self, utterance: Utterance, report: Report) -> list[Answer]:
        """Something happened to an utterance of this client."""
        reports = self._waiting.setdefault(utterance, [])
        reports.append(report)
        self.stream.told(report)
        if report.name == "playback.started":
            return [self._status()]
        if report.name != "playback.completed":
            return []
        del self._waiting[utterance]
        if self._open is not None and utterance is self._open.utterance:  # it was stopped, or gave way
            self._open = None
        return [answers.completed(self._stage, utterance, reports, self.stream)]

    def tick(self) -> list[Answer]:
        """What is due by now: status while something plays, a heartbeat, and whether to wait with more sound."""
        now_ns, due = self._now(), []
        if not self._next_heartbeat_ns:
            self._next_heartbeat_ns = now_ns + HEARTBEAT_EVERY_NS
        if now_ns >= self._next_heartbeat_ns:
            self._next_heartbeat_ns = now_ns + HEARTBEAT_EVERY_NS
            due.append(Answer("heartbeat", {"status": "ok"}))
        if self._waiting and now_ns >= self._next_status_ns:
            due.append(self._status())
        return due + self._flow()

    def _flow(self) -> list[Answer]:
        fill = self._stage.player.fill(self._number)
        if not self._held and fill > HOLD_ABOVE:
            self._held = True
        elif self._held and fill < GO_ON_BELOW:
            self._held = False
        else:
            return []
        return [Answer("flow_control", {"pause": self._held, "bufferUtilization": round(fill, 4)})]

    def _status(self) -> Answer:
        self._next_status_ns = self._now() + STATUS_EVERY_NS
        return Answer("status", answers.status(self._stage, self._number, self.stream))

    # What messages do.

    def _guarded(self, act: Callable[[], list[Answer]]) -> list[Answer]:
        try:
            return act()
        except PlaybackError as why:
            request_id = self._open.utterance.request_id if self._open else None
            return [answers.error(why, request_id)]

    def _do(self, command: Command) -> list[Answer]:
        player, facts = self._stage.player, command.facts
        # A null device takes the time up to now before anything changes.
        now_ns = self._stage.device.catch_up()
        match command.action:
            case "start":
                player.pause(self._number, paused=False)
                return self._begin(facts)
            case "play" | "resume":
                player.pause(self._number, paused=False)
            case "pause":
                player.pause(self._number, paused=True)
            case "stop":
                self._open = None
                player.stop(self._number, now_ns)
            case "end_stream":
                return self._end()
            case "configure":
                return self._change_format(sample_format(facts, self._format))
            case "heartbeat":
                return [Answer("heartbeat", {"status": "ok"})]
            case "timing_analysis":
                return [Answer("timing_analysis", answers.timing_analysis(self._stage, self._number, self.stream))]
        return [self._status()]

    def _begin(self, facts: Mapping[str, Any]) -> list[Answer]:
        """Open the utterance of a request, and end the one before."""
        answered = self._end() if self._open is not None else []
        chosen = sample_format(facts, self._format)
        request_id = facts.get("request_id", facts.get("requestId"))
        if request_id is not None and not (isinstance(request_id, str) and outgoing_headers(request_id)):
            raise MessageNotUnderstood("its request_id must be 1 to 128 letters, digits or one of . _ : -")
        if len(self._waiting) >= MAX_UTTERANCES:
            raise TooManyUtterances(MAX_UTTERANCES)
        self._format = chosen
        player = self._stage.player
        utterance = Utterance(request_id or generate_request_id(), player.rate_hz, player.channels, self._number)
        self._open = Incoming(utterance, self._converter())
        self._waiting[utterance] = []
        self._drop_told = False
        self.stream = answers.Stream(chosen.rate_hz, chosen.frame_bytes)
        return [*answered, self._status()]

    def _converter(self) -> Converter:
        return Converter(self._format, self._stage.player.rate_hz, self._stage.player.channels)

    def _chunk(self, sound: Sound) -> list[Answer]:
        chosen = sample_format(sound.format, self._format)
        changed = self._change_format(chosen) if chosen != self._format else []
        return [*changed, *self._sound(sound.data)]

    def _change_format(self, chosen: SampleFormat) -> list[Answer]:
        """From here on the samples are of another kind; what the filter held of the old kind is not lost."""
        if self._open is None or chosen == self._format:
            self._format = chosen
            return []
        answered = self._flush(self._open)
        self._format = chosen
        self._open = self._open._replace(converter=self._converter())
        self.stream.sample_rate_hz, self.stream.frame_bytes = chosen.rate_hz, chosen.frame_bytes
        return answered

    def _sound(self, data: bytes) -> list[Answer]:
        answered = self._begin({}) if self._open is None else []
        self.stream.arrived(len(data), self._stage.clock.wall_ns())
        if self._open is not None:
            answered += self._write(self._open.utterance, self._open.converter.convert(data))
        return answered

    def _write(self, utterance: Utterance, samples: Samples) -> list[Answer]:
        dropped = self._stage.player.write(utterance, samples, self._stage.device.catch_up())
        answered = self._flow()
        if dropped and not self._drop_told:
            self._drop_told = True  # once; the sum stands in `completed`
            answered.append(answers.error(BufferFull(utterance.ms(utterance.dropped)), utterance.request_id))
        return answered

    def _flush(self, incoming: Incoming) -> list[Answer]:
        """The last samples out of the converter, and what is wrong with them."""
        samples, torn = incoming.converter.finish()
        answered = self._write(incoming.utterance, samples)
        if torn is not None:
            incoming.utterance.error = torn.code
            answered.append(answers.error(torn, incoming.utterance.request_id))
        return answered

    def _end(self, error: str = "") -> list[Answer]:
        """All of the open utterance was sent."""
        incoming, self._open = self._open, None
        if incoming is None:
            return []
        answered = self._flush(incoming)
        error = incoming.utterance.error or error
        self._stage.player.end(incoming.utterance, "error" if error else "ok", error, self._now())
        return answered

    def _now(self) -> int:
        return self._stage.clock.mono_ns()
