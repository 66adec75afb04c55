"""What all clients of a player share."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrace.audio.wav import SampleFormat
from voxtrace.client.playback.device import Device
from voxtrace.client.playback.player import Player
from voxtrace.clock import Clock


@dataclass(frozen=True, slots=True)
class Stage:
    """The player, its device, and the clock by which everything is stamped."""

    player: Player
    device: Device
    clock: Clock
    format: SampleFormat  # of clients that don't tell theirs
    clock_name: str  # as events carry it
    started_ns: int
