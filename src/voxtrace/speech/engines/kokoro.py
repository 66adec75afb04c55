"""Kokoro-82M through onnxruntime, with phonemes from espeak-ng. Weights and voices are the user's own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxtrace.speech.engines import kokoro_files as files
from voxtrace.speech.engines.alignment import NOBODY, Unit, WordPlaces, units_of, usable_lengths
from voxtrace.speech.engines.espeak_phonemes import Phonemizer
from voxtrace.speech.engines.kokoro_model import KokoroModel, Warmth, check_vocabulary, load, warm_up
from voxtrace.speech.engines.kokoro_modes import choices_of, load_all
from voxtrace.speech.engines.kokoro_phonemes import Run, runs_of, spell
from voxtrace.speech.engines.onnx_session import Compute, Made, available_providers
from voxtrace.speech.engines.phoneme_cache import PhonemeCache
from voxtrace.speech.engines.waveform import hand_over, natural_speed
from voxtrace.speech.errors import EngineFailed
from voxtrace.speech.mixing import BadMix, read_mix
from voxtrace.speech.ports import NO_NOTES, Abilities, Catalogue, Notes, OnBlock, Utterance, Voice

SAMPLE_RATE_HZ = 24_000
# The first letter of a voice's name is its language (hexgrad/kokoro, pipeline.py). Japanese ("j") and Mandarin
# ("z") were taught with phonemisers of their own; with espeak-ng's phonemes they speak nonsense.
LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
# The fp32 and int8 files of Kokoro v1.0 are 310 and 88 MiB; loaded, a model takes up to twice its file.
MODE_FILES_MIB = 512
Mix = list[tuple[NDArray[np.float32], float]]  # styles and their shares


class KokoroEngine:
    """One Kokoro model.

    Args:
        folder: where its files are.
        precision: "auto", or one of those that are there, such as "int8".
        provider: "cpu", "coreml" or "cuda"; the CPU is taken where that is not there.
        threads: for one operator of the model.
        mode_files_mib: of model files that may be loaded for the modes; with one precision asked for, it is alone.

    Raises:
        VoiceUnusable: its files can't be used, and why.
        MissingExtra: onnxruntime is not installed.
    """

    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(
        self,
        folder: str,
        precision: str = "auto",
        provider: str = "cpu",
        threads: int = 1,
        mode_files_mib: int = MODE_FILES_MIB,
    ) -> None:
        self._folder = Path(folder)
        self._found = files.find_models(self._folder)
        self._precision = files.choose_model(self._found, precision)
        self._styles = files.load_styles(self._folder)
        self._names = _names_of(self._styles)
        self._vocabulary = files.load_vocabulary(self._folder)
        self._asked = provider
        compute = Compute(provider, threads)
        choices = choices_of(self._found, self._precision, provider) if precision == "auto" else ()
        self._loaded = load_all(
            self._found, self._precision, choices, mode_files_mib, lambda file: self._load(file, compute)
        )
        self._phonemizer = Phonemizer()
        self._phonemes = PhonemeCache(partial(self._phonemizer.clauses, tied=True))

    def _load(self, file: Path, compute: Compute) -> tuple[KokoroModel, Warmth]:
        loaded, style = load(file, compute), next(iter(self._styles.values()))
        warmth = warm_up(loaded, style, self._vocabulary["a"])
        check_vocabulary(loaded, style[0], max(self._vocabulary.values()))
        return loaded, warmth

    def catalogue(self) -> Catalogue:
        """The voices whose language espeak-ng can give phonemes for."""
        voices = tuple(
            Voice(
                name,
                name[3:].replace("_", " ").title() or name,
                LANGUAGES[name[0]],
                tuple(also for also, of in self._names.items() if of == name and also != name),
            )
            for name in self._styles
            if name in self._names
        )
        model = self._loaded.models[self._precision].model
        abilities = Abilities(
            SAMPLE_RATE_HZ,
            makes_pauses=False,
            word_timings=self._loaded.models[self._precision].tells_lengths,
            keeps_voices=True,
            precisions=tuple(self._found),
            precision=self._precision,
            modes=self._loaded.modes,
            not_loaded=self._loaded.left_out,
            mixes=True,
            deterministic=model.provider == "cpu",
            providers=available_providers(),
            asked_provider=self._asked if model.fallback else "",
            fallback=model.fallback,
            warmed=self._loaded.warmth[self._precision].tokens,
        )
        build = files.build_of([each for each in self._folder.glob("**/*") if each.is_file()])
        return Catalogue("kokoro", model.provider, voices, build=f"{self._precision}-{build}", abilities=abilities)

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        """See `Engine.speak`."""
        model = self._loaded.models.get(utterance.variant or self._precision)
        if model is None:
            raise EngineFailed(f"the precision {utterance.variant!r} is not loaded")
        mix, language = self._find_voice(utterance.voice)
        clauses, made = self._phonemes.find(utterance, language)
        runs = runs_of(spell(clauses, language), self._vocabulary)
        notes.phonemes(made)
        speed, tempo = natural_speed(utterance.speed, whole=model.takes_whole_speeds)
        units: list[Unit] = []
        if model.tells_lengths:
            units = units_of(utterance.text, clauses, lambda word: self._phonemizer.letters_alone(word, language))
        waves = _infer_all(model, runs, mix, speed)
        hand_over(_told(waves, WordPlaces(units, tempo), notes), SAMPLE_RATE_HZ, tempo, on_block)

    def _find_voice(self, voice: str) -> tuple[Mix, str]:
        try:
            mix = read_mix(voice)
        except BadMix as why:
            raise EngineFailed(str(why)) from why
        for name, _ in mix:
            if name not in self._names:
                raise EngineFailed(f"Kokoro has no voice {name!r} here, or no phonemes for its language")
        # A mix speaks the language of its first voice.
        language = LANGUAGES[self._names[mix[0][0]][0]]
        return [(self._styles[self._names[name]], share) for name, share in mix], language


def _names_of(styles: files.Styles) -> dict[str, str]:
    """Every name that a voice of a language we can write phonemes for answers to, and that voice.

    Some English voices are named after OpenAI's: "af_alloy" answers to "alloy" too.
    """
    names = {name: name for name in styles if name[0] in LANGUAGES}
    for name in [name for name in names if name[0] in "ab" and name[2:3] == "_" and name[3:]]:
        names.setdefault(name[3:], name)
    return names


def _infer_all(model: KokoroModel, runs: list[Run], mix: Mix, speed: float) -> Iterator[tuple[Run, Made]]:
    for run in runs:
        # Row n - 1 is the style for n tokens (hexgrad/kokoro, pipeline.py).
        rows = [style[min(len(run.tokens), len(style)) - 1] * np.float32(share) for style, share in mix]
        yield run, model.infer(run.tokens, np.sum(rows, axis=0), speed)


def _told(made: Iterator[tuple[Run, Made]], places: WordPlaces, notes: Notes) -> Iterator[NDArray[np.float32]]:
    """The waves; the words of each are told in front of it, where the model says how long its tokens are."""
    for (tokens, owners), (wave, found) in made:
        if found is not None:
            lengths = usable_lengths(found, len(tokens) + 2)
            for word in places.next_wave([NOBODY, *owners, NOBODY], lengths, wave.size):
                notes.word(word)
        yield wave
