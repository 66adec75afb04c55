"""Bringing a voice's files into the data folder: only those that a voice is made of, and only when they speak."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from voxtrace.errors import DataFolderUnusable, InvalidOption
from voxtrace.speech.engines.kokoro_files import listing
from voxtrace.speech.errors import VoiceFileMissing
from voxtrace.speech.voice_folder import InstalledVoice, check_name, engine_of

# Of a Kokoro folder; the weights may lie in `onnx/`, as onnx-community has them, and the styles in `voices/`.
# `*.onnx_data` are weights that a large model keeps apart. `*.pt` are pickles and are never opened.
KOKORO_FILES = (
    *("*.onnx", "*.onnx_data", "onnx/*.onnx", "onnx/*.onnx_data"),
    *("*.npz", "*.bin", "voices/*.bin", "config.json", "tokenizer.json"),
)

Place = Callable[[Path, Path], object]
"""Makes the second path hold what the first one does: a copy, or a link."""

Verify = Callable[[InstalledVoice], None]
"""Loads what was brought, and raises when it can't be spoken with."""


def files_of(source: Path) -> dict[str, Path]:
    """What a voice at `source`, a folder or a Piper model, is made of: new name and file.

    Raises:
        VoiceFileMissing: there is nothing of a voice, or of a Piper voice more than one model or no configuration.
    """
    folder = source if source.is_dir() else source.parent
    if source.is_file() or engine_of(folder) == "piper":
        models = [source] if source.is_file() else sorted(folder.glob("*.onnx"))
        if len(models) != 1 or models[0].suffix != ".onnx":
            raise VoiceFileMissing(folder, "single Piper model: name the one that is meant, *.onnx", listing(folder))
        config = models[0].with_name(models[0].name + ".json")
        if not config.is_file():
            raise VoiceFileMissing(folder, f"{config.name} beside it, its configuration", listing(folder))
        return {models[0].name: models[0], config.name: config}
    found = [file for pattern in KOKORO_FILES for file in sorted(folder.glob(pattern)) if file.is_file()]
    if not any(file.suffix == ".onnx" for file in found):
        raise VoiceFileMissing(folder, "model (*.onnx)", listing(folder))
    return {f"voices/{file.name}" if file.parent.name == "voices" else file.name: file for file in found}


def lay_out(source: Path, folder: Path, name: str, place: Place) -> InstalledVoice:
    """Put the files of the voice at `source` into a new folder, a Piper voice's under its name.

    Raises:
        VoiceFileMissing: it is no voice.
        OSError: they can't be put there.
    """
    files = files_of(source)
    if any(new.endswith(".onnx.json") for new in files):
        files = {f"{name}{'.onnx.json' if new.endswith('.json') else '.onnx'}": file for new, file in files.items()}
    for new, file in files.items():
        target = folder / new
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place(file.resolve(), target)  # model hubs keep links to their blobs
    return InstalledVoice(name, engine_of(folder), folder)


def name_of(source: Path) -> str:
    """What a voice is called unless told otherwise: as the Piper model, or "kokoro"."""
    config = next((new for new in files_of(source) if new.endswith(".onnx.json")), None)
    return config.removesuffix(".onnx.json") if config else "kokoro"


def add_voice(source: Path, root: Path, name: str | None, *, link: bool, verify: Verify) -> InstalledVoice:
    """Bring a voice into `root`. It is there under its name only once `verify` is content.

    Args:
        source: a folder of files, or a Piper model.
        root: the folder of voices.
        name: of the voice; None: see `name_of`.
        link: by hard links, which take no room, where both are on one file system.
        verify: see `Verify`.

    Raises:
        InvalidOption: a voice of that name is there already.
        VoiceUnusable: it is no voice, or can't be spoken with.
        DataFolderUnusable: the files can't be brought there.
    """
    name = check_name(name or name_of(source))
    target = root / name
    if target.exists():
        why = f"there is a voice {name!r} already; choose another --name, or remove {target}"
        raise InvalidOption("PATH", str(source), why)
    waiting = root / f".{name}.{os.getpid()}"  # no voice's name begins with a dot
    try:
        voice = lay_out(source, waiting, name, os.link if link else shutil.copyfile)
        verify(voice)
        waiting.rename(target)
    except OSError as why:
        raise DataFolderUnusable(root, why.strerror or str(why)) from why
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    return InstalledVoice(name, voice.engine, target)
