"""A conversation over three hosts whose clocks are known to this file, and to nobody else."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from voxtrace.events import CLOCK_SAMPLE, Event
from voxtrace.testing.turns import STARTED_NS
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

EVERY_NS = 10 * NANOS_PER_SECOND  # from one turn to the next; its number is the second in which it began
EAR, BRAIN, MOUTH = "ear", "brain", "mouth"


@dataclass
class HostClock:
    """What one host takes the time for."""

    offset_ns: int = 0  # of its wall clock
    drift_ppm: float = 0.0
    booted_ns: int = 0  # what its monotonic clock counts from
    steps: list[tuple[int, int]] = field(default_factory=list)  # (true time, by how much its wall clock was set)

    def mono(self, true_ns: int) -> int:
        return round(true_ns * (1 + self.drift_ppm / 1e6)) + self.booted_ns

    def wall(self, true_ns: int) -> int:
        stepped = sum(by for at, by in self.steps if true_ns >= at)
        return STARTED_NS + round(true_ns * (1 + self.drift_ppm / 1e6)) + self.offset_ns + stepped


# What happens in every turn, in this order: (name, host, milliseconds after the turn began).
STORY = (
    ("speech_end", EAR, 0.0),
    ("stt_end", EAR, 210.0),
    ("stt_http_request_start", EAR, 211.0),
    ("v34_webhook_received", BRAIN, 224.0),
    ("v34_ollama_sent", BRAIN, 230.0),
    ("llm_first_token", BRAIN, 480.0),
    ("v34_ollama_received", BRAIN, 900.0),
    ("tts_request_received", MOUTH, 914.0),
    ("tts_synthesis_start", MOUTH, 915.0),
    ("first_audio", MOUTH, 1040.0),
    ("playback_start", EAR, 1055.0),
)
SERVICE = {EAR: "stt", BRAIN: "agent", MOUTH: "tts"}


@dataclass
class Conversation:
    """Turns that three hosts tell of, each by its own clock."""

    clocks: dict[str, HostClock]
    chance: random.Random
    has_mono: bool = True
    asks: tuple[tuple[str, str], ...] = ((EAR, BRAIN), (BRAIN, MOUTH))  # who samples whose clock
    shortest_ms: float = 0.3  # of a message
    jitter_ms: tuple[float, float] = (4.0, 1.0)  # mean, there and back

    def turn(self, began_ns: int, samples: int = 2) -> list[Event]:
        """All events of the turn that truly began at that time, shuffled."""
        events = [self._event(host, name, began_ns + round(ms * NANOS_PER_MILLI)) for name, host, ms in STORY]
        for near, far in self.asks:
            for number in range(samples):
                events.append(self._sample(near, far, began_ns + (100 + 300 * number) * NANOS_PER_MILLI))
        self.chance.shuffle(events)
        return events

    def _event(self, host: str, name: str, true_ns: int, **metadata: object) -> Event:
        clock = self.clocks[host]
        return Event(
            f"turn-{true_ns // EVERY_NS * 10}",
            SERVICE[host],
            name,
            clock.wall(true_ns),
            f"{host}/{name}/{true_ns}",
            clock.mono(true_ns) if self.has_mono else None,
            f"{host}/7.abcdef/boot-of-{host}",
            metadata=metadata,
        )

    def _sample(self, near: str, far: str, sent_ns: int) -> Event:
        there, back = (
            round((self.shortest_ms + self.chance.expovariate(1 / mean)) * NANOS_PER_MILLI) for mean in self.jitter_ms
        )
        received = sent_ns + there
        answered = received + 3 * NANOS_PER_MILLI
        mine, theirs = self.clocks[near], self.clocks[far]
        sent = {"sent_mono_ns": mine.mono(sent_ns)} if self.has_mono else {"sent_wall_ns": mine.wall(sent_ns)}
        times = {"received_wall_ns": theirs.wall(received), "answered_wall_ns": theirs.wall(answered)}
        return self._event(near, CLOCK_SAMPLE, answered + back, peer=SERVICE[far], **sent, **times)
