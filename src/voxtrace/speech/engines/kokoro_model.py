"""One model file of Kokoro in onnxruntime: what it wants to be fed, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxtrace.clock import mono_ns
from voxtrace.speech.engines import kokoro_files as files
from voxtrace.speech.engines.kokoro_phonemes import PADDING
from voxtrace.speech.engines.onnx_session import Compute, Made, Model, open_model, require_inputs
from voxtrace.speech.errors import EngineFailed, OtherModel, PhonemesUnusable
from voxtrace.units import NANOS_PER_SECOND

# A first clause, a sentence, and a long piece: each length is planned and given memory when it is first seen.
WARM_TOKENS = (16, 64, 256)
WARM_LIMIT_S = 10.0  # a slow machine warms what it can
KIND = "Kokoro"
_NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
}


@dataclass(frozen=True, slots=True)
class KokoroModel:
    """A model that is loaded."""

    model: Model
    tokens_name: str
    types: dict[str, np.dtype[Any]]
    tells_lengths: bool  # of its tokens, as its second output

    @property
    def takes_whole_speeds(self) -> bool:
        """Whether its `speed` knows no fractions."""
        return self.types["speed"].kind == "i"

    def infer(self, tokens: list[int], style: NDArray[np.float32], speed: float) -> Made:
        """The wave of so many tokens.

        Raises:
            EngineFailed: the model refuses them.
        """
        given: dict[str, Any] = {
            self.tokens_name: [[PADDING, *tokens, PADDING]],
            "style": style[np.newaxis],
            "speed": [speed],
        }
        made = self.model.run({name: np.asarray(value, self.types[name]) for name, value in given.items()})
        return made if self.tells_lengths else made._replace(lengths=None)


@dataclass(frozen=True, slots=True)
class Warmth:
    """What was spoken before anybody listened."""

    tokens: tuple[int, ...]  # lengths
    sentence_ns: int | None  # for a sentence that was not the first of its length; None: there was no time for it


def load(file: Path, compute: Compute) -> KokoroModel:
    """Open a model file and look whether it is one of Kokoro's.

    Raises:
        VoiceUnusable: it is broken, or another model.
        MissingExtra: onnxruntime is not installed.
    """
    model = open_model(file, compute)
    inputs = model.inputs
    # Both names are in use: "tokens" in kokoro-onnx's v1.0, "input_ids" in exports by transformers and by
    # hexgrad's own script; the latter also has `speed` as int32 (thewh1teagle/kokoro-onnx, export.py).
    tokens_name = "input_ids" if "input_ids" in inputs else "tokens"
    require_inputs(
        model,
        KIND,
        {tokens_name: ("int64",), "style": ("float", "float16"), "speed": ("float", "int32", "double")},
    )
    width = inputs["style"].shape[-1]
    if isinstance(width, int) and width != files.STYLE_WIDTH:
        raise OtherModel(file, KIND, f"its style is {width} wide and not {files.STYLE_WIDTH}")
    # "duration" in kokoro-onnx's exports, "durations" in onnx-community's with timestamps, elsewhere "pred_dur":
    # frames of 600 samples for each token, the padding too.
    names = [each.name for each in model.session.get_outputs()]
    tells_lengths = len(names) > 1 and "dur" in names[1]
    types = {name: _NUMPY_TYPES[each.type] for name, each in inputs.items()}
    return KokoroModel(model, tokens_name, types, tells_lengths)


def warm_up(loaded: KokoroModel, style: NDArray[np.float32], vowel: int) -> Warmth:
    """Speak once at each length, and a sentence twice: the second time tells how fast it is."""
    began, warmed, sentence_ns = mono_ns(), [], None
    for length in WARM_TOKENS:
        if mono_ns() - began > WARM_LIMIT_S * NANOS_PER_SECOND:
            break
        row = style[min(length, len(style)) - 1]
        loaded.infer([vowel] * length, row, 1.0)
        warmed.append(length)
        if length == WARM_TOKENS[1] and mono_ns() - began < WARM_LIMIT_S * NANOS_PER_SECOND / 2:
            again = mono_ns()
            loaded.infer([vowel] * length, row, 1.0)
            sentence_ns = mono_ns() - again
    return Warmth(tuple(warmed), sentence_ns)


def check_vocabulary(loaded: KokoroModel, style: NDArray[np.float32], highest: int) -> None:
    """Let the model see its highest number once: one that it was not made for is refused by its embedding.

    Raises:
        PhonemesUnusable: it is.
    """
    try:
        loaded.infer([highest], style, 1.0)
    except EngineFailed as why:
        raise PhonemesUnusable(
            loaded.model.file, f"the vocabulary goes up to {highest}, which it refuses ({why.why})"
        ) from why
