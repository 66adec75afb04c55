"""Settings that know where each value came from: flag, environment, file or default, in that order."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from voxtrace.errors import DataFolderUnusable, InvalidOption

SERVE_PORT = 8880
WATCH_PORT = 8881
PLAY_PORT = 8081  # where older audio daemons listen, so that their clients find it
LOOPBACK = "127.0.0.1"
MAX_PORT = 65_535

SettingSource = Literal["flag", "environment", "file", "default"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set: in `voxtrace.toml` of the data folder by its name, in the environment in capitals."""

    name: str
    default: str | int | float | bool
    meaning: str
    choices: tuple[str, ...] = ()  # the words it may be; empty: any
    least: float | None = None
    most: float | None = None

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
    Setting("port", SERVE_PORT, "Port of the speech server.", least=1, most=MAX_PORT),
    Setting("wyoming_port", 0, "Port for Home Assistant's Wyoming protocol; 0: none.", least=0, most=MAX_PORT),
    Setting("watch_host", LOOPBACK, "Address that the collector and the dashboard listen on."),
    Setting("watch_port", WATCH_PORT, "Port of the collector and the dashboard.", least=1, most=MAX_PORT),
    Setting("play_host", LOOPBACK, "Address that the player listens on."),
    Setting("play_port", PLAY_PORT, "Port of the player.", least=1, most=MAX_PORT),
    Setting(
        "workers",
        2,
        "Engine processes of the speech server: sentences that can be synthesised at the same time.",
        least=1,
        most=64,
    ),
    Setting("max_waiting", 64, "Requests that may wait for an engine; further ones are answered with 429.", least=0),
    Setting(
        "models",
        "auto",
        "Voice models to load beside espeak-ng: names of folders below `voices` in the data folder, with commas "
        "between them; auto: all that are there; none.",
    ),
    Setting("model_workers", 1, "Engine processes of each voice model.", least=1, most=64),
    Setting(
        "max_model_workers",
        4,
        "Engine processes of all voice models together; models beyond that are not loaded.",
        least=1,
        most=64,
    ),
    Setting("provider", "cpu", "What voice models compute with.", choices=("cpu", "coreml", "cuda")),
    Setting("precision", "auto", "Which of a model's files is loaded, such as int8; auto: the one that sounds best."),
    Setting(
        "quality",
        "auto",
        "How voice models speak: fast, balanced or high; auto: as good as their measured times to first audio allow.",
        choices=("auto", "fast", "balanced", "high"),
    ),
    Setting(
        "hedge",
        False,
        "Whether espeak-ng speaks the first piece where a voice model is late with it; the answer says so.",
    ),
    Setting(
        "hedge_after_ms",
        0.0,
        "Milliseconds from the request after which a model's first piece is late; 0: when it is due, after 200.",
        least=0,
        most=600_000,
    ),
    Setting(
        "mode_files_mib",
        512,
        "Files of one voice model, in MiB, that each of its processes may have loaded at once, so that it can change "
        "the mode without loading anything; the file that sounds best is always loaded.",
        least=0,
    ),
    Setting("engine_memory_mib", 0, "Address space of one process of a voice model, in MiB; 0: any.", least=0),
    Setting(
        "normalise",
        True,
        "Whether numbers, addresses, signs and Markdown are read as words, unless a request says otherwise.",
    ),
    Setting("cache_mib", 100, "Speech that is kept for the next time, in MiB; 0 keeps none.", least=0),
    Setting("cache_hours", 24.0, "Hours after which kept speech is forgotten.", least=0.01),
    Setting("cache_disk", True, "Whether kept speech survives a restart, in the data folder."),
    Setting("cache_redis", "", "URL of a Redis or Valkey whose cache several servers share; empty: none."),
    Setting("cache_min_uses", 3, "Uses from which on a piece of speech is made again ahead of its next use.", least=2),
    Setting(
        "cache_batch", 10, "Pieces of speech made ahead in one turn, while the engines have nothing to do.", least=1
    ),
    Setting(
        "max_ttfa_ms",
        5000.0,
        "Predicted time to first audio, in milliseconds, above which a request is answered with 429 at once.",
        least=1,
    ),
    Setting(
        "max_load",
        0.9,
        "Share of the engines' time that running streams may take, each read as fast as it is heard; a request that "
        "would take more is answered with 429.",
        least=0.01,
        most=1,
    ),
    Setting(
        "scheduler",
        "edf",
        "Which piece of text an engine speaks next: edf, the one whose listener runs dry first; fifo, that of the "
        "oldest request, to compare with.",
        choices=("edf", "fifo"),
    ),
    Setting(
        "api_keys_file",
        "",
        "File with the keys that the speech server asks for, one on a line; empty: whoever reaches it may use it.",
    ),
    Setting("requests_per_minute", 0, "Requests for speech that one key may make in a minute; 0: any number.", least=0),
    Setting(
        "allowed_origins",
        "",
        "Origins, separated by commas, whose pages may use the speech server from a browser, as "
        "http://127.0.0.1:8881; empty: only its own.",
    ),
    Setting(
        "drain_s",
        5,
        "Seconds that running answers get to come to their end when the speech server is told to stop.",
        least=0,
        most=3600,
    ),
    Setting("level", "full", "What the tracker records.", choices=("off", "sampled", "full")),
    Setting("sample_rate", 0.1, "Share of requests that the level `sampled` records.", least=0, most=1),
    Setting("collector", "", "URL of a collector to post events to; empty: events go to the spool in the data folder."),
    Setting("keep_days", 30, "Days after which events are forgotten.", least=1),
    Setting("keep_mib", 2048, "Size that the store is held under, in MiB; the oldest events go first.", least=16),
    Setting(
        "durability",
        "normal",
        "normal: no stored event is lost in a crash; full: nor in a power loss.",
        choices=("normal", "full"),
    ),
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
        InvalidOption: a value has the wrong type or is out of its range, or the file names a setting that
            does not exist.
    """
    variables = os.environ if environ is None else environ
    path = folder / "voxtrace.toml"
    written = _read_file(path)
    values: dict[str, Value] = {}
    for setting in SETTINGS:
        flag = flags.get(setting.name)
        if flag is not None:
            name = f"--{setting.name.replace('_', '-')}"
            values[setting.name] = Value(setting, _parse(setting, flag, name), "flag", name)
        elif setting.variable in variables:
            parsed = _parse(setting, variables[setting.variable], setting.variable)
            values[setting.name] = Value(setting, parsed, "environment", setting.variable)
        elif setting.name in written:
            values[setting.name] = Value(setting, _parse(setting, written[setting.name], str(path)), "file", str(path))
        else:
            values[setting.name] = Value(setting, setting.default, "default", "")
    return values


def _read_file(path: Path) -> dict[str, object]:
    import tomllib  # a tracker reads no file, and every voice service would pay for loading this

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
    value = _typed(setting, given, where)
    if setting.choices and value not in setting.choices:
        raise InvalidOption(setting.name, given, f"{where} must be one of: {', '.join(setting.choices)}")
    if isinstance(value, int | float):
        # Written this way round so that nan, which compares with nothing, is refused too.
        if setting.least is not None and not value >= setting.least:
            raise InvalidOption(setting.name, given, f"{where} must be at least {setting.least:g}")
        if setting.most is not None and not value <= setting.most:
            raise InvalidOption(setting.name, given, f"{where} must be at most {setting.most:g}")
    return value


def _typed(setting: Setting, given: object, where: str) -> str | int | float | bool:
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


def is_private_address(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a host name: what it resolves to may change after we looked
        return False


def require_private_address(host: str, name: str, allow_anonymous: bool, instead: str = "") -> None:
    """Refuse to listen where other machines reach us, unless that was asked for in so many words.

    Where nobody asks a caller who he is, whoever reaches the port can use it and read what it knows.

    `instead` names what else would make it safe.

    Raises:
        InvalidOption: `host` is no loopback address and `allow_anonymous` is false.
    """
    if not allow_anonymous and not is_private_address(host):
        raise InvalidOption(
            name,
            host,
            "other machines could use it without any login; "
            f"listen on {LOOPBACK}, {instead}or say --allow-anonymous if the network itself is trusted",
        )
