"""What a neural model makes, a whole piece at once, handed over as an engine should: in short blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from voxtrace.speech.engines import espeak_library as espeak
from voxtrace.speech.ports import OnBlock, Samples

BLOCK_MS = 100  # so that a cancel is obeyed soon after; to cut costs next to nothing
# Models are trained on natural rates; what is beyond is stretched afterwards, by the Sonic in espeak-ng.
SLOWEST_NATURAL, FASTEST_NATURAL = 0.5, 2.0


def to_samples(wave: NDArray[np.float32]) -> Samples:
    """From -1…1 to 16 bit; louder is clipped."""
    return np.clip(np.rint(wave * 32767), -32768, 32767).astype(np.int16)


def natural_speed(speed: float, *, whole: bool = False) -> tuple[float, float]:
    """What of a speed the model shall do, and what is left for a stretcher; their product is `speed`.

    Args:
        speed: the speed asked for.
        whole: the model takes no fractions.
    """
    natural = 1.0 if whole else min(max(speed, SLOWEST_NATURAL), FASTEST_NATURAL)
    return natural, speed / natural


def hand_over(waves: Iterable[NDArray[np.float32]], rate_hz: int, tempo: float, on_block: OnBlock) -> None:
    """Give `waves` to `on_block`, `tempo` times as fast, until it wants no more; the next wave is made only then."""
    if tempo == 1.0:
        for block in _blocks(waves, rate_hz):
            if not on_block(block):
                return
        return
    library, _ = espeak.start_library()
    sonic = espeak.Sonic(library, rate_hz, tempo)
    try:
        for block in _blocks(waves, rate_hz):
            stretched = np.frombuffer(sonic.convert(block.tobytes()), np.int16)
            if stretched.size and not _all(stretched, rate_hz, on_block):
                return
        _all(np.frombuffer(sonic.finish(), np.int16), rate_hz, on_block)
    finally:
        sonic.close()


def _blocks(waves: Iterable[NDArray[np.float32]], rate_hz: int) -> Iterator[Samples]:
    for wave in waves:
        yield from _cut(to_samples(wave), rate_hz)


def _cut(samples: Samples, rate_hz: int) -> Iterator[Samples]:
    size = rate_hz * BLOCK_MS // 1000
    for begin in range(0, samples.size, size):
        yield samples[begin : begin + size]


def _all(samples: Samples, rate_hz: int, on_block: OnBlock) -> bool:
    return all(on_block(block) for block in _cut(samples, rate_hz))
