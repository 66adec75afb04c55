"""From settings and the data folder to the voice models that the server loads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from voxtrace.errors import InvalidOption
from voxtrace.speech.errors import VoiceUnusable
from voxtrace.speech.voice_folder import FOLDER, InstalledVoice, installed_voices, require_no_links

if TYPE_CHECKING:
    from voxtrace.speech.pool import PoolOptions

# A long piece through a large model on a slow processor takes seconds before its first block.
HANG_LIMIT_S = 60.0
# A model of 300 MB from a slow disk, and its warm-up; less than the minute after which `voxtrace up` gives up on
# the whole server, so that a model that hangs leaves the other engines speaking.
START_LIMIT_S = 45.0


class ModelPools(Struct, frozen=True):
    """What to load, and what not, and why."""

    load: dict[str, PoolOptions] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def model_pools(folder: Path, values: Mapping[str, Any]) -> ModelPools:
    """The models that the settings name, as far as there is room for their processes.

    Raises:
        InvalidOption: a model that is named is not there.
    """
    from voxtrace.speech.engine_process import EngineChoice
    from voxtrace.speech.pool import PoolOptions

    pools = ModelPools()
    wanted = _wanted(installed_voices(folder / FOLDER), values["models"])
    workers, room = values["model_workers"], values["max_model_workers"]
    for voice in wanted:
        try:
            require_no_links(voice)
        except VoiceUnusable as why:
            pools.left_out[voice.name] = str(why)
            continue
        if (len(pools.load) + 1) * workers > room:
            pools.left_out[voice.name] = f"its {workers} process(es) would be more than max_model_workers = {room}"
            continue
        pools.load[voice.name] = PoolOptions(workers=workers)
    # Threads of all processes together are as many as there are processors.
    threads = max(1, processors() // max(1, len(pools.load) * workers))
    for voice in wanted:
        if voice.name in pools.load:
            choice = EngineChoice(
                voice.engine,
                voice.options(values["provider"], values["precision"], threads, values["mode_files_mib"]),
                values["engine_memory_mib"] or None,
            )
            pools.load[voice.name] = PoolOptions(
                workers=workers,
                max_waiting=values["max_waiting"],
                engine=choice,
                hang_limit_s=HANG_LIMIT_S,
                start_limit_s=START_LIMIT_S,
            )
    return pools


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wanted(installed: list[InstalledVoice], named: str) -> list[InstalledVoice]:
    if named in ("auto", "none"):
        return installed if named == "auto" else []
    by_name = {voice.name: voice for voice in installed}
    names = [each.strip() for each in named.split(",") if each.strip()]
    for name in names:
        if name not in by_name:
            has = ", ".join(by_name) or "none"
            raise InvalidOption("models", named, f"no voice {name!r} is installed; there are: {has}")
    return [by_name[name] for name in names]
