"""Carries marks from the buffer to a sink, on one daemon thread.

Everything that can wait, fail or take long (encoding, files, sockets) happens here and never in a host's call.
The thread is started by the first mark, and by the first mark of a forked child again.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.events import NO_REQUEST, Event
from voxtrace.events.codec import encode, sequence_id
from voxtrace.tracker.buffer import MAX_EVENTS, Buffer, Mark
from voxtrace.tracker.identity import Identity, new_identity
from voxtrace.tracker.sinks import Batch, BatchRejected, Sink

MAX_BATCH_EVENTS = 512
MAX_BATCH_BYTES = 256 * 1024  # a collector takes bodies of 1 MiB
FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
EXIT_FLUSH_S = 2.0  # a host that ends waits at most so long for its last events
OWN_SERVICE = "voxtrace"


@dataclass(frozen=True, slots=True)
class TrackerStats:
    """What became of the marks so far."""

    written: int  # marks that the sink took
    waiting: int  # marks in the buffer or in a batch that the sink has not taken yet
    dropped: dict[str, int]  # marks that were lost, by reason
    last_error: str  # why the sink refused the latest batch; "" when it took it


class Recorder:
    """One buffer, one thread, one sink.

    `open_sink` is called for this process, and again in a forked child with the child's own identity.
    """

    def __init__(self, open_sink: Callable[[Identity], Sink], max_age_ms: int = 200) -> None:
        self.buffer = Buffer()
        self.watermark = 0  # marks from which on a host's call goes through `crowded`; 0: the next one does
        self._open_sink = open_sink
        self._max_age_s = max_age_ms / 1000
        self._closed = False
        self._begin()
        _recorders.add(self)

    def _begin(self) -> None:
        """Everything that belongs to one process and not to its children."""
        self._identity = new_identity()
        self._clock = self._identity.clock
        self._sink = self._open_sink(self._identity)
        self._seq = self._written = 0
        self._reported: Counter[str] = Counter()
        self._unsent: tuple[Batch, int] | None = None
        self._last_error = ""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._carrying = threading.Lock()
        # A lock used as a bell: to release one never waits, which an Event's set() may.
        self._bell = threading.Lock()
        self._hurry = threading.Event()
        self._waiters: deque[threading.Event] = deque()

    def crowded(self) -> bool:
        """Start or wake the thread; True where a further mark has no room. Never waits."""
        if self._closed:
            return True
        if self._thread is None:
            self._start()
        self._ring()
        return len(self.buffer.marks) >= MAX_EVENTS

    def flush(self, timeout_s: float = EXIT_FLUSH_S) -> bool:
        """Wait until the sink has taken everything marked before; False when it has not within the time."""
        if not (self.buffer.marks or self._unsent):
            return True
        done = threading.Event()
        self._waiters.append(done)
        self.crowded()
        self._hurry.set()
        return done.wait(timeout_s)

    def close(self, timeout_s: float = EXIT_FLUSH_S) -> None:
        """Flush and stop; later marks are counted as dropped."""
        self._closed, self.watermark = True, 0
        self._hurry.set()
        self._ring()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def stats(self) -> TrackerStats:
        unsent = self._unsent[1] if self._unsent else 0
        waiting = len(self.buffer.marks) + unsent
        return TrackerStats(self._written, waiting, dict(self.buffer.lost()), self._last_error)

    def carry(self) -> bool:
        """Hand everything that is marked by now to the sink; False when the sink refused a batch."""
        with self._carrying:
            to_do = len(self.buffer.marks)
            while self._unsent or to_do > 0 or self._unreported():
                if self._unsent is None:
                    batch, marks = self._next_batch(to_do)
                    to_do -= marks
                    self._unsent = (batch, marks)
                if not self._offer(*self._unsent):
                    return False
                self._unsent = None
            return True

    def _offer(self, batch: Batch, marks: int) -> bool:
        try:
            self._sink(batch)
        except BatchRejected as why:
            self._last_error = str(why)
            self.buffer.lose("rejected", marks)
        except Exception as why:  # noqa: BLE001 - a sink may fail in any way; its host must not notice
            self._last_error = f"{type(why).__name__}: {why}"
            return False
        else:
            self._last_error = ""
            self._written += marks
        return True

    def _next_batch(self, limit: int) -> tuple[Batch, int]:
        """At most `limit` marks as lines, and the count of drops that nobody was told of."""
        lines: list[bytes] = []
        size = marks = 0
        for reason, events in self._unreported().items():
            note: dict[str, object] = {"count": events, "reason": reason}
            lines.append(self._line((OWN_SERVICE, "sdk.dropped", NO_REQUEST, None, mono_ns(), wall_ns(), note, 0)))
            self._reported[reason] += events
        take = self.buffer.marks.popleft
        while marks < min(limit, MAX_BATCH_EVENTS) and size < MAX_BATCH_BYTES:
            mark = take()
            marks += 1
            line = self._line(mark)
            lines.append(line)
            size += len(line)
            if mark[-1]:
                self.buffer.release(mark[-1])
        return Batch(b"".join(lines), len(lines)), marks

    def _line(self, mark: Mark) -> bytes:
        service, name, request_id, session_id, mono, wall, metadata, _ = mark
        seq, clock = self._seq, self._clock
        self._seq += 1
        event_id = sequence_id(clock, seq)
        return encode(Event(request_id, service, name, wall, event_id, mono, clock, seq, session_id, metadata))

    def _unreported(self) -> Counter[str]:
        return self.buffer.lost() - self._reported

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # another thread is at it
        try:
            thread = threading.Thread(target=self._run, name="voxtrace-recorder", daemon=True)
            thread.start()
            self._thread = thread
            self.watermark = MAX_EVENTS // 2
        except RuntimeError:
            # No thread to be had, or the interpreter is ending: marks wait in the buffer, a later one tries again.
            self.watermark = min(MAX_EVENTS, len(self.buffer.marks) + MAX_EVENTS // 8)
        finally:
            self._starting.release()

    def _ring(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:
            pass  # it rings already

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            closing = self._closed
            self._hurry.clear()
            waiters = len(self._waiters)
            if self.carry():
                for _ in range(waiters):
                    self._waiters.popleft().set()
                if closing:
                    return
                retry_s = FIRST_RETRY_S
                self._bell.acquire(timeout=self._max_age_s)
            elif closing:
                return
            else:
                self._hurry.wait(retry_s)
                retry_s = min(2 * retry_s, LAST_RETRY_S)


_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _begin_again_in_child() -> None:
    for recorder in list(_recorders):
        recorder.buffer.forget()
        recorder.watermark = 0
        recorder._begin()


def _flush_at_exit() -> None:
    for recorder in list(_recorders):
        recorder.flush(EXIT_FLUSH_S)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again_in_child)
atexit.register(_flush_at_exit)
