"""Listeners, engines and a schedule on a clock of their own: what each of them would hear. Nothing is spoken.

The pieces are as long as the ramp of the real server makes them, and are asked for as its streams do: the next one
when less than a few seconds are ahead of the listener.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from heapq import heappop, heappush

from voxtrace.speech.lead import Lead
from voxtrace.speech.pace import ramp
from voxtrace.speech.schedule import Schedule
from voxtrace.speech.text.segment import pieces_of

SECOND = 1_000_000_000
CHAR_NS = 60_000_000  # of audio
TARGET_NS = SECOND // 5
RTF = 0.3  # a neural voice on two processors
MARGIN_NS = round(2 * 80 * CHAR_NS * RTF)  # two pieces: one that has just begun, and its own


@dataclass
class Listener:
    """One request."""

    at_ns: int
    pieces: list[int]  # characters
    is_short: bool
    asked: int = 0
    first_ns: int | None = None
    lead: Lead = field(default_factory=Lead)

    @property
    def ttfa_s(self) -> float:
        assert self.first_ns is not None
        return (self.first_ns - self.at_ns) / SECOND

    @property
    def stall_s(self) -> float:
        return self.lead.stall_ns / SECOND


@dataclass(eq=False)
class Piece:
    """What is queued."""

    listener: Listener
    chars: int
    is_first: bool
    due_ns: int
    admitted_ns: int


Crowd = list[tuple[int, str, bool]]


def bursts_beside_a_long_text(seed: int) -> Crowd:
    """(arrival in ns, text, whether it is short): an article at the start, then groups of short sentences."""
    chance = random.Random(seed)
    crowd: Crowd = [(0, "This sentence is one of very many that are alike, and it goes on. " * 60, False)]
    at = 2.0
    for _ in range(12):
        at += chance.expovariate(1 / 6)
        crowd += [
            (round((at + chance.random() * 0.2) * SECOND), "A short answer comes now. " * chance.randint(1, 2), True)
            for _ in range(3)
        ]
    return crowd


def play(crowd: Crowd, schedule: Schedule[Piece], engines: int = 1, rtf: float = RTF) -> list[Listener]:
    """Let everybody arrive and be served; each listener with what it heard."""
    limits = ramp(rtf, CHAR_NS)
    listeners = [
        Listener(at, [len(piece.text) for piece in pieces_of(text, limits)], short) for at, text, short in crowd
    ]
    events: list[tuple[int, int, str, object]] = []
    for number, listener in enumerate(listeners):
        heappush(events, (listener.at_ns, number, "ask", listener))
    idle, numbers = engines, len(listeners)
    while events:
        now, _, what, subject = heappop(events)
        if what == "ask":
            assert isinstance(subject, Listener)
            schedule.push(_next_piece(subject))
        else:
            assert isinstance(subject, Piece)
            idle += 1
            listener = subject.listener
            listener.first_ns = listener.first_ns or now
            listener.lead.supply(now, subject.chars * CHAR_NS)
            if listener.asked < len(listener.pieces):
                numbers += 1
                heappush(events, (now, numbers, "ask", listener))
        while idle and (piece := schedule.pop(now, MARGIN_NS)) is not None:
            idle -= 1
            numbers += 1
            heappush(events, (now + round(piece.chars * CHAR_NS * rtf), numbers, "done", piece))
    return listeners


def _next_piece(listener: Listener) -> Piece:
    is_first, chars = listener.asked == 0, listener.pieces[listener.asked]
    listener.asked += 1
    due = listener.at_ns + TARGET_NS
    if listener.lead.dry_ns is not None:
        due = listener.lead.dry_ns
    return Piece(listener, chars, is_first, due, listener.at_ns)


def p95(samples: list[float]) -> float:
    """Nearest rank."""
    return sorted(samples)[-(-len(samples) * 95 // 100) - 1]
