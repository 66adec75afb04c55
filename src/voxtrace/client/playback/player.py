"""The jitter buffer and the queue behind it. The device pulls; everything else is told to it from other threads.

One utterance plays at a time, in the order in which their first sound came; the others wait. An utterance
begins when the prebuffer is full, when its prebuffer time is over, or when all of it is there. Where the buffer
runs dry in its middle, silence is played until the next sample comes, and no longer: that gap is an underrun.
Being empty at its end is none.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from voxtrace.client.playback.conversion import Samples
from voxtrace.client.playback.prebuffer import Prebuffer
from voxtrace.client.playback.utterance import Outcome, Report, Stretch, Utterance, silence
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND, millis

MAX_BUFFERED_BYTES = 32 * 1024 * 1024  # of one client: 11 minutes at 24 kHz mono
SAMPLE_BYTES = 2
# A client that went silent in the middle of its speech must not keep the device from others for longer.
PATIENCE_NS = 10 * NANOS_PER_SECOND


class Pull(NamedTuple):
    """The device asks for the frames from `at_ns` on; they leave it `latency_ns` later."""

    at_ns: int
    latency_ns: int = 0
    uncertainty_ns: int = 0  # of the latency
    late: bool = False  # the device ran dry before it asked: nobody knows for how long


@dataclass(slots=True)
class Silence:
    """Frames of silence that were played, by their reason."""

    idle: int = 0
    prebuffer: int = 0
    paused: int = 0
    underrun: int = 0
    drained: int = 0  # empty, and what came next was the end


class Player:
    """Everything between the network and the device. All methods may be called from any thread."""

    def __init__(self, rate_hz: int, channels: int, device: str) -> None:
        self.rate_hz, self.channels, self.device = rate_hz, channels, device
        self.prebuffer = Prebuffer()
        self.silence = Silence()
        self.played = 0  # frames of sound since the start
        self._queue: deque[Utterance] = deque()
        self._paused: set[int] = set()
        self._reports: deque[tuple[Utterance, Report]] = deque()
        self._lock = threading.Lock()
        self._limit = MAX_BUFFERED_BYTES // (SAMPLE_BYTES * channels)

    # What clients do.

    def write(self, utterance: Utterance, samples: Samples, at_ns: int) -> int:
        """Take samples that arrived at `at_ns`; answers with the frames that were dropped because of no room."""
        with self._lock:
            if utterance.ended or not samples.size:
                return 0
            if utterance.first_arrival_ns is None:
                self._queue.append(utterance)
            dropped = utterance.add(samples, at_ns, self._limit - self._buffered(utterance.owner))
            self._tell_audible(utterance)
            return dropped

    def end(self, utterance: Utterance, outcome: Outcome = "ok", error: str = "", at_ns: int = 0) -> None:
        """Nothing more will come of it; what is there is played to the last sample."""
        with self._lock:
            if not utterance.ended:
                utterance.ended, utterance.outcome, utterance.error = True, outcome, error
                if utterance.first_arrival_ns is None:  # there was no sound at all
                    self._complete(utterance, at_ns)

    def pause(self, owner: int, *, paused: bool) -> None:
        """Hold a client's sound where it is, or let it go on."""
        with self._lock:
            (self._paused.add if paused else self._paused.discard)(owner)

    def stop(self, owner: int, at_ns: int) -> None:
        """Fall silent: what a client sent and nobody has heard yet is dropped, and counted."""
        with self._lock:
            self._paused.discard(owner)
            for utterance in [each for each in self._queue if each.owner == owner]:
                self._cancel(utterance, at_ns)

    def stop_all(self, at_ns: int) -> None:
        """Fall silent for everybody: the player itself ends."""
        with self._lock:
            for utterance in list(self._queue):
                self._cancel(utterance, at_ns)

    def give_way(self, now_ns: int) -> Utterance | None:
        """End an utterance of which nothing has come for long while others wait; answers with it."""
        with self._lock:
            if len(self._queue) < 2 or self._queue[0].owner in self._paused:
                return None
            current = self._queue[0]
            silent_since = current.end_ns or current.last_arrival_ns or now_ns
            if current.ended or current.buffered or now_ns - silent_since < PATIENCE_NS:
                return None
            current.ended, current.outcome, current.error = True, "error", "stalled"
            return current

    def is_paused(self, owner: int) -> bool:
        return owner in self._paused

    def fill(self, owner: int) -> float:
        """How much of a client's room is taken, from 0 to 1."""
        with self._lock:
            return min(self._buffered(owner) / self._limit, 1.0)

    @property
    def capacity(self) -> int:
        """Frames that are kept for one client."""
        return self._limit

    @property
    def current(self) -> Utterance | None:
        """What plays now, or will next."""
        with self._lock:
            return self._queue[0] if self._queue else None

    def take_reports(self) -> list[tuple[Utterance, Report]]:
        """What happened since the last call, in order."""
        with self._lock:
            taken = list(self._reports)
            self._reports.clear()
            return taken

    # What the device does.

    def render(self, frames: int, pull: Pull) -> Samples:
        """The next frames to be heard: sound where there is some, else silence."""
        blocks: list[Samples] = []
        done = 0
        with self._lock:
            if pull.late and self._queue and self._queue[0].started_ns is not None:
                self._queue[0].device_underruns += 1
            while done < frames:
                at = pull._replace(at_ns=pull.at_ns + done * NANOS_PER_SECOND // self.rate_hz)
                blocks += self._next(frames - done, at)
                done = sum(block.size for block in blocks) // self.channels
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks) if blocks else silence(0, self.channels)

    def _next(self, frames: int, pull: Pull) -> list[Samples]:
        """At least one block of at most `frames`, or none where an utterance just ended."""
        if not self._queue:
            self.silence.idle += frames
            return [silence(frames, self.channels)]
        current = self._queue[0]
        if current.owner in self._paused:
            self.silence.paused += frames
            return [silence(frames, self.channels)]
        if current.buffered and (wait := self._wait(current, pull.at_ns)):
            self.silence.prebuffer += min(wait, frames)
            return [silence(min(wait, frames), self.channels)]
        if current.buffered:
            return self._sound(current, frames, pull)
        if current.ended:
            self._complete(current, pull.at_ns)
            return []
        if current.started_ns is None:  # there was no room for any of it yet
            self.silence.prebuffer += frames
            return [silence(frames, self.channels)]
        if current.dry_since_ns is None:
            current.dry_since_ns = pull.at_ns + pull.latency_ns
        current.dry_frames += frames
        return [silence(frames, self.channels)]

    def _wait(self, current: Utterance, now_ns: int) -> int:
        """Frames until an utterance may begin."""
        if current.started_ns is not None or current.ended or current.first_arrival_ns is None:
            return 0
        target_ms = self.prebuffer.target_ms
        if current.ms(current.buffered) >= target_ms:
            return 0
        begin_ns = current.first_arrival_ns + target_ms * NANOS_PER_MILLI
        return max(current.frames(begin_ns - now_ns), 0)

    def _sound(self, current: Utterance, frames: int, pull: Pull) -> list[Samples]:
        heard_ns = pull.at_ns + pull.latency_ns
        if current.started_ns is None:
            self._start(current, pull, heard_ns)
        elif current.dry_since_ns is not None:
            self._close_gap(current, heard_ns)
        before = current.played
        taken = current.take(frames, Stretch(before, heard_ns, pull.uncertainty_ns))
        count = current.played - before
        current.end_ns = heard_ns + count * NANOS_PER_SECOND // self.rate_hz
        self.played += count
        self.prebuffer.played(current.ms(count))
        self._tell_audible(current)
        return taken

    # What is told of it.

    def _start(self, current: Utterance, pull: Pull, heard_ns: int) -> None:
        current.started_ns, current.prebuffer_ms = heard_ns, self.prebuffer.target_ms
        waited_ns = pull.at_ns - (current.first_arrival_ns or pull.at_ns)
        facts: dict[str, object] = {
            "device": self.device,
            "prebuffer_ms": current.prebuffer_ms,
            "buffered_ms": round(current.ms(current.buffered), 3),
            "waited_ms": round(millis(waited_ns), 3),  # from its first sound arriving
            "latency_ms": round(millis(pull.latency_ns), 3),
        }
        self._reports.append((current, Report("playback.started", heard_ns, facts)))

    def _tell_audible(self, current: Utterance) -> None:
        found = current.audible()
        if found is None:
            return
        frame, stretch = found
        facts: dict[str, object] = {
            "device": self.device,
            "position_ms": round(current.ms(frame), 3),
            "uncertainty_ms": round(millis(stretch.uncertainty_ns), 3),
        }
        at_ns = stretch.heard_ns + (frame - stretch.first) * NANOS_PER_SECOND // self.rate_hz
        self._reports.append((current, Report("playback.first_sample", at_ns, facts)))

    def _close_gap(self, current: Utterance, now_ns: int) -> None:
        """Sound came after all, so the silence was an underrun; only now is that known."""
        current.underruns += 1
        current.underrun_frames += current.dry_frames
        self.silence.underrun += current.dry_frames
        facts: dict[str, object] = {"episode": current.underruns, "ms": round(current.ms(current.dry_frames), 3)}
        self._reports.append((current, Report("playback.underrun_start", current.dry_since_ns or now_ns, dict(facts))))
        self._reports.append((current, Report("playback.underrun_end", now_ns, facts)))
        current.dry_since_ns, current.dry_frames = None, 0
        self.prebuffer.ran_dry()

    def _cancel(self, utterance: Utterance, now_ns: int) -> None:
        utterance.discard()
        utterance.ended, utterance.outcome = True, "cancelled"
        self._complete(utterance, now_ns)

    def _complete(self, current: Utterance, now_ns: int) -> None:
        self.silence.drained += current.dry_frames
        facts: dict[str, object] = {
            "outcome": current.outcome,
            "device": self.device,
            "played_ms": round(current.ms(current.played), 3),
            "underruns": current.underruns,
            "underrun_ms": round(current.ms(current.underrun_frames), 3),
            "prebuffer_ms": current.prebuffer_ms if current.started_ns is not None else self.prebuffer.target_ms,
            "dropped_ms": round(current.ms(current.dropped), 3),
        }
        if current.device_underruns:
            facts["device_underruns"] = current.device_underruns
        if current.error:
            facts["error"] = current.error
        self._reports.append((current, Report("playback.completed", current.end_ns or now_ns, facts)))
        if current in self._queue:
            self._queue.remove(current)

    def _buffered(self, owner: int) -> int:
        return sum(each.buffered for each in self._queue if each.owner == owner)
