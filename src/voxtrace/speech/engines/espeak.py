"""espeak-ng as an engine: the embedded default, and the gauge of our own overhead."""

from __future__ import annotations

import ctypes

import numpy as np

from voxtrace.speech.engines import espeak_library as espeak
from voxtrace.speech.engines.espeak_words import WordEvents
from voxtrace.speech.errors import EngineFailed
from voxtrace.speech.ports import NO_NOTES, Abilities, Catalogue, Notes, OnBlock, Samples, Utterance, Voice

NORMAL_WPM = 175  # espeak's default rate, spoken at speed 1
# Below, espeak speaks at 80 whatever it is told; Sonic stretches the rest. Above 450 it uses Sonic itself.
SLOWEST_WPM = 80
WARM_VOICE = "en-us"


class EspeakEngine:
    """One espeak-ng, which keeps its state in globals: one process, one utterance at a time.

    Raises:
        ValueError: the library finds no voices.
    """

    def __init__(self) -> None:
        self._library, self.sample_rate_hz = espeak.start_library()
        self._files = espeak.voice_files(self._library)
        self._voice = self._loaded = ""
        self._wpm = NORMAL_WPM
        self._on_block: OnBlock = lambda _: False
        self._words = WordEvents("", NO_NOTES)
        self._failure: BaseException | None = None
        # Kept as an attribute: ctypes does not keep it alive, and espeak calls it later.
        self._callback = espeak.SynthCallback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)
        # Loads the dictionary that most requests need (3 ms) before anybody waits for it.
        self.speak(Utterance("ready", WARM_VOICE), lambda _: True)

    def catalogue(self) -> Catalogue:
        """All languages of espeak-ng, and its variants (`!v/f3` is spoken as "+f3")."""
        voices: dict[str, Voice] = {}
        for each in espeak.list_voices(self._library):
            language, *others = (name for name, _ in espeak.languages_of(each))
            voices.setdefault(language, Voice(language, each.name.decode(), language, tuple(others)))
        variants = (
            each.identifier.decode().removeprefix("!v/") for each in espeak.list_voices(self._library, b"variant")
        )
        build = f"espeak-ng {espeak.version_of(self._library)}, {NORMAL_WPM} words a minute"
        # Not the same samples each time: its wave goes on where the utterance before it left it.
        abilities = Abilities(self.sample_rate_hz, word_timings=True, warm_voice=WARM_VOICE)
        return Catalogue("espeak-ng", "cpu", tuple(voices.values()), tuple(sorted(variants)), build, abilities)

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        """See `Engine.speak`."""
        self._use_voice(utterance.voice)
        wpm = round(NORMAL_WPM * utterance.speed)
        self._use_rate(max(wpm, SLOWEST_WPM))
        self._words = WordEvents(utterance.text, notes, min(wpm / SLOWEST_WPM, 1.0))
        if wpm >= SLOWEST_WPM:
            self._on_block = on_block
            self._synthesise(utterance)
            return
        stretch = espeak.Sonic(self._library, self.sample_rate_hz, wpm / SLOWEST_WPM)
        try:
            wanted = True

            def stretched(block: Samples) -> bool:
                nonlocal wanted
                longer = stretch.convert(block.tobytes())
                wanted = not longer or on_block(np.frombuffer(longer, np.int16))
                return wanted

            self._on_block = stretched
            self._synthesise(utterance)
            if wanted and (rest := stretch.finish()):
                on_block(np.frombuffer(rest, np.int16))
        finally:
            stretch.close()

    def _use_voice(self, voice: str) -> None:
        # Setting a voice reads its files: 0.1 ms when they are cached, 2 ms when a dictionary is loaded.
        if voice == self._voice and espeak.VOICE_IN_USE.name == self._loaded:
            return
        name, plus, variant = voice.partition("+")
        file = self._files.get(name)
        if file is None or not espeak.use_voice(self._library, f"{file}{plus}{variant}"):
            self._voice = ""
            raise EngineFailed(f"espeak-ng can't load the voice {voice!r}")
        self._voice, self._loaded = voice, espeak.VOICE_IN_USE.name
        self._wpm = 0  # a voice comes with a rate of its own

    def _use_rate(self, wpm: int) -> None:
        if wpm != self._wpm:
            self._library.espeak_SetParameter(espeak.PARAMETER_RATE, wpm, 0)
            self._wpm = wpm

    def _synthesise(self, utterance: Utterance) -> None:
        text = utterance.text.encode()
        flags = espeak.CHARS_UTF8 | (espeak.END_PAUSE if utterance.pause_after else 0)
        status = self._library.espeak_Synth(text, len(text) + 1, 0, espeak.POSITION_CHARACTER, 0, flags, None, None)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        self._words.finish()
        if status != 0:
            raise EngineFailed(f"espeak-ng answered with its error {status}")

    def _receive(self, samples: int | None, count: int, events: int | None) -> int:
        """espeak's call-back. An exception can't travel through C, so it is kept and raised afterwards."""
        if not samples or count <= 0:
            return 0
        try:
            block = np.frombuffer(ctypes.string_at(samples, count * 2), np.int16)
            if not self._words.made:  # nothing comes before the first sound
                wanted = self._on_block(block)
                self._words.read(events, count)
            else:
                self._words.read(events, count)
                wanted = self._on_block(block)
            return 0 if wanted else 1
        except BaseException as failure:  # noqa: BLE001 - see the docstring
            self._failure = failure
            return 1
