"""A Piper voice through onnxruntime, with phonemes from espeak-ng. The voice is the user's own file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxtrace.clock import mono_ns
from voxtrace.speech.engines.alignment import Unit, WordPlaces, units_of, usable_lengths
from voxtrace.speech.engines.espeak_phonemes import Phonemizer
from voxtrace.speech.engines.kokoro_files import build_of, listing
from voxtrace.speech.engines.onnx_session import Compute, Made, available_providers, open_model, require_inputs
from voxtrace.speech.engines.phoneme_cache import PhonemeCache
from voxtrace.speech.engines.piper_config import Numbers, config_file, ids_of, load_config
from voxtrace.speech.engines.waveform import hand_over, natural_speed
from voxtrace.speech.errors import EngineFailed, PhonemesUnusable, VoiceFileMissing
from voxtrace.speech.ports import NO_NOTES, Abilities, Catalogue, Notes, OnBlock, Utterance, Voice
from voxtrace.speech.quality import modes_of
from voxtrace.units import NANOS_PER_SECOND

# Pads stand between phonemes, so these are twice the lengths that Kokoro is warmed with.
WARM_IDS = (32, 128, 512)
WARM_LIMIT_S = 10.0
KIND = "a Piper voice"


class PiperEngine:
    """One Piper voice, of one speaker or of many.

    Args:
        folder: where its one model and the configuration are.
        provider: "cpu", "coreml" or "cuda"; the CPU is taken where that is not there.
        threads: for one operator of the model.

    Raises:
        VoiceUnusable: its files can't be used, and why.
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(self, folder: str, provider: str = "cpu", threads: int = 1) -> None:
        file = find_model(Path(folder))
        self._name = file.stem
        self._config = load_config(file)
        self.sample_rate_hz = self._config.sample_rate_hz
        self._phonemizer = Phonemizer()
        self._phonemes = PhonemeCache(self._phonemizer.clauses)
        if not self._phonemizer.knows(self._config.language):
            raise PhonemesUnusable(config_file(file), f"espeak-ng has no voice {self._config.language!r}")
        self._asked = provider
        self._model = open_model(file, Compute(provider, threads))
        # OHF-Voice/piper1-gpl exports these names; `sid` is there when the voice has several speakers.
        wanted: dict[str, tuple[str, ...]] = {"input": ("int64",), "input_lengths": ("int64",), "scales": ("float",)}
        if self._config.speaker_count > 1:
            wanted["sid"] = ("int64",)
        require_inputs(self._model, KIND, wanted)
        self._speakers = self._name_speakers()
        self._tells_lengths = False
        self._warmed = self._warm_up()
        self._check_phonemes()

    def catalogue(self) -> Catalogue:
        """Its speakers; the first of them also answers to the voice's own name."""
        model, config = self._model, self._config
        voices = tuple(Voice(name, name, config.language) for name in self._speakers)
        abilities = Abilities(
            self.sample_rate_hz,
            makes_pauses=False,
            word_timings=self._tells_lengths,
            keeps_voices=True,
            # The noise is drawn inside of the model, and it takes no seed.
            deterministic=config.noise_scale == 0 and config.noise_w == 0,
            providers=available_providers(),
            asked_provider=self._asked if model.fallback else "",
            fallback=model.fallback,
            warmed=self._warmed,
            # A voice's other qualities are models of their own, of other rates and other trainings.
            modes=modes_of("", "", ""),
        )
        build = build_of([model.file, config_file(model.file)])
        return Catalogue(self._name, model.provider, voices, build=build, abilities=abilities)

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        """See `Engine.speak`."""
        if utterance.voice not in self._speakers:
            raise EngineFailed(f"the voice {self._name} has no speaker {utterance.voice!r}")
        clauses, made = self._phonemes.find(utterance, self._config.language)
        numbers = ids_of(clauses, self._config)
        notes.phonemes(made)
        speed, tempo = natural_speed(utterance.speed)
        units: list[Unit] = []
        if self._tells_lengths:
            language = self._config.language
            units = units_of(utterance.text, clauses, lambda word: self._phonemizer.letters_alone(word, language))
        waves = self._waves(numbers, (speed, self._speakers[utterance.voice]), WordPlaces(units, tempo), notes)
        hand_over(waves, self.sample_rate_hz, tempo, on_block)

    def _waves(
        self, numbers: Numbers, how: tuple[float, int], places: WordPlaces, notes: Notes
    ) -> Iterator[NDArray[np.float32]]:
        if not numbers.ids:
            return
        wave, found = self._infer(numbers.ids, *how)
        if self._tells_lengths:
            for word in places.next_wave(numbers.owners, usable_lengths(found, len(numbers.ids)), wave.size):
                notes.word(word)
        yield wave

    def _infer(self, ids: list[int], speed: float, speaker: int = 0) -> Made:
        config = self._config
        feeds: dict[str, NDArray[Any]] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([config.noise_scale, config.length_scale / speed, config.noise_w], np.float32),
        }
        if config.speaker_count > 1:
            feeds["sid"] = np.array([speaker], np.int64)
        return self._model.run(feeds)

    def _name_speakers(self) -> dict[str, int]:
        if self._config.speaker_count <= 1:
            return {self._name: 0}
        named = self._config.speakers or {str(number): number for number in range(self._config.speaker_count)}
        first = next(iter(named))
        return {self._name: named[first]} | {f"{self._name}/{speaker}": number for speaker, number in named.items()}

    def _check_phonemes(self) -> None:
        """Let the model see its highest number once: one that it was not made for is refused by its embedding."""
        highest = max(max(numbers) for numbers in self._config.phoneme_ids.values() if numbers)
        try:
            self._infer([highest], 1.0)
        except EngineFailed as why:
            raise PhonemesUnusable(
                config_file(self._model.file), f"they go up to {highest}, which the model refuses ({why.why})"
            ) from why

    def _warm_up(self) -> tuple[int, ...]:
        vowel = self._config.phoneme_ids["a"][0]
        began, warmed = mono_ns(), []
        for length in WARM_IDS:
            if mono_ns() - began > WARM_LIMIT_S * NANOS_PER_SECOND:
                break
            made = self._infer([vowel] * length, 1.0)
            # Piper's own `patch_voice_with_alignment` adds it, under the name that the tensor has inside: the frames
            # of each id.
            self._tells_lengths = usable_lengths(made.lengths, length) is not None
            warmed.append(length)
        return tuple(warmed)


def find_model(folder: Path) -> Path:
    """The one model of a voice's folder.

    Raises:
        VoiceFileMissing: there is none, or there are several.
    """
    models = sorted(folder.glob("*.onnx"))
    if len(models) != 1:
        raise VoiceFileMissing(folder, "model, exactly one *.onnx", listing(folder))
    return models[0]
