"""How long samples at the output rate last."""

from __future__ import annotations

from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND
from voxtrace.units import NANOS_PER_SECOND


def audio_ms(pcm_bytes: int) -> float:
    """So many bytes of PCM, in milliseconds."""
    return round(pcm_bytes * 1000 / OUTPUT_BYTES_PER_SECOND, 3)


def audio_ns(pcm_bytes: int) -> int:
    """So many bytes of PCM, in nanoseconds."""
    return pcm_bytes * NANOS_PER_SECOND // OUTPUT_BYTES_PER_SECOND
