"""How much sound waits before an utterance begins: more after a gap, slowly less while there is none."""

from __future__ import annotations

START_MS = 60
LEAST_MS, MOST_MS = 40, 200
STEP_MS = 20  # more, after each underrun
DECAY_MS = 1  # less, after each stretch of sound without one
DECAY_AFTER_MS = 5_000


class Prebuffer:
    """The jitter buffer's target. What a network did to one utterance, the next is prepared for."""

    def __init__(self) -> None:
        self.target_ms = START_MS
        self._calm_ms = 0.0

    def ran_dry(self) -> None:
        """The player had to wait in the middle of an utterance."""
        self.target_ms = min(self.target_ms + STEP_MS, MOST_MS)
        self._calm_ms = 0.0

    def played(self, sound_ms: float) -> None:
        """Sound was played without a gap."""
        self._calm_ms += sound_ms
        while self._calm_ms >= DECAY_AFTER_MS:
            self._calm_ms -= DECAY_AFTER_MS
            self.target_ms = max(self.target_ms - DECAY_MS, LEAST_MS)
