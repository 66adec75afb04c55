"""A real sound device, through PortAudio (extra `play`)."""

from __future__ import annotations

import threading
from typing import Any

from voxtrace.client.playback.device import Render
from voxtrace.client.playback.errors import DeviceFailed
from voxtrace.client.playback.player import Pull
from voxtrace.clock import Clock, SystemClock
from voxtrace.errors import MissingExtra
from voxtrace.units import NANOS_PER_SECOND

DEFAULT = "default"
# What the device has in hand: more than the longest time for which another thread can hold the interpreter.
LATENCY_S = 0.04


class SoundDevice:
    """The default output device, or the one of a name.

    PortAudio calls from a thread of its own, so neither the network nor the conversion can keep it waiting; all
    that happens in the call is taking samples out of the buffer. It says when the first of them leaves the
    device; where a driver does not know (it says 0), the latency of the whole stream stands in.
    """

    def __init__(self, name: str, rate_hz: int, channels: int, clock: Clock | None = None) -> None:
        """
        Raises:
            MissingExtra: sounddevice or the PortAudio library is not there.
            DeviceFailed: there is no such device.
        """
        self._clock = clock or SystemClock()
        self._sounddevice = _sounddevice()
        self._device = None if name == DEFAULT else int(name) if name.isdecimal() else name
        self._stream: Any = None
        self._render: Render | None = None
        self._name, self._rate_hz, self._channels = self._best(name, rate_hz, channels)

    @property
    def name(self) -> str:
        return self._name

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    @property
    def channels(self) -> int:
        return self._channels

    def _best(self, name: str, rate_hz: int, channels: int) -> tuple[str, int, int]:
        """The device's name, and the asked format where it takes it, else its own."""
        sounddevice = self._sounddevice
        try:
            facts = sounddevice.query_devices(self._device, "output")
        except (sounddevice.PortAudioError, ValueError) as why:
            raise DeviceFailed(name, str(why)) from why
        own = (round(facts["default_samplerate"]), min(2, facts["max_output_channels"]))
        for asked in ((rate_hz, channels), (own[0], channels), own):
            try:
                sounddevice.check_output_settings(self._device, asked[1], "int16", samplerate=asked[0])
            except (sounddevice.PortAudioError, ValueError) as why:
                reason = why
            else:
                return str(facts["name"]), *asked
        raise DeviceFailed(name, str(reason))

    def start(self, render: Render) -> None:
        sounddevice = self._sounddevice
        self._render = render
        try:
            self._stream = sounddevice.RawOutputStream(
                samplerate=self._rate_hz,
                channels=self._channels,
                dtype="int16",
                device=self._device,
                latency=LATENCY_S,
                callback=self._pull,
            )
            self._stream.start()
        except sounddevice.PortAudioError as why:
            raise DeviceFailed(self._name, str(why)) from why

    def catch_up(self) -> int:
        return self._clock.mono_ns()  # the device pulls by itself

    def stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            # Aborting would cut what the device already holds.
            stopping = threading.Thread(target=lambda: (stream.stop(), stream.close()), daemon=True)
            stopping.start()
            stopping.join(2)  # some drivers never come back

    def _pull(self, out: Any, frames: int, time: Any, status: Any) -> None:
        if self._render is None:
            return
        now_ns = self._clock.mono_ns()
        latency_s, uncertainty_s = self._latency(time, frames)
        latency_ns, uncertainty_ns = round(latency_s * NANOS_PER_SECOND), round(uncertainty_s * NANOS_PER_SECOND)
        pull = Pull(now_ns, latency_ns, uncertainty_ns, late=bool(status.output_underflow))
        out[:] = self._render(frames, pull).tobytes()

    def _latency(self, time: Any, frames: int) -> tuple[float, float]:
        """Seconds from now until the first frame leaves the device, and how wrong that may be."""
        period_s = frames / self._rate_hz
        declared_s: float = self._stream.latency if self._stream is not None else 0.0
        if time.outputBufferDacTime and time.currentTime and time.outputBufferDacTime >= time.currentTime:
            # Between the driver's reading of its clock and ours lies at most the wait for this thread: a period.
            return time.outputBufferDacTime - time.currentTime, period_s
        return declared_s, max(declared_s, period_s)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as why:
        raise MissingExtra("play", "sounddevice") from why
    except OSError as why:  # the package is there and its library is not
        raise DeviceFailed(DEFAULT, f"{why}; on Debian: apt install libportaudio2") from why
    return sounddevice
