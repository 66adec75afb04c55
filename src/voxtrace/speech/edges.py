"""Where a piece begins and ends: no silence that a listener waits through, no step that is heard as a click.

The pieces of one answer are spoken by different processes and joined as they are. Nothing here delays the first
block: held back are the last few milliseconds of what was made, and of a neural voice the silence behind them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxtrace.speech.ports import Samples, Utterance

# -60 dBFS. espeak-ng begins with 7 to 49 ms of plain zeros, by the first sound of the text; breath and hiss,
# such as an "h", are 20 dB above this and stay.
SILENT = 33
KEPT_MS = 1  # so that nothing begins with a step
# More silence than this is meant, and then all that is left of it is kept.
LONGEST_CUT_MS = 300
# Of a neural voice no silence at the ends is meant: its model was trained on recordings that were cut so.
LONGEST_PADDING_MS = 5_000
# Long enough that a step of full scale becomes a slope as in speech, too short to soften a "t".
FADE_MS = 5
# Behind a sentence and behind a clause, at speed 1. espeak-ng leaves 294 ms, and 143 ms behind a comma.
SENTENCE_PAUSE_MS, CLAUSE_PAUSE_MS = 300, 150
# Between two words a voice makes no pause, but the last sound may still fade away.
TAIL_MS = 20

_SENTENCE_ENDS = frozenset(".!?…。！？")
_BEHIND_A_MARK = " \t\r\n\"'”’»›)]}）」』】》*_~"

NO_SAMPLES: Samples = np.empty(0, dtype=np.int16)


@dataclass(frozen=True, slots=True)
class Shape:
    """What becomes of the ends of one piece."""

    cut_ms: int = 0  # at most so much silence is cut off in front
    pause_ms: float | None = None  # the silence that it ends with; None: whatever the engine left
    is_padded: bool = False  # silence is added where the engine left less


def shape_of(utterance: Utterance, *, makes_pauses: bool) -> Shape:
    """The ends that suit a piece, and an engine that `makes_pauses` by itself or does not."""
    if makes_pauses:
        return Shape(LONGEST_CUT_MS if utterance.is_first else 0)
    if not utterance.pause_after:
        return Shape(LONGEST_PADDING_MS, TAIL_MS)
    mark = utterance.text.rstrip(_BEHIND_A_MARK)[-1:]
    pause_ms = SENTENCE_PAUSE_MS if mark in _SENTENCE_ENDS else CLAUSE_PAUSE_MS
    return Shape(LONGEST_PADDING_MS, pause_ms / utterance.speed, is_padded=True)


class Edges:
    """Shapes the ends of one piece; what is between them passes as it is.

    An end that is near zero anyway is not touched: a wave that begins with its zero crossing has no step.
    """

    def __init__(self, rate_hz: int, shape: Shape) -> None:
        self._silence = LeadingSilence(rate_hz, shape.cut_ms) if shape.cut_ms else None
        self._fade = FADE_MS * rate_hz // 1000
        self._to_fade: int | None = None  # samples of the beginning; None before it is known
        self._held = NO_SAMPLES
        self._most_held = LONGEST_PADDING_MS * rate_hz // 1000
        self._pause = None if shape.pause_ms is None else round(shape.pause_ms * rate_hz / 1000)
        self._is_padded = shape.is_padded

    @property
    def cut(self) -> int:
        """Samples that were cut off in front so far."""
        return self._silence.gone if self._silence else 0

    def push(self, block: Samples) -> Samples:
        """What of the sound so far can be sent; may be none."""
        if self._silence is not None:
            block = self._silence.cut(block)
        if block.size == 0:
            return block
        if self._to_fade != 0:
            block = self._fade_in(block)
        made = block if self._held.size == 0 else np.concatenate((self._held, block))
        keep = self._fade
        if self._pause is not None:
            keep = max(keep, min(_silent_end(made), self._most_held))
        out, self._held = made[: max(0, made.size - keep)], made[max(0, made.size - keep) :]
        return out

    def finish(self) -> Samples:
        """The end of the piece."""
        made, self._held = self._held, NO_SAMPLES
        if made.size == 0:
            return made
        padding = 0
        if self._pause is not None:
            silent = _silent_end(made)
            made = made[: made.size - max(0, silent - self._pause)]
            padding = max(0, self._pause - silent) if self._is_padded else 0
        if made.size and abs(int(made[-1])) > SILENT:
            made = _times(made, _ramp(min(self._fade, made.size))[::-1], made.size - min(self._fade, made.size))
        return np.concatenate((made, np.zeros(padding, np.int16))) if padding else made

    def _fade_in(self, block: Samples) -> Samples:
        if self._to_fade is None:
            self._to_fade = self._fade if abs(int(block[0])) > SILENT else 0
            if not self._to_fade:
                return block
        at = self._fade - self._to_fade
        length = min(self._to_fade, block.size)
        self._to_fade -= length
        return _times(block, _ramp(self._fade)[at : at + length], 0)


class LeadingSilence:
    """Cuts the silence before the first sound of one utterance."""

    def __init__(self, rate_hz: int, longest_ms: int = LONGEST_CUT_MS) -> None:
        self._kept = KEPT_MS * rate_hz // 1000
        self._may_cut = longest_ms * rate_hz // 1000
        self._is_over = False
        self.gone = 0  # samples

    def cut(self, block: Samples) -> Samples:
        """The block without its part of the silence; may be empty."""
        if self._is_over:
            return block
        loud = np.flatnonzero((block > SILENT) | (block < -SILENT))
        if loud.size == 0 and block.size <= self._may_cut:
            self._may_cut -= block.size
            self.gone += block.size
            return NO_SAMPLES
        self._is_over = True
        begin = int(loud[0]) - self._kept if loud.size else 0
        begin = max(0, min(begin, self._may_cut))
        self.gone += begin
        return block[begin:]


def _silent_end(samples: Samples) -> int:
    """How many samples at the end are silent."""
    loud = np.flatnonzero((samples > SILENT) | (samples < -SILENT))
    return samples.size - int(loud[-1]) - 1 if loud.size else samples.size


def _ramp(length: int) -> NDArray[np.float32]:
    """From nothing to all of it: half a period of a cosine, which has no corner at either end."""
    angle = (np.arange(length, dtype=np.float32) + np.float32(0.5)) * np.float32(np.pi / max(length, 1))
    weights: NDArray[np.float32] = np.float32(0.5) - np.float32(0.5) * np.cos(angle)
    return weights


def _times(samples: Samples, weights: NDArray[np.float32], at: int) -> Samples:
    """A copy, in which the samples from `at` on are weighted."""
    changed = samples.copy()
    part = changed[at : at + weights.size]
    part[:] = np.rint(part * weights).astype(np.int16)
    return changed
