"""What one event of a log tells of further moments, and whose event it is where many requests share one id."""

from __future__ import annotations

from collections.abc import Iterator

from voxtrace.events import Event, stage_of
from voxtrace.events.codec import content_id
from voxtrace.importers.same_id import Sharers
from voxtrace.importers.told_numbers import told_number
from voxtrace.units import NANOS_PER_SECOND

_MAX_S = 86_400.0


def calls_of(event: Event) -> Iterator[Event]:
    """The two calls that made a chunk of speech, where its end tells how long each took.

    The second one began when the first was answered, and the chunk was ready with it.
    """
    metadata = event.metadata
    first, second = told_number(metadata.get("api_request_s")), told_number(metadata.get("metadata_s"))
    # No call takes no time: a first one of 0 was not measured.
    if first is None or second is None or not 0 < first <= _MAX_S or not 0 <= second <= _MAX_S:
        return
    answered = event.wall_ns - round(second * NANOS_PER_SECOND)
    chunk = {"chunk": metadata["chunk"]} if "chunk" in metadata else {}
    for name, wall_ns, source in (
        ("chunk_tts_api_end", answered, "api_request_s"),
        ("chunk_metadata_start", answered, "metadata_s"),
        ("chunk_metadata_end", event.wall_ns, "metadata_s"),
    ):
        facts = {**chunk, "derived": source}
        yield event._replace(
            name=name,
            wall_ns=wall_ns,
            event_id=content_id(f"{event.event_id}/{name}".encode()),
            seq=None,
            metadata=facts,
        )


class _Unnamed:
    """One of the requests that have no id of their own."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.stages: set[str] = set()
        self.last_wall_ns = 0

    def is_over_at(self, stage: str, wall_ns: int) -> bool:
        """Whether this stage opens another request."""
        if stage not in _OPENING:
            return False
        if stage in self.stages:
            return True
        # A log of several hosts is not in order: what is older than the newest event is no new beginning.
        return stage in _BEFORE and wall_ns > self.last_wall_ns and bool(self.stages - _BEFORE[stage])


class Nobodys:
    """Gives requests that share an id that is nobody's one of their own.

    A request is another one after a long silence, and where a stage that opens requests comes once more.
    """

    def __init__(self) -> None:
        self._sharers: Sharers[_Unnamed] = Sharers(_Unnamed)
        self.requests = 0

    def own(self, event: Event) -> Event:
        """The event under its own request's id."""
        stage = stage_of(event.service, event.name)
        key = stage.key if stage else event.name
        request = self._sharers.find(event.request_id, event.wall_ns)
        if request is None or request.is_over_at(key, event.wall_ns):
            request = self._sharers.new(event.request_id, event.wall_ns)
            self.requests += 1
        request.last_wall_ns = max(request.last_wall_ns, event.wall_ns)
        self._sharers.seen(event.request_id, request, request.last_wall_ns)
        request.stages.add(key)
        return event._replace(request_id=request.request_id)


# What may come first in a turn, in the order in which it does: each follows only those before it.
_FIRST_OF_A_TURN = (
    "user.speech_start",
    "user.speech_end",
    "stt.started",
    "stt.pause_detected",
    "stt.transcript_final",
    "stt.handoff",
    "stt.http_request_start",
    "context.handler_entry",
    "context.request_received",
)
_BEFORE = {stage: frozenset(_FIRST_OF_A_TURN[:at]) for at, stage in enumerate(_FIRST_OF_A_TURN)}
# A turn asks for speech in its midst, so only a second request of speech is another one.
_OPENING = frozenset({*_FIRST_OF_A_TURN, "client.request_start", "server.request_received"})
