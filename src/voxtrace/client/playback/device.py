"""What brings samples out at their time: the port, and a device that makes no sound but keeps time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from voxtrace.client.playback import NULL
from voxtrace.client.playback.conversion import Samples
from voxtrace.client.playback.player import Pull
from voxtrace.clock import Clock, SystemClock
from voxtrace.units import NANOS_PER_SECOND

Render = Callable[[int, Pull], Samples]
"""Asks for the next so many frames."""

# How often the null device wakes up. What arrives in between is taken account of exactly, see `catch_up`.
TICK_S = 0.01


class Device(Protocol):
    """Pulls samples, at its own pace and in its own thread."""

    @property
    def name(self) -> str: ...

    @property
    def rate_hz(self) -> int: ...

    @property
    def channels(self) -> int: ...

    def start(self, render: Render) -> None:
        """Begin to pull.

        Raises:
            DeviceFailed: it can't be opened.
        """
        ...

    def catch_up(self) -> int:
        """Pull what is due by now, where nothing but the clock does the pulling; answers with the moment."""
        ...

    def stop(self) -> None: ...


class NullDevice:
    """Takes exactly `rate_hz` frames a second and throws them away.

    A frame is due when the clock has passed its beginning. Whoever brings sound calls `catch_up` first, so that
    the moment of an arrival is exact to one frame and does not depend on when a thread wakes up.
    """

    name = NULL

    def __init__(self, rate_hz: int, channels: int, clock: Clock | None = None, *, ticking: bool = True) -> None:
        """`ticking` False: nothing happens but by `catch_up`, as in tests."""
        self._rate_hz, self._channels = rate_hz, channels
        self._clock = clock or SystemClock()
        self._render: Render | None = None
        self._begin_ns = 0
        self._frames = 0  # taken so far
        self._catching_up = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="null-device", daemon=True) if ticking else None

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    @property
    def channels(self) -> int:
        return self._channels

    def start(self, render: Render) -> None:
        self._render, self._begin_ns = render, self._clock.mono_ns()
        if self._thread:
            self._thread.start()

    def catch_up(self) -> int:
        with self._catching_up:
            now_ns = self._clock.mono_ns()
            if self._render is None:
                return now_ns
            # Rounded up: a frame whose beginning has passed can't hold what comes only now.
            due = -(-(now_ns - self._begin_ns) * self._rate_hz // NANOS_PER_SECOND)
            while self._frames < due:
                # In pieces: a laptop that slept for a night must not be answered with gigabytes of silence.
                count = min(due - self._frames, self._rate_hz)
                at_ns = self._begin_ns + self._frames * NANOS_PER_SECOND // self._rate_hz
                self._frames += count
                self._render(count, Pull(at_ns, 0, NANOS_PER_SECOND // self._rate_hz))
            return now_ns

    def stop(self) -> None:
        self._stop.set()
        if self._thread and self._thread.is_alive():
            self._thread.join()

    def _tick(self) -> None:
        while not self._stop.wait(TICK_S):
            self.catch_up()
