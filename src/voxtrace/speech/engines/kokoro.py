"""Kokoro-82M through onnxruntime, with phonemes from espeak-ng. Weights and voices are the user's own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxtrace.clock import mono_ns
from voxtrace.speech.engines import kokoro_files as files
from voxtrace.speech.engines.alignment import NOBODY, Unit, WordPlaces, units_of, usable_lengths
from voxtrace.speech.engines.espeak_phonemes import Phonemizer
from voxtrace.speech.engines.kokoro_phonemes import PADDING, Run, runs_of, spell
from voxtrace.speech.engines.onnx_session import Compute, Made, available_providers, open_model, require_inputs
from voxtrace.speech.engines.phoneme_cache import PhonemeCache
from voxtrace.speech.engines.waveform import hand_over, natural_speed
from voxtrace.speech.errors import EngineFailed, OtherModel, PhonemesUnusable
from voxtrace.speech.mixing import BadMix, read_mix
from voxtrace.speech.ports import NO_NOTES, Abilities, Catalogue, Notes, OnBlock, Utterance, Voice
from voxtrace.units import NANOS_PER_SECOND

SAMPLE_RATE_HZ = 24_000
# The first letter of a voice's name is its language (hexgrad/kokoro, pipeline.py). Japanese ("j") and Mandarin
# ("z") were taught with phonemisers of their own; with espeak-ng's phonemes they speak nonsense.
LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
# A first clause, a sentence, and a long piece: each length is planned and given memory when it is first seen.
WARM_TOKENS = (16, 64, 256)
WARM_LIMIT_S = 10.0  # a slow machine warms what it can
KIND = "Kokoro"
Mix = list[tuple[NDArray[np.float32], float]]  # styles and their shares


class KokoroEngine:
    """One Kokoro model.

    Args:
        folder: where its files are.
        precision: "auto", or one of those that are there, such as "int8".
        provider: "cpu", "coreml" or "cuda"; the CPU is taken where that is not there.
        threads: for one operator of the model.

    Raises:
        VoiceUnusable: its files can't be used, and why.
        MissingExtra: onnxruntime is not installed.
    """

    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, folder: str, precision: str = "auto", provider: str = "cpu", threads: int = 1) -> None:
        self._folder = Path(folder)
        self._models = files.find_models(self._folder)
        self._mode = files.choose_model(self._models, precision)
        self._styles = files.load_styles(self._folder)
        self._names = _names_of(self._styles)
        self._vocabulary = files.load_vocabulary(self._folder)
        self._asked = provider
        self._model = open_model(self._models[self._mode], Compute(provider, threads))
        inputs = self._model.inputs
        # Both names are in use: "tokens" in kokoro-onnx's v1.0, "input_ids" in exports by transformers and by
        # hexgrad's own script; the latter also has `speed` as int32 (thewh1teagle/kokoro-onnx, export.py).
        self._tokens_name = "input_ids" if "input_ids" in inputs else "tokens"
        require_inputs(
            self._model,
            KIND,
            {self._tokens_name: ("int64",), "style": ("float", "float16"), "speed": ("float", "int32", "double")},
        )
        width = inputs["style"].shape[-1]
        if isinstance(width, int) and width != files.STYLE_WIDTH:
            raise OtherModel(self._model.file, KIND, f"its style is {width} wide and not {files.STYLE_WIDTH}")
        self._types = {name: _NUMPY_TYPES[each.type] for name, each in inputs.items()}
        self._phonemizer = Phonemizer()
        self._phonemes = PhonemeCache(partial(self._phonemizer.clauses, tied=True))
        # "duration" in kokoro-onnx's exports, "durations" in onnx-community's with timestamps, elsewhere "pred_dur":
        # frames of 600 samples for each token, the padding too.
        names = [each.name for each in self._model.session.get_outputs()]
        self._tells_lengths = len(names) > 1 and "dur" in names[1]
        self._warmed = self._warm_up()
        self._check_vocabulary()

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
        model = self._model
        abilities = Abilities(
            SAMPLE_RATE_HZ,
            makes_pauses=False,
            word_timings=self._tells_lengths,
            keeps_voices=True,
            modes=tuple(self._models),
            mode=self._mode,
            mixes=True,
            deterministic=model.provider == "cpu",
            providers=available_providers(),
            asked_provider=self._asked if model.fallback else "",
            fallback=model.fallback,
            warmed=self._warmed,
        )
        build = files.build_of([each for each in self._folder.glob("**/*") if each.is_file()])
        return Catalogue("kokoro", model.provider, voices, build=f"{self._mode}-{build}", abilities=abilities)

    def speak(self, utterance: Utterance, on_block: OnBlock, notes: Notes = NO_NOTES) -> None:
        """See `Engine.speak`."""
        mix, language = self._find_voice(utterance.voice)
        clauses, made = self._phonemes.find(utterance, language)
        runs = runs_of(spell(clauses, language), self._vocabulary)
        notes.phonemes(made)
        speed, tempo = natural_speed(utterance.speed, whole=self._types["speed"].kind == "i")
        units: list[Unit] = []
        if self._tells_lengths:
            units = units_of(utterance.text, clauses, lambda word: self._phonemizer.letters_alone(word, language))
        hand_over(self._infer_all(runs, mix, speed, WordPlaces(units, tempo), notes), SAMPLE_RATE_HZ, tempo, on_block)

    def _infer_all(
        self, runs: list[Run], mix: Mix, speed: float, places: WordPlaces, notes: Notes
    ) -> Iterator[NDArray[np.float32]]:
        for tokens, owners in runs:
            # Row n - 1 is the style for n tokens (hexgrad/kokoro, pipeline.py).
            rows = [style[min(len(tokens), len(style)) - 1] * np.float32(share) for style, share in mix]
            wave, found = self._infer(tokens, np.sum(rows, axis=0), speed)
            if self._tells_lengths:
                lengths = usable_lengths(found, len(tokens) + 2)
                for word in places.next_wave([NOBODY, *owners, NOBODY], lengths, wave.size):
                    notes.word(word)
            yield wave

    def _infer(self, tokens: list[int], style: NDArray[np.float32], speed: float) -> Made:
        given: dict[str, Any] = {
            self._tokens_name: [[PADDING, *tokens, PADDING]],
            "style": style[np.newaxis],
            "speed": [speed],
        }
        return self._model.run({name: np.asarray(value, self._types[name]) for name, value in given.items()})

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

    def _check_vocabulary(self) -> None:
        """Let the model see its highest number once: one that it was not made for is refused by its embedding."""
        style = next(iter(self._styles.values()))[0]
        highest = max(self._vocabulary.values())
        try:
            self._infer([highest], style, 1.0)
        except EngineFailed as why:
            raise PhonemesUnusable(
                self._model.file, f"the vocabulary goes up to {highest}, which it refuses ({why.why})"
            ) from why

    def _warm_up(self) -> tuple[int, ...]:
        style = next(iter(self._styles.values()))
        vowel = self._vocabulary["a"]
        began, warmed = mono_ns(), []
        for length in WARM_TOKENS:
            if mono_ns() - began > WARM_LIMIT_S * NANOS_PER_SECOND:
                break
            self._infer([vowel] * length, style[min(length, len(style)) - 1], 1.0)
            warmed.append(length)
        return tuple(warmed)


_NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
}


def _names_of(styles: files.Styles) -> dict[str, str]:
    """Every name that a voice of a language we can write phonemes for answers to, and that voice.

    Some English voices are named after OpenAI's: "af_alloy" answers to "alloy" too.
    """
    names = {name: name for name in styles if name[0] in LANGUAGES}
    for name in [name for name in names if name[0] in "ab" and name[2:3] == "_" and name[3:]]:
        names.setdefault(name[3:], name)
    return names
