"""The moment at which speech becomes audible: what client and server report, beside the truth.

The engine waits for d = 40 ms, makes sound a little faster than it is played, 20 ms in 15, and begins with s = 120 ms
of breath that nobody hears. Behind it a format holds back h: as many blocks as its encoder takes before it gives
anything, and the silence that the codec itself puts in front. The engine notes when each block was there, so d and h
are what they really were on this machine, and not what they should have been.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figure import Figure, measured
from tests.journeys.test_audible import BREATH_MS, DELAY_MS, Spoken, blocks_held, in_front_ms, speak
from tests.server.serving import serving
from voxtrace.speech.encode import FORMATS
from voxtrace.units import NANOS_PER_MILLI

REQUESTS = 40
BLOCK_MS, WORK_MS = 20, 15
MOST_MS = 5


def run() -> list[Figure]:
    """For each format, the distance of both reports from the truth."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        faults = {"delay_ms": DELAY_MS, "leading_breath_ms": BREATH_MS, "block_ms": BLOCK_MS}
        faults |= {"block_delay_ms": WORK_MS, "diary": str(folder / "diary")}
        with serving(folder, faults=faults, workers=1) as server:
            for form in FORMATS:
                spoken = [speak(server, form, folder / "client") for _ in range(REQUESTS)]
                for side, errors in (
                    ("client", client_errors_ms(spoken, form)),
                    ("server", server_errors_ms(spoken, form)),
                ):
                    figures.append(
                        measured(f"{form}: {side}'s TTFA to d + s + h, off by", errors, "ms", at_most=MOST_MS)
                    )
    return figures


def client_errors_ms(spoken: list[Spoken], form: str) -> list[float]:
    """From when the caller asked."""
    return [abs(each.ms("ttfa_ms") - truth_ms(each, form, each.began_ns)) for each in spoken]


def server_errors_ms(spoken: list[Spoken], form: str) -> list[float]:
    """From when the request was there."""
    return [
        abs(
            each.server_ms["voxtrace_ttfa_seconds_sum"]
            - truth_ms(each, form, each.moment_ns("server.request_received"))
        )
        for each in spoken
    ]


def truth_ms(spoken: Spoken, form: str, began_ns: int) -> float:
    """What it should be, out of the engine's own notes."""
    filled_ns = spoken.blocks_ns[blocks_held(form, BLOCK_MS) - 1]
    return (filled_ns - began_ns) / NANOS_PER_MILLI + BREATH_MS + in_front_ms(form)
