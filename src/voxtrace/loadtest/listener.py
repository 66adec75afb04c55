"""One simulated listener: asks, hears at its own pace, and goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from voxtrace.client.errors import FirstByteTimedOut, SpeechRequestFailed, StreamStalled
from voxtrace.clock import mono_ns
from voxtrace.loadtest.answer import Answer
from voxtrace.loadtest.connection import Connection
from voxtrace.loadtest.plan import Workload
from voxtrace.loadtest.record import Outcome, Record
from voxtrace.units import NANOS_PER_SECOND

# A listener in real time stops reading when it holds more than AHEAD of sound that it has not played, and reads
# again when it holds less than LOW: never empty, so what stalls is the server.
AHEAD_NS = NANOS_PER_SECOND
LOW_NS = NANOS_PER_SECOND // 2
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a listener waits for what, in seconds."""

    connect_s: float = 5.0
    first_byte_s: float = 30.0
    stall_s: float = 30.0  # between two reads, while it reads


class Listener:
    """Follows one request from its sending to its end."""

    def __init__(
        self,
        record: Record,
        where: str,
        workload: Workload,
        patience: Patience,
        on_done: Callable[[Listener], None],
    ) -> None:
        self.record, self.answer = record, Answer(record, where, workload.format)
        self.connection: Connection | None = None
        self._where, self._workload, self._patience = where, workload, patience
        self._on_done = on_done
        self._deadline_ns = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def begin(self, connection: Connection, request: bytes) -> None:
        """Ask on this connection."""
        self.connection = connection
        self.record.is_reused = connection.requests > 0
        connection.ask(self, request)
        self.record.sent_ns = mono_ns()
        self._deadline_ns = self.record.sent_ns + round(self._patience.first_byte_s * NANOS_PER_SECOND)

    def on_data(self, data: bytes, at_ns: int) -> None:
        """See `OnConnection`."""
        try:
            self.answer.receive(data, at_ns)
        except SpeechRequestFailed as why:
            self.fail(why, at_ns)
            return
        if self.answer.is_complete:
            self._end("ok", at_ns)
            return
        if self.record.first_byte_ns:
            self._deadline_ns = at_ns + round(self._patience.stall_s * NANOS_PER_SECOND)
            self._keep_pace(at_ns)

    def on_lost(self, at_ns: int, why: str) -> None:
        """See `OnConnection`."""
        try:
            self.answer.end_of_connection(at_ns, why)
        except SpeechRequestFailed as failure:
            self.fail(failure, at_ns)
        else:
            self._end("ok", at_ns)

    def check(self, now_ns: int) -> None:
        """Give up where nothing came for too long."""
        if now_ns < self._deadline_ns:
            return
        times, has_begun = self._patience, bool(self.record.first_byte_ns)
        late, limit_s = (StreamStalled, times.stall_s) if has_begun else (FirstByteTimedOut, times.first_byte_s)
        self.fail(late(self._where, limit_s), now_ns)

    def fail(self, why: SpeechRequestFailed, at_ns: int) -> None:
        """It ends without success."""
        self.record.error, self.record.error_message = why.code, str(why)
        self._end("error", at_ns)

    def give_up(self, at_ns: int) -> None:
        """It ends with the error that its record names already."""
        self._end("error", at_ns)

    def leave(self) -> None:
        """Go away in the middle, as a listener who has heard enough."""
        self._end("cancelled", mono_ns())

    def played_until_ns(self) -> int:
        """When a listener who plays it from the first audio on has heard everything, stalls left aside."""
        first = self.record.arrivals[0] if self.record.arrivals else 0
        return first + self.answer.audio_ns

    def _end(self, outcome: Outcome, at_ns: int) -> None:
        if self._is_over:
            return
        self._is_over, self._deadline_ns = True, NEVER
        if self._timer is not None:
            self._timer.cancel()
        self.record.outcome, self.record.ended_ns = outcome, at_ns
        self.answer.close()
        self._on_done(self)

    def _keep_pace(self, at_ns: int) -> None:
        leave_after_s = self._workload.leave_after_s
        if leave_after_s is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(leave_after_s, self.leave)
        if self._workload.pace == "real time" and leave_after_s is None:
            ahead_ns = self.played_until_ns() - at_ns
            if ahead_ns > AHEAD_NS and self.connection is not None:
                self.connection.pause()
                self._deadline_ns = NEVER
                wait_s = (ahead_ns - LOW_NS) / NANOS_PER_SECOND
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._read_on)

    def _read_on(self) -> None:
        if self.connection is not None and not self._is_over:
            self._deadline_ns = mono_ns() + round(self._patience.stall_s * NANOS_PER_SECOND)
            self.connection.resume()
