"""An engine that hums instead of speaking, and that can be told to be slow, silent, stuck, broken or dead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxtrace.clock import mono_ns, sleep
from voxtrace.speech.errors import EngineFailed
from voxtrace.speech.ports import NO_NOTES, Abilities, Catalogue, Mode, Notes, OnBlock, Samples, Utterance, Voice, Word
from voxtrace.speech.words import Tokens

FAULTY_ENGINE = "voxtrace.testing.faulty_engine:faulty_engine"
"""The name under which a pool finds it: `EngineChoice(FAULTY_ENGINE, {"delay_ms": 50})`."""

VOICE = "hum"
QUICK, USUAL = "quick", "usual"  # the forms of it that its modes use
FOREVER_S = 3600.0
ENDING_MS = 5
BREATH = 120  # so much softer than the hum: -53 dBFS, 13 dB below what is called audible
CRASH_STATUS = 137  # as of a process that the kernel killed for want of memory


@dataclass(frozen=True, slots=True)
class Faults:
    """What it does to each utterance whose text contains `only`; all others are hummed without a fault.

    Moments are milliseconds of sound made: `crash_after_ms=0` dies before the first block.
    """

    only: str = ""
    delay_ms: float = 0.0  # real time before the first block
    fast_delay_ms: float | None = None  # the same in its fast mode; None: it has no modes
    block_delay_ms: float = 0.0  # real time before every block
    leading_silence_ms: int = 0
    leading_breath_ms: int = 0  # as the former, but with sound in it that nobody hears and no server cuts
    diary: str = ""  # a file that gets a line with the monotonic nanoseconds of each request, and of each block
    stall_after_ms: int | None = None
    crash_after_ms: int | None = None
    fail_after_ms: int | None = None
    silent: bool = False  # makes no sample at all
    ms_per_char: int = 60  # length of the sound at speed 1
    block_ms: int = 60
    sample_rate_hz: int = 24_000
    load_ms: float = 0.0  # real time until it is ready
    words: bool = False  # says when each word begins and ends: every character is `ms_per_char` of sound


class FaultyEngine:
    """Hums 220 Hz for as long as the text would take to say."""

    def __init__(self, faults: Faults) -> None:
        sleep(faults.load_ms / 1000)
        self._faults = faults
        self.sample_rate_hz = faults.sample_rate_hz

    def catalogue(self) -> Catalogue:
        """One voice. It answers to OpenAI's default voice too, so that any request can be spoken."""
        modes = () if self._faults.fast_delay_ms is None else (Mode("fast", QUICK), Mode("high", USUAL))
        abilities = Abilities(self.sample_rate_hz, modes=modes, deterministic=True, word_timings=self._faults.words)
        voices = (Voice(VOICE, "Hum", "und"), Voice("en-us", "Hum", "en-us"))
        return Catalogue("faulty", "cpu", voices, abilities=abilities)

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        """See `Engine.speak`."""
        if not self.catalogue().has(utterance.voice):
            raise EngineFailed(f"there is no voice {utterance.voice!r}")
        faults = self._faults if self._faults.only in utterance.text else Faults(sample_rate_hz=self.sample_rate_hz)
        if faults.silent:
            return
        delay_ms = faults.delay_ms if utterance.variant != QUICK else faults.fast_delay_ms or 0.0
        _note(faults)
        sleep(delay_ms / 1000)
        length_ms = round(len(utterance.text) * faults.ms_per_char / utterance.speed)
        if self._faults.words:
            self._tell_words(utterance, faults, notes)
        for begin_ms in range(0, length_ms, faults.block_ms):
            sleep(faults.block_delay_ms / 1000)
            _break_down(faults, begin_ms)
            _note(faults)
            block = self._block(begin_ms, min(begin_ms + faults.block_ms, length_ms), faults)
            if begin_ms + faults.block_ms >= length_ms:
                _end_softly(block, self.sample_rate_hz)
            if not on_block(block):
                return

    def _tell_words(self, utterance: Utterance, faults: Faults, notes: Notes) -> None:
        per_char = faults.ms_per_char / utterance.speed * self.sample_rate_hz / 1000
        tokens = Tokens(utterance.text)
        for each in tokens.spans:
            begin, end = tokens.trimmed(*each)
            notes.word(Word(begin, end, round(begin * per_char), round(end * per_char)))

    def _block(self, begin_ms: int, end_ms: int, faults: Faults) -> Samples:
        rate_hz = self.sample_rate_hz
        at = np.arange(begin_ms * rate_hz // 1000, end_ms * rate_hz // 1000)
        hum: Samples = (np.sin(at * (2 * np.pi * 220 / rate_hz)) * 12_000).astype(np.int16)
        hum[at < faults.leading_breath_ms * rate_hz // 1000] //= BREATH
        hum[at < faults.leading_silence_ms * rate_hz // 1000] = 0
        return hum


def faulty_engine(**faults: object) -> FaultyEngine:
    """A `FaultyEngine` from the fields of `Faults`."""
    return FaultyEngine(Faults(**faults))  # type: ignore[arg-type]  # checked where the tests write them


def _end_softly(block: Samples, rate_hz: int) -> None:
    """An end with a step would get a slope of its own, and what is sent would be longer than what was made."""
    length = min(ENDING_MS * rate_hz // 1000, block.size)
    block[block.size - length :] = block[block.size - length :] * np.linspace(1, 0, length)


def _note(faults: Faults) -> None:
    if faults.diary:
        with Path(faults.diary).open("a") as diary:
            diary.write(f"{mono_ns()}\n")


def _break_down(faults: Faults, made_ms: int) -> None:
    if faults.crash_after_ms is not None and made_ms >= faults.crash_after_ms:
        os._exit(CRASH_STATUS)
    if faults.stall_after_ms is not None and made_ms >= faults.stall_after_ms:
        sleep(FOREVER_S)
    if faults.fail_after_ms is not None and made_ms >= faults.fail_after_ms:
        raise EngineFailed("it was told to fail")
