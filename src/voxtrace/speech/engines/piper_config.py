"""What stands in a Piper voice's `NAME.onnx.json`."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from voxtrace.speech.engines.alignment import NOBODY
from voxtrace.speech.engines.espeak_phonemes import Clause, holds_sound
from voxtrace.speech.errors import PhonemesUnusable, VoiceFileBroken, VoiceFileMissing

MAX_CONFIG_BYTES = 8 * 1024 * 1024
# Defaults of inference (OHF-Voice/piper1-gpl, config.py).
NOISE_SCALE, LENGTH_SCALE, NOISE_W = 0.667, 1.0, 0.8
BEGIN, PAD, END = "^", "_", "$"
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000


@dataclass(frozen=True, slots=True)
class PiperConfig:
    """The parts of it that speaking needs."""

    sample_rate_hz: int
    language: str  # espeak-ng's name of it
    phoneme_ids: Mapping[str, tuple[int, ...]]
    noise_scale: float
    length_scale: float  # greater is slower
    noise_w: float  # of the lengths of phonemes
    speakers: Mapping[str, int]  # empty: there is one, without a name
    speaker_count: int


def config_file(model: Path) -> Path:
    """Where the configuration of a model is, by Piper's own rule."""
    return model.with_name(model.name + ".json")


def load_config(model: Path) -> PiperConfig:
    """Read the configuration that belongs to a model.

    Raises:
        VoiceFileMissing: there is none.
        VoiceFileBroken: it is no JSON, or something that it must say is missing.
        PhonemesUnusable: its phonemes are none of espeak-ng, or its map can't be used.
    """
    file = config_file(model)
    if not file.is_file():
        raise VoiceFileMissing(model.parent, f"{file.name}, the model's configuration", [model.name])
    record = _read(file)
    try:
        kind = record.get("phoneme_type", "espeak")
        if kind != "espeak":
            raise PhonemesUnusable(file, f"it wants phonemes of the type {kind!r}; only espeak's can be made here")
        inference = record.get("inference", {})
        config = PiperConfig(
            sample_rate_hz=int(record["audio"]["sample_rate"]),
            language=str(record["espeak"]["voice"]),
            phoneme_ids=_phoneme_ids(file, record["phoneme_id_map"], int(record.get("num_symbols", 0))),
            noise_scale=float(inference.get("noise_scale", NOISE_SCALE)),
            length_scale=float(inference.get("length_scale", LENGTH_SCALE)),
            noise_w=float(inference.get("noise_w", NOISE_W)),
            speakers={str(name): int(number) for name, number in (record.get("speaker_id_map") or {}).items()},
            speaker_count=int(record.get("num_speakers", 1)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as why:
        raise VoiceFileBroken(file, f"it is no configuration of a Piper voice ({type(why).__name__}: {why})") from why
    if not LOWEST_RATE_HZ <= config.sample_rate_hz <= HIGHEST_RATE_HZ or config.length_scale <= 0:
        raise VoiceFileBroken(file, f"a sample rate of {config.sample_rate_hz} Hz, or its length_scale, makes no sense")
    return config


class Numbers(NamedTuple):
    """What a model is given."""

    ids: list[int]
    owners: list[int]  # the group of phonemes that each belongs to


def ids_of(clauses: Iterable[Clause], config: PiperConfig) -> Numbers:
    """The numbers of the phonemes, with a pad between any two (OHF-Voice/piper1-gpl, phoneme_ids.py).

    Phonemes are single code points, accents apart from their letters; what the map does not have is left out. Where
    no sound is left there are no numbers.
    """
    known, said, group = config.phoneme_ids, "", 0
    ids = [*known[BEGIN], *known[PAD]]
    owners = [NOBODY] * len(ids)
    for clause in clauses:
        for phoneme in unicodedata.normalize("NFD", f"{clause.phonemes}{clause.mark} "):
            if phoneme in known:
                said += phoneme
                ids += [*known[phoneme], *known[PAD]]
                owner = NOBODY if phoneme == " " or phoneme == clause.mark else group
                owners += [owner] * (len(ids) - len(owners))
            group += phoneme == " "
    if not holds_sound(said):
        return Numbers([], [])
    return Numbers([*ids, *known[END]], [*owners, *[NOBODY] * len(known[END])])


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise VoiceFileBroken(file, "it is larger than any configuration")
        record = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as why:
        raise VoiceFileBroken(file, f"it is no JSON ({why})") from why
    if not isinstance(record, dict):
        raise VoiceFileBroken(file, "it is no configuration of a Piper voice")
    return record


def _phoneme_ids(file: Path, given: object, symbols: int) -> dict[str, tuple[int, ...]]:
    if not isinstance(given, dict):
        raise PhonemesUnusable(file, "phoneme_id_map is no map")
    ids: dict[str, tuple[int, ...]] = {}
    for phoneme, numbers in given.items():
        if not isinstance(numbers, list) or not all(isinstance(each, int) and each >= 0 for each in numbers):
            raise PhonemesUnusable(file, f"phoneme_id_map has {numbers!r} for {phoneme!r} and not a list of numbers")
        if symbols and any(each >= symbols for each in numbers):
            raise PhonemesUnusable(file, f"{phoneme!r} has the number {max(numbers)}; the model knows {symbols}")
        ids[phoneme] = tuple(numbers)
    for phoneme in (BEGIN, PAD, END, "a", "n"):
        if not ids.get(phoneme):
            raise PhonemesUnusable(file, f"phoneme_id_map has no {phoneme!r}")
    return ids
