"""Runs the player until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from voxtrace.audio.wav import SampleFormat
from voxtrace.client.playback import NULL
from voxtrace.client.playback.app import PlayerApp
from voxtrace.client.playback.device import Device, NullDevice
from voxtrace.client.playback.errors import DeviceFailed
from voxtrace.client.playback.player import Player
from voxtrace.client.playback.recorder import Recorder
from voxtrace.client.playback.sound_device import DEFAULT, SoundDevice
from voxtrace.client.playback.stage import Stage
from voxtrace.client.playback.utterance import Report, Utterance
from voxtrace.client.player import has_sound
from voxtrace.clock import SystemClock
from voxtrace.errors import MissingExtra
from voxtrace.tracker import Tracker
from voxtrace.tracker.identity import new_identity

# Of one message: 22 s of PCM at 24 kHz, or 1.5 s as an object with numeric keys. Taking such an object apart holds
# the interpreter's lock for some 20 ms, half of what the device has in hand.
MAX_MESSAGE_BYTES = 1024 * 1024
MAX_WAITING_MESSAGES = 4  # of one client, in front of the player
GRACE_S = 1
OPENAI_PCM = SampleFormat(24_000)


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """Through what to play."""

    device: str | None = None  # a name, "default", "null", or None: the default one where there is one
    format: SampleFormat = OPENAI_PCM  # of clients that don't tell theirs; asked of the device too
    record: Path | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A device, and why it is not a real one where that was not asked for."""

    device: Device
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told what."""

    on_ready: Callable[[Opened], None]
    each: Callable[[Utterance, Report], None] | None = None  # every report of every utterance


def open_device(options: PlayOptions) -> Opened:
    """The device that was asked for, or the best there is.

    Raises:
        DeviceFailed: the named device can't be used.
        MissingExtra: it needs a package that is not installed.
    """
    rate_hz, channels = options.format.rate_hz, options.format.channels
    if options.device == NULL:
        return Opened(NullDevice(rate_hz, channels))
    if options.device is not None:
        return Opened(SoundDevice(options.device, rate_hz, channels))
    if not has_sound():
        return Opened(NullDevice(rate_hz, channels), "this machine shows no sound device")
    try:
        return Opened(SoundDevice(DEFAULT, rate_hz, channels))
    except (DeviceFailed, MissingExtra) as why:
        return Opened(NullDevice(rate_hz, channels), str(why))


def play(
    options: PlayOptions,
    listener: socket.socket,
    tracker: Tracker,
    guard: Callable[[ASGIApp], ASGIApp],
    watching: Watching,
) -> None:
    """Play what clients send until SIGINT or SIGTERM.

    Raises:
        DeviceFailed: the named device can't be used.
        MissingExtra: it needs a package that is not installed.
        RecordingFailed: the record can't be written.
    """
    opened = open_device(options)
    device, clock = opened.device, SystemClock()
    player = Player(device.rate_hz, device.channels, device.name)
    recorder = Recorder(options.record, device.rate_hz, device.channels) if options.record else None
    stage = Stage(player, device, clock, options.format, new_identity().clock, clock.mono_ns())

    def note(utterance: Utterance, report: Report, wall_ns: int) -> None:
        tracker.mark_at(report.name, (report.at_ns, wall_ns), utterance.request_id, None, **report.metadata)
        if watching.each:
            watching.each(utterance, report)

    app = PlayerApp(stage, note, lambda: recorder.dropped if recorder else 0)
    config = uvicorn.Config(
        app.asgi(guard),
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_max_queue=MAX_WAITING_MESSAGES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    device.start(recorder.around(player.render) if recorder else player.render)
    try:
        watching.on_ready(opened)
        # uvicorn shuts down in order and then sends itself the signal once more; whoever called is ready for it.
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        device.stop()
        failure = recorder.close() if recorder else None
    if failure is not None:
        raise failure
