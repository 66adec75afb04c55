"""Settings that know where each value came from: flag, environment, file or default, in that order."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from voxtrace.errors import DataFolderUnusable, InvalidOption

SERVE_PORT = 8880
WATCH_PORT = 8881
LOOPBACK = "127.0.0.1"

SettingSource = Literal["flag", "environment", "file", "default"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set: in `voxtrace.toml` of the data folder by its name, in the environment in capitals."""

    name: str
    default: str | int | float | bool
    meaning: str

    @property
    def variable(self) -> str:
        return f"VOXTRACE_{self.name.upper()}"


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it came from."""

    setting: Setting
    value: Any  # of the type of the setting's default
    source: SettingSource
    where: str  # the flag, variable or file that gave it


SETTINGS: tuple[Setting, ...] = (
    Setting("host", LOOPBACK, "Address that the speech server listens on."),
    Setting("port", SERVE_PORT, "Port of the speech server."),
    Setting("watch_host", LOOPBACK, "Address that the collector and the dashboard listen on."),
    Setting("watch_port", WATCH_PORT, "Port of the collector and the dashboard."),
    Setting("workers", 2, "Engine processes of the speech server: sentences that can be synthesised at the same time."),
    Setting("max_waiting", 64, "Requests that may wait for an engine; further ones are answered with 429."),
    Setting("level", "full", "What the tracker records: off, sampled or full."),
    Setting("sample_rate", 0.1, "Share of requests that the level `sampled` records."),
    Setting("collector", "", "URL of a collector to post events to; empty: events go to the spool in the data folder."),
    Setting("store_text", "hash", "What is kept of spoken text: hash (length and hash), full, or none."),
    Setting("keep_days", 30, "Days after which events are forgotten."),
    Setting("keep_mib", 2048, "Size that the store is held under, in MiB; the oldest events go first."),
    Setting("durability", "normal", "normal: no stored event is lost in a crash; full: nor in a power loss."),
)


def default_data_folder() -> Path:
    """Where Voxtrace keeps its data: VOXTRACE_DATA, else the platform's folder for a user's data."""
    named = os.environ.get("VOXTRACE_DATA")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "voxtrace"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "voxtrace"


def prepare_data_folder(folder: Path) -> Path:
    """Create the data folder, readable by its owner only, and prove that it can be written.

    Raises:
        DataFolderUnusable: it can't be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".write-test-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as why:
        raise DataFolderUnusable(folder, why.strerror or str(why)) from why
    return folder


def load_settings(
    folder: Path, flags: Mapping[str, object], environ: Mapping[str, str] | None = None
) -> dict[str, Value]:
    """Every setting with its value and source. `flags` holds what the command line gave; None means not given.

    Raises:
        InvalidOption: a value has the wrong type, or the file names a setting that does not exist.
    """
    variables = os.environ if environ is None else environ
    path = folder / "voxtrace.toml"
    written = _read_file(path)
    values: dict[str, Value] = {}
    for setting in SETTINGS:
        flag = flags.get(setting.name)
        if flag is not None:
            values[setting.name] = Value(setting, flag, "flag", f"--{setting.name.replace('_', '-')}")
        elif setting.variable in variables:
            parsed = _parse(setting, variables[setting.variable], setting.variable)
            values[setting.name] = Value(setting, parsed, "environment", setting.variable)
        elif setting.name in written:
            values[setting.name] = Value(setting, _parse(setting, written[setting.name], str(path)), "file", str(path))
        else:
            values[setting.name] = Value(setting, setting.default, "default", "")
    return values


def _read_file(path: Path) -> dict[str, object]:
    try:
        written: dict[str, object] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as why:
        raise InvalidOption(str(path), "…", f"the settings file can't be read: {why}") from why
    known = {setting.name for setting in SETTINGS}
    for name in written:
        if name not in known:
            raise InvalidOption(
                name,
                written[name],
                f"{path} names a setting that does not exist; there are: {', '.join(sorted(known))}",
            )
    return written


def _parse(setting: Setting, given: object, where: str) -> str | int | float | bool:
    kind = type(setting.default)
    if isinstance(given, kind) and not (kind is not bool and isinstance(given, bool)):
        return given
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[str(given).lower()]
        if isinstance(given, str) or (kind is float and isinstance(given, int)):
            return kind(given)
    except (ValueError, KeyError):
        pass
    raise InvalidOption(setting.name, given, f"{where} must give a value of type {kind.__name__}")
