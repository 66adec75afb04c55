"""The voices that a user has put into the data folder: `voices/NAME`, one folder for each model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from voxtrace.speech.errors import VoiceFileBroken, VoiceUnusable

FOLDER = "voices"  # in the data folder
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Names that mean something else where a request says `model`.
RESERVED = frozenset({"espeak", "espeak-ng", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"})


class BadVoiceName(VoiceUnusable):
    """A voice can't be given this name."""

    def __init__(self, name: str) -> None:
        taken = f"; {', '.join(sorted(RESERVED))} are taken" if name in RESERVED else ""
        super().__init__(f"{name[:80]!r} can't be a voice's name: 1 to 64 letters, digits, '-' or '_'{taken}")
        self.name = name


class VoiceNotInstalled(VoiceUnusable):
    """There is no voice of that name in the data folder."""

    def __init__(self, name: str, installed: list[str]) -> None:
        has = ", ".join(installed) if installed else "none yet (voxtrace voices add PATH)"
        super().__init__(f"no voice {name[:80]!r} is installed; there are: {has}")
        self.name, self.installed = name, tuple(installed)


@dataclass(frozen=True, slots=True)
class InstalledVoice:
    """One folder of a model's files."""

    name: str
    engine: str  # that speaks with it: "kokoro" or "piper"
    folder: Path

    def options(
        self, provider: str, precision: str, threads: int, mode_files_mib: int | None = None
    ) -> dict[str, object]:
        """What the engine is started with."""
        options: dict[str, object] = {"folder": str(self.folder), "provider": provider, "threads": threads}
        if self.engine == "kokoro":
            options["precision"] = precision
            options |= {} if mode_files_mib is None else {"mode_files_mib": mode_files_mib}
        return options


def engine_of(folder: Path) -> str:
    """Which engine a folder's files are for: a Piper model has its configuration beside it."""
    return "piper" if any(folder.glob("*.onnx.json")) else "kokoro"


def check_name(name: str) -> str:
    """The name, if a voice can have it.

    Raises:
        BadVoiceName: it can't.
    """
    if not NAME.fullmatch(name) or name in RESERVED:
        raise BadVoiceName(name)
    return name


def installed_voices(root: Path) -> list[InstalledVoice]:
    """The voices below `root`, by name. What is no voice's name, or a link to elsewhere, is passed over."""
    if not root.is_dir():
        return []
    folders = (each for each in sorted(root.iterdir()) if each.is_dir() and not each.is_symlink())
    return [
        InstalledVoice(each.name, engine_of(each), each)
        for each in folders
        if NAME.fullmatch(each.name) and each.name not in RESERVED
    ]


def find_voice_folder(root: Path, name: str) -> InstalledVoice:
    """The voice of that name.

    Raises:
        VoiceNotInstalled: there is none.
    """
    voices = installed_voices(root)
    found = next((each for each in voices if each.name == name), None)
    if found is None:
        raise VoiceNotInstalled(name, [each.name for each in voices])
    return found


def require_no_links(voice: InstalledVoice) -> None:
    """Check that every file of the voice lies in its own folder.

    Raises:
        VoiceFileBroken: one is a symbolic link.
    """
    for file in sorted(voice.folder.rglob("*")):
        if file.is_symlink():
            raise VoiceFileBroken(file, "it is a symbolic link; files of voices lie in the data folder itself")
