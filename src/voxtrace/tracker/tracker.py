"""`Tracker`: what a voice service calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import Token
from operator import index
from threading import Lock

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.errors import InvalidOption
from voxtrace.events.model import CLOCK_SAMPLE
from voxtrace.tracker.buffer import text_id
from voxtrace.tracker.courier import EXIT_FLUSH_S, TrackerStats
from voxtrace.tracker.options import TrackerOptions, from_environment
from voxtrace.tracker.propagation import generate_request_id
from voxtrace.tracker.recorder import Mark, Recorder
from voxtrace.tracker.sinks import Sink
from voxtrace.tracker.turns import TurnIds, open_turn

Ids = tuple[str | None, str | None]  # request and session


class Tracker:
    """Marks what happens in one service.

    Trackers of one process that are given no sink and equal options share one buffer, thread and spool file.
    Without `options` the environment decides; where it holds a value that can't be used, the host's log is told
    and nothing is recorded.
    """

    def __init__(self, service: str, *, sink: Sink | None = None, options: TrackerOptions | None = None) -> None:
        self.service = text_id(service)
        chosen = options or _environment_options()
        self._recorder = _recorder_for(chosen, sink) if chosen.level != "off" else None
        self.mark: Mark = self._recorder.marker(self.service) if self._recorder else _ignore

    def mark_at(
        self, name: str, at: tuple[int, int], /, request_id: str, session_id: str | None = None, **metadata: object
    ) -> None:
        """`name` happened at the moment `at`, (mono_ns, wall_ns), that the caller stamped itself.

        For a moment whose meaning is known only later: bytes are stamped when they are read, and what they are
        is found out afterwards. Never raises, never waits.
        """
        if self._recorder is None:
            return
        try:
            mono, wall = map(index, at)
        except (TypeError, ValueError):
            self._recorder.buffer.lose("failed")
            return
        self._recorder.record(self.service, (name, request_id, session_id), metadata, (mono, wall))

    def clock_sample(
        self, peer: str, sent: tuple[int, int], answer: tuple[int, int], /, request_id: str, **metadata: object
    ) -> None:
        """A request to `peer` left at `sent`, (mono_ns, wall_ns), and its answer is here now.

        From a few of these the offset of the two machines' clocks is known; see docs/clocks.md. Call it as soon as the
        answer's first bytes are there. Never raises, never waits.

        Args:
            peer: the service that answered, by the name that its own events carry.
            sent: this machine's clocks just before the request was sent.
            answer: the peer's wall clock in nanoseconds when it had the request, and just before it answered.
            request_id: of a request that both services tell of.
            metadata: whatever else should be kept.
        """
        here = (mono_ns(), wall_ns())
        if self._recorder is None:
            return
        try:
            (sent_mono, sent_wall), (received, answered) = map(index, sent), map(index, answer)
        except (TypeError, ValueError):
            self._recorder.buffer.lose("failed")
            return
        times = {
            "sent_mono_ns": sent_mono,
            "sent_wall_ns": sent_wall,
            "received_wall_ns": received,
            "answered_wall_ns": answered,
        }
        self._recorder.record(self.service, (CLOCK_SAMPLE, request_id, None), {**metadata, "peer": peer, **times}, here)

    def span(
        self, name: str, /, request_id: str | None = None, session_id: str | None = None, **metadata: object
    ) -> Span:
        """A context manager that marks `<name>_start`, and `<name>_complete` with its `outcome` when the block ends."""
        return Span(self, name, (request_id, session_id), metadata)

    def turn(self, request_id: str | None = None, session_id: str | None = None) -> Turn:
        """A context manager in which marks of every tracker need no ids; a request id is made where none is given.

        A turn inside a turn is one of its own, in the same session where none is given.
        """
        around = open_turn.get()
        session = text_id(session_id) or (around.session_id if around else None)
        return Turn(self, TurnIds(text_id(request_id) or generate_request_id(), session))

    def flush(self, timeout_s: float = EXIT_FLUSH_S) -> bool:
        """Wait until all marks made so far are with the sink; False when it refused or took longer."""
        return self._recorder is None or self._recorder.courier.flush(timeout_s)

    def close(self, timeout_s: float = EXIT_FLUSH_S) -> None:
        """Flush, and stop where no other tracker shares the thread. Marks after it are dropped and counted."""
        recorder = self._recorder
        if recorder is not None and self.mark != recorder.refuse:
            self.mark = recorder.refuse
            _release(recorder, timeout_s)

    def stats(self) -> TrackerStats:
        """What became of the marks of all trackers that share this one's thread."""
        return self._recorder.courier.stats() if self._recorder else TrackerStats(0, 0, {}, "")


class Turn:
    """One turn of a conversation. Its own `mark` and `span` know its ids in any thread or task."""

    def __init__(self, tracker: Tracker, ids: TurnIds) -> None:
        self._tracker, self._ids = tracker, ids
        self._entered: list[Token[TurnIds | None]] = []
        recorder = tracker._recorder
        self.mark: Mark = recorder.marker(tracker.service, *ids) if recorder else _ignore

    @property
    def request_id(self) -> str:
        return self._ids.request_id

    @property
    def session_id(self) -> str | None:
        return self._ids.session_id

    def span(self, name: str, /, **metadata: object) -> Span:
        """As `Tracker.span`, for this turn."""
        return Span(self._tracker, name, self._ids, metadata)

    def __enter__(self) -> Turn:
        self._entered.append(open_turn.set(self._ids))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            open_turn.reset(self._entered.pop())
        except ValueError:
            # Left in another context than it was entered in, as an async generator's clean-up is.
            open_turn.set(None)


class Span:
    """A stretch of work, marked at both ends in the request in which it began."""

    def __init__(self, tracker: Tracker, name: str, ids: Ids, metadata: Mapping[str, object]) -> None:
        self._tracker, self._name, self._ids, self._metadata = tracker, text_id(name), ids, metadata
        self._notes: dict[str, object] = {}

    def note(self, **metadata: object) -> None:
        """Add metadata to the mark of the end, such as what was found."""
        self._notes.update(metadata)

    def __enter__(self) -> Span:
        if self._ids[0] is None:
            self._ids = open_turn.get() or self._ids
        self._mark("start", self._metadata)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A cancelled task, a closed generator and Ctrl-C leave through exceptions that are no `Exception`.
        outcome = "ok" if kind is None else "error" if issubclass(kind, Exception) else "cancelled"
        self._mark("complete", {"outcome": outcome, **self._notes})

    def _mark(self, end: str, metadata: Mapping[str, object]) -> None:
        recorder = self._tracker._recorder
        if recorder is not None:
            recorder.record(self._tracker.service, (f"{self._name}_{end}", *self._ids), metadata)


_shared: dict[TrackerOptions, Recorder] = {}
_users: dict[Recorder, int] = {}
_sharing = Lock()  # making and closing trackers may wait for each other; marks never come here


def _recorder_for(options: TrackerOptions, sink: Sink | None) -> Recorder:
    with _sharing:
        recorder = _shared.get(options) if sink is None else None
        if recorder is None:
            recorder = Recorder(options, sink)
            if sink is None:
                _shared[options] = recorder
        _users[recorder] = _users.get(recorder, 0) + 1
        return recorder


def _release(recorder: Recorder, timeout_s: float) -> None:
    with _sharing:
        _users[recorder] -= 1
        last = not _users[recorder]
        if last:
            del _users[recorder]
            for options in [options for options, each in _shared.items() if each is recorder]:
                del _shared[options]
    if last:
        recorder.courier.close(timeout_s)
    else:
        recorder.courier.flush(timeout_s)


def _environment_options() -> TrackerOptions:
    try:
        return from_environment()
    except InvalidOption as why:
        import logging  # takes longer to load than this package

        logging.getLogger("voxtrace").warning("nothing is recorded: %s", why)
        return TrackerOptions(level="off")


def _share_anew_in_child() -> None:
    """Another thread of the parent may have held the lock when it forked."""
    global _sharing
    _sharing = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_share_anew_in_child)


def _ignore(*_: object, **__: object) -> None:
    """Stands for `mark` where the level is off."""
