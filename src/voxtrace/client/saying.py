"""A text of any length, spoken: cut into requests, asked for one after the other, heard as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from voxtrace.client.caller import Caller, CallOptions, Timeouts
from voxtrace.client.errors import SpeechRequestFailed
from voxtrace.client.exchange import Exchange, Moment
from voxtrace.client.output import Outcome, Output
from voxtrace.client.playback.remote import RemotePlayer
from voxtrace.client.player import find_player
from voxtrace.client.request import Endpoint, SpeechRequest
from voxtrace.client.texts import cut
from voxtrace.tracker import Tracker, generate_request_id
from voxtrace.units import NANOS_PER_SECOND

DETAILED_REQUESTS = 8


@dataclass(frozen=True, slots=True)
class SayOptions:
    """What to say and how."""

    endpoint: Endpoint
    request: SpeechRequest  # its text may be longer than one request may be
    out: str | None = None  # a file, "-", or None: play, or write a file of its own
    player: str = ""  # URL of a player daemon; "": whatever this machine has
    request_id: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    api_key: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long text has come."""

    request: int  # of `requests`, from 1
    requests: int
    audio_s: float | None  # heard so far; None: the format does not tell


@dataclass(slots=True)
class Said:
    """One request and what the caller saw of it."""

    request_id: str
    request: SpeechRequest
    moments: list[Moment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Saying:
    """What came of a text."""

    endpoint: Endpoint
    requests: int  # that the text needed; fewer were asked where one failed
    said: tuple[Said, ...]
    session_id: str | None  # ties several requests together
    sound: Outcome
    failure: SpeechRequestFailed | None  # of the last request asked
    player: RemotePlayer | None = None  # the daemon that played it, with what it noted

    @property
    def was_heard(self) -> bool:
        """Whether any sound came, before a failure or without one."""
        return any(moment.name == "AUDIO_CHUNK_RECEIVED" for said in self.said for moment in said.moments)


def say(options: SayOptions, tracker: Tracker, show: Callable[[Progress], None] | None = None) -> Saying:
    """Say a text. What arrived before a failure stays in the file and in the answer.

    Raises:
        InvalidOption: the request id or the key can't stand in a header.
        RecordingFailed: the file can't be written.
    """
    pieces = cut(options.request.text)
    first_id = options.request_id or generate_request_id()
    session_id = first_id if len(pieces) > 1 else None
    said: dict[str, Said] = {}
    caller = Caller(
        options.endpoint,
        tracker,
        CallOptions(
            timeouts=options.timeouts,
            api_key=options.api_key,
            session_id=session_id,
            watch=lambda request_id, moment: _keep(moment, said[request_id], len(said)),
        ),
    )
    player = _connected(options.player)
    output = Output(options.out, first_id, None if options.out else player or find_player())
    heard_ns = 0
    failure: SpeechRequestFailed | None = None
    sound: Outcome | None = None

    def listen(answer: Exchange, body: bytes) -> None:
        output.hear(answer, body)
        if show:
            known = answer.audio_ns is not None
            audio_s = (heard_ns + (answer.audio_ns or 0)) / NANOS_PER_SECOND if known else None
            show(Progress(len(said), len(pieces), audio_s))

    try:
        for piece in pieces:
            request_id = first_id if not said else _next_id(options.request_id, len(said) + 1)
            said[request_id] = Said(request_id, replace(options.request, text=piece))
            try:
                heard_ns += caller.speak(said[request_id].request, request_id, listen).audio_ns or 0
            except SpeechRequestFailed as why:
                failure = why
                break
        sound = output.finish()
    finally:
        if sound is None:
            output.abandon()
        if player:
            player.close()
    return Saying(options.endpoint, len(pieces), tuple(said.values()), session_id, sound, failure, player)


def _connected(url: str) -> RemotePlayer | None:
    if not url:
        return None
    player = RemotePlayer(url)
    player.connect()  # where that fails, playing says why, and the sound is kept in a file
    return player


def _keep(moment: Moment, said: Said, number: int) -> None:
    """Keep what a caller sees, but of a whole book's later requests not each of their thousands of reads."""
    if number <= DETAILED_REQUESTS or moment.name != "AUDIO_CHUNK_RECEIVED":
        said.moments.append(moment)


def _next_id(given: str | None, number: int) -> str:
    """An id for a further request; beside a given one it is seen that they belong together."""
    return f"{given}-{number}" if given else generate_request_id()
