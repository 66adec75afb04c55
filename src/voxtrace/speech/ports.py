"""What this room needs from the outside: an engine that speaks, and somebody who notes when things happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from voxtrace.speech.mixing import BadMix, is_mix, read_mix

Samples = NDArray[np.int16]
"""Mono, signed 16 bit, at the engine's own rate."""

OnBlock = Callable[[Samples], bool]
"""Takes one block and answers whether the engine shall go on."""

# What the OpenAI API's `pcm` means, and what every answer of this server carries.
OUTPUT_RATE_HZ = 24_000
OUTPUT_BYTES_PER_SECOND = OUTPUT_RATE_HZ * 2
SLOWEST, FASTEST = 0.25, 4.0  # OpenAI's range of `speed`


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that an engine can speak with."""

    id: str  # what a request names
    name: str  # for people
    language: str  # BCP 47, as the engine writes it
    also: tuple[str, ...] = ()  # other names by which it can be asked for


@dataclass(frozen=True, slots=True)
class Mode:
    """What an engine changes between fast, balanced and high. It declares only modes that differ."""

    name: str  # one of `quality.MODES`
    variant: str = ""  # the form of its model that speaks, such as "int8"; "": there is but one
    first_words: int = 0  # most words of the first piece; 0: as many as usual


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an engine can do beside speaking, as it declares it itself."""

    sample_rate_hz: int = OUTPUT_RATE_HZ  # of what it makes; answers carry OUTPUT_RATE_HZ
    speeds: tuple[float, float] = (SLOWEST, FASTEST)
    precisions: tuple[str, ...] = ()  # forms of its model that can be chosen, such as "int8"; the fastest first
    precision: str = ""  # the one that speaks unless a mode says otherwise
    modes: tuple[Mode, ...] = ()  # the fastest first; empty: nothing could be changed between them
    not_loaded: tuple[str, ...] = ()  # forms of its model that no mode can use, each with its reason
    word_timings: bool = False
    makes_pauses: bool = True  # pieces end with the pause that suits them; else silence at their ends means nothing
    keeps_voices: bool = False  # all of its voices are in memory, and none has to be loaded for an utterance
    warm_voice: str = ""  # the one that is loaded when it is ready
    mixes: bool = False  # voices can be mixed: "af_heart:0.7+af_bella:0.3"
    deterministic: bool = False  # the same text is the same samples, always
    providers: tuple[str, ...] = ("cpu",)  # what it can compute with on this machine
    asked_provider: str = ""  # the provider asked for, where it is not the one that computes
    fallback: str = ""  # and why it is not
    warmed: tuple[int, ...] = ()  # lengths in tokens that it has spoken before it was ready


@dataclass(frozen=True)  # without slots: `cached_property` needs a place
class Catalogue:
    """What an engine says about itself when it starts."""

    engine: str
    provider: str  # what computes: "cpu" or the name of an accelerator
    voices: tuple[Voice, ...]
    variants: tuple[str, ...] = ()  # timbres that may follow any voice, as in "en-us+f3"
    build: str = ""  # of the engine and its data: another build makes other samples
    abilities: Abilities = Abilities()

    def load_tables(self) -> None:
        """Make what the first request would otherwise wait for: 0.1 ms with the 140 voices of espeak-ng."""
        _ = self.names, self._languages

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages of its voices."""
        return tuple(sorted({voice.language for voice in self.voices}))

    @cached_property
    def _languages(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for voice in self.voices:
            for name in (voice.id, *voice.also):
                # Of several voices the name is that of a language: espeak-ng's "fr" is spoken by "fr-fr" and "fr-be".
                found[name] = voice.language if name not in found else name
        return found

    def language_of(self, voice: str) -> str:
        """What a voice speaks; of a mix, what its first voice does. "" where that is not known."""
        return self._languages.get(voice.partition("+")[0].partition(":")[0], "")

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that a voice answers to, without variants."""
        return frozenset(name for voice in self.voices for name in (voice.id, *voice.also))

    def has(self, voice: str) -> bool:
        """Whether `voice`, with or without a variant, or as a mix of voices, can be spoken."""
        if self.abilities.mixes and is_mix(voice):
            try:
                return all(part in self.names for part, _ in read_mix(voice))
            except BadMix:
                return False
        name, plus, variant = voice.partition("+")
        return name in self.names and (not plus or variant in self.variants)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One piece of text, to be spoken without a break."""

    text: str
    voice: str
    speed: float = 1.0  # 1 is the engine's normal rate
    is_first: bool = False  # nothing is audible yet: silence before its first sound is cut off
    pause_after: bool = False  # more text follows: leave the pause that its last punctuation mark asks for
    variant: str = ""  # the form of the model that shall speak; "": the engine's own choice
    fresh: bool = False  # nothing that is kept may help with it, and nothing of it is kept


class Word(NamedTuple):
    """A word of an utterance, and when it is heard."""

    begin: int  # characters of the utterance's text
    end: int
    at: int  # its first sample
    until: int  # the sample behind its last


class Phonemes(NamedTuple):
    """How an utterance's phonemes were come by, and what is kept of all of them by now."""

    cache: str  # "hit", "miss", or "bypass" where none was asked
    entries: int = 0
    bytes: int = 0


class Notes(Protocol):
    """Who hears what an engine tells beside its sound. A call does not wait."""

    def phonemes(self, made: Phonemes) -> None:
        """The phonemes are there; what follows is inference. An engine that has no such step never says this."""

    def word(self, word: Word) -> None:
        """A word, in samples as `on_block` gets them. In the order of the text."""


class NoNotes:
    """Nobody listens."""

    def phonemes(self, made: Phonemes) -> None:
        """See `Notes`."""

    def word(self, word: Word) -> None:
        """See `Notes`."""


NO_NOTES = NoNotes()


class Engine(Protocol):
    """A voice. It is called from one thread, one utterance at a time.

    Blocks are pushed and not pulled: engines of the C world call back, and to turn a call-back into an
    iterator takes a thread and a queue, while the other direction is one `for` loop.
    """

    @property
    def sample_rate_hz(self) -> int: ...

    def catalogue(self) -> Catalogue: ...

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        """Speak, handing over each block as soon as it is made; stop within a block once `on_block` says no.

        Raises:
            EngineFailed: the engine can't speak this utterance.
        """
        ...


class Marks(Protocol):
    """Who notes when things happen; a `Tracker` is one. Neither call waits or raises."""

    def mark(
        self, name: str, /, request_id: str | None = None, session_id: str | None = None, **metadata: object
    ) -> None:
        """It happened now."""

    def mark_at(
        self, name: str, at: tuple[int, int], /, request_id: str, session_id: str | None = None, **metadata: object
    ) -> None:
        """It happened at the moment `at`, (mono_ns, wall_ns)."""
