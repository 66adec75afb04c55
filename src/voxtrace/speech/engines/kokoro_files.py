"""The files of a Kokoro voice folder: models in several precisions, styles, and perhaps a vocabulary of its own."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxtrace.speech.engines.kokoro_phonemes import VOCABULARY
from voxtrace.speech.errors import PhonemesUnusable, VoiceFileBroken, VoiceFileMissing

STYLE_WIDTH = 256
Styles = dict[str, NDArray[np.float32]]  # by voice: (rows, STYLE_WIDTH), row n - 1 for n tokens

# Beside what a model says: a style of v1.0 has 510 rows, 522,240 bytes; v1.0 has 54 voices.
MAX_STYLE_BYTES = 4 * 1024 * 1024
MAX_STYLES = 512
MAX_JSON_BYTES = 8 * 1024 * 1024
# As kokoro-onnx ("kokoro-v1.0.int8.onnx") and onnx-community ("model_quantized.onnx") name them.
_PRECISION = re.compile(r"[._-](q8f16|q4f16|uint8f16|uint8|int8|q8|q4|quantized|fp16|f16|fp32)$", re.IGNORECASE)
_SAME = {"quantized": "int8", "q8": "int8", "f16": "fp16"}
# By what a model costs on a processor; fp16 is computed as fp32 there, with conversions in between.
FASTEST_FIRST = ("int8", "uint8", "q8f16", "uint8f16", "q4", "q4f16", "fp32", "fp16")
BEST_FIRST = ("fp32", "fp16", "q8f16", "int8", "uint8f16", "uint8", "q4f16", "q4")


def find_models(folder: Path) -> dict[str, Path]:
    """The models by precision, the fastest first.

    Raises:
        VoiceFileMissing: there is none.
    """
    found: dict[str, Path] = {}
    for file in sorted(folder.glob("*.onnx")):
        named = _PRECISION.search(file.stem)
        precision = named[1].lower() if named else "fp32"
        found.setdefault(_SAME.get(precision, precision), file)
    if not found:
        raise VoiceFileMissing(folder, "model (*.onnx)", listing(folder))
    return {precision: found[precision] for precision in FASTEST_FIRST if precision in found}


def choose_model(models: Mapping[str, Path], asked: str) -> str:
    """The precision to load: the one asked for, or with "auto" the one that sounds best.

    Raises:
        VoiceFileMissing: there is no model of the precision asked for.
    """
    if asked == "auto":
        return next(each for each in BEST_FIRST if each in models)
    if asked not in models:
        folder = next(iter(models.values())).parent
        raise VoiceFileMissing(folder, f"model with precision {asked}", [path.name for path in models.values()])
    return asked


def load_styles(folder: Path) -> Styles:
    """The voices: one archive of numpy arrays (`voices-v1.0.bin`, `*.npz`), or one raw file each (`voices/*.bin`).

    Raises:
        VoiceFileMissing: there are none.
        VoiceFileBroken: a file is truncated, of another shape, or holds Python objects.
    """
    styles: Styles = {}
    for file in sorted([*folder.glob("*.npz"), *folder.glob("*.bin"), *folder.glob("voices/*.bin")]):
        styles |= _read_archive(file) if zipfile.is_zipfile(file) else {file.stem: _read_raw(file)}
    if not styles:
        raise VoiceFileMissing(folder, "styles of voices (voices-v1.0.bin, *.npz or voices/*.bin)", listing(folder))
    return dict(sorted(styles.items()))


def load_vocabulary(folder: Path) -> Mapping[str, int]:
    """Phoneme to number: `vocab` of config.json, that of tokenizer.json, or the one of Kokoro v1.0.

    Raises:
        PhonemesUnusable: one of these files is there and holds no vocabulary.
    """
    for name, path in (("config.json", ("vocab",)), ("tokenizer.json", ("model", "vocab"))):
        file = folder / name
        if not file.exists():
            continue
        found = _read_json(file)
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        # onnx-community's config.json describes the model only; its vocabulary is in tokenizer.json.
        if found is None and name == "config.json":
            continue
        return _checked(file, found)
    return VOCABULARY


def build_of(files: list[Path]) -> str:
    """A name for these files as they are now; it changes when one of them does."""
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(files)]
    return sha256(json.dumps(facts).encode()).hexdigest()[:12]


def listing(folder: Path) -> list[str]:
    """What is in a folder, for an error's message."""
    return sorted(each.name for each in folder.iterdir())[:20] if folder.is_dir() else []


def _read_archive(file: Path) -> Styles:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
        # Sizes as they are declared decide, before anything is unpacked.
        if len(members) > MAX_STYLES or any(each.file_size > MAX_STYLE_BYTES for each in members):
            raise VoiceFileBroken(file, "it is larger than any archive of styles")
        with np.load(file, allow_pickle=False) as arrays:
            return {name: _shaped(file, name, arrays[name]) for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as why:
        raise VoiceFileBroken(file, f"it is no archive of numpy arrays ({why})") from why


def _read_raw(file: Path) -> NDArray[np.float32]:
    size = file.stat().st_size
    if size > MAX_STYLE_BYTES:
        raise VoiceFileBroken(file, f"it has {size:,} bytes: no archive, and larger than the style of one voice")
    if size == 0 or size % (STYLE_WIDTH * 4):
        raise VoiceFileBroken(file, f"it has {size:,} bytes: no archive, and no whole rows of {STYLE_WIDTH} numbers")
    return _shaped(file, file.stem, np.frombuffer(file.read_bytes(), "<f4"))


def _shaped(file: Path, name: str, style: NDArray[np.float32]) -> NDArray[np.float32]:
    if style.dtype.kind != "f" or style.size == 0 or (style.shape[-1:] != (STYLE_WIDTH,) and style.ndim > 1):
        raise VoiceFileBroken(file, f"the style {name!r} is {style.dtype}{style.shape} and not float32(510, 1, 256)")
    rows = np.ascontiguousarray(style, np.float32).reshape(-1, STYLE_WIDTH)
    if not np.isfinite(rows).all():
        raise VoiceFileBroken(file, f"the style {name!r} holds what is no number")
    return rows


def _read_json(file: Path) -> object:
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise PhonemesUnusable(file, "it is larger than any vocabulary")
        found: object = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as why:
        raise PhonemesUnusable(file, f"it is no JSON ({why})") from why
    return found


def _checked(file: Path, found: object) -> Mapping[str, int]:
    if not isinstance(found, dict) or not found:
        raise PhonemesUnusable(file, "it holds no vocabulary, a number for each phoneme")
    for phoneme, number in found.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise PhonemesUnusable(file, f"{phoneme!r} has {number!r} and not a number from 0 up")
    if not {"a", "n", "ˈ"} <= found.keys():
        raise PhonemesUnusable(file, "it is no vocabulary of IPA: 'a', 'n' or the mark of stress is missing")
    return found
