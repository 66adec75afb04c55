"""Where a piece begins and ends: no silence that a listener waits through, no step that is heard as a click.

The pieces of one answer are spoken by different processes and joined as they are. No sound is held back for it: a
beginning is faded in, and an end that is not near zero gets a short slope to it. Of a neural voice the silence behind
its sound waits until it is known whether more follows.
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
        self._quiet: list[Samples] = []  # more silence than is cut, and no sound yet
        self._held = NO_SAMPLES  # silent; the pause behind the piece, or one within it
        self._last = 0  # sample that was let through
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
            block = self._wait_for_sound(self._silence, self._silence.cut(block))
        if block.size == 0:
            return block
        if self._to_fade != 0:
            block = self._fade_in(block)
        made = block if self._held.size == 0 else np.concatenate((self._held, block))
        keep = 0 if self._pause is None else min(_silent_end(made), self._most_held)
        out, self._held = made[: made.size - keep], made[made.size - keep :]
        if out.size:
            self._last = int(out[-1])
        return out

    def finish(self) -> Samples:
        """The end of the piece. One without any sound at its beginning has no pause to keep either."""
        silent, self._held = self._held, NO_SAMPLES
        if self._to_fade is None:
            return NO_SAMPLES
        parts = [silent]
        if silent.size == 0 and abs(self._last) > SILENT:
            parts = [np.rint(_ramp(self._fade)[::-1] * self._last).astype(np.int16)]
        if self._pause is not None:
            parts[0] = parts[0] if not silent.size else silent[: self._pause]
            if self._is_padded:
                parts.append(np.zeros(max(0, self._pause - silent.size), np.int16))
        return np.concatenate(parts)

    def _wait_for_sound(self, silence: LeadingSilence, block: Samples) -> Samples:
        """Silence alone is not sent: a text that nobody can pronounce must not be answered with it."""
        if silence.has_sound:
            if self._quiet:
                block, self._quiet = np.concatenate((*self._quiet, block)), []
            return block
        if block.size:
            self._quiet.append(block)
        if sum(each.size for each in self._quiet) <= self._most_held:
            return NO_SAMPLES
        silence.has_sound = True  # whatever it is, it can't be kept for ever
        return self._wait_for_sound(silence, NO_SAMPLES)

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
        self.has_sound = False
        self.gone = 0  # samples

    def cut(self, block: Samples) -> Samples:
        """The block without its part of the silence; may be empty."""
        if self.has_sound:
            return block
        loud = np.flatnonzero((block > SILENT) | (block < -SILENT))
        self.has_sound = loud.size > 0
        if self._is_over:
            return block
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
