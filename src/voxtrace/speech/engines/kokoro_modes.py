"""Which of Kokoro's model files its modes use, and keeping all of these loaded.

All of them are loaded and warm before the process says that it is ready. A mode is most needed when everybody waits
already: nobody must then wait for a model to be read from the disk too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxtrace.clock import mono_ns
from voxtrace.speech.engines.kokoro_files import BEST_FIRST, FASTEST_FIRST
from voxtrace.speech.engines.kokoro_model import KokoroModel, Warmth
from voxtrace.speech.errors import EngineFailed, VoiceUnusable
from voxtrace.speech.ports import Mode
from voxtrace.speech.quality import modes_of
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

BYTES_PER_MIB = 1024 * 1024
# Which precision is the faster one depends on the processor. What was measured goes before the order of their names
# when it is clear: by a quarter, and by more than chance makes of it.
CLEARLY = 1.25
CHANCE_NS = 5 * NANOS_PER_MILLI

# A process must be ready in 45 s, or its model is not there at all: on a slow machine better one form of it than none.
LOAD_LIMIT_NS = 15 * NANOS_PER_SECOND

LoadOne = Callable[[Path], tuple[KokoroModel, Warmth]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The models of one process."""

    models: dict[str, KokoroModel]  # by precision; the first one speaks unless a mode says otherwise
    warmth: dict[str, Warmth]
    modes: tuple[Mode, ...]
    left_out: tuple[str, ...]  # precisions that some mode would use, with the reason


def load_all(found: Mapping[str, Path], first: str, choices: Sequence[str], room_mib: int, load: LoadOne) -> Loaded:
    """Load the model that speaks normally, then those that modes want, as far as there is room.

    Args:
        found: the model files by precision.
        first: the precision that must be there.
        choices: others that modes may use, in the order in which they get their room.
        room_mib: of model files that may be loaded; the first one is loaded in any case.
        load: opens and warms one.

    Raises:
        VoiceUnusable: the first one can't be loaded.
        MemoryError: there is too little memory even for the first one.
    """
    began = mono_ns()
    model, warm = load(found[first])
    models, warmth, left_out = {first: model}, {first: warm}, []
    room = room_mib * BYTES_PER_MIB - found[first].stat().st_size
    for precision in choices:
        size = found[precision].stat().st_size
        if mono_ns() - began > LOAD_LIMIT_NS:
            left_out.append(f"{precision}: to load the others took longer than {LOAD_LIMIT_NS // NANOS_PER_SECOND} s")
            continue
        if size > room:
            left_out.append(f"{precision}: with it, more than mode_files_mib = {room_mib} MiB would be loaded")
            continue
        try:
            models[precision], warmth[precision] = load(found[precision])
            room -= size
        except (VoiceUnusable, EngineFailed) as why:
            left_out.append(f"{precision}: {why}")
        except MemoryError:
            left_out.append(f"{precision}: there is too little memory for it")
    return Loaded(models, warmth, modes_by_speed(models, warmth, first), tuple(left_out))


def choices_of(found: Mapping[str, Path], first: str, provider: str) -> tuple[str, ...]:
    """The precisions beside `first` that modes would use: the fastest, and one between the two where there is one."""
    fastest_first = _fastest_first(provider)
    faster = [each for each in fastest_first[: fastest_first.index(first)] if each in found]
    if not faster:
        return ()
    fastest, between = faster[0], faster[1:]
    sounds_better = BEST_FIRST.index(fastest)
    middle = [each for each in BEST_FIRST[:sounds_better] if each in between]
    return (fastest, *middle[:1])


def _fastest_first(provider: str) -> tuple[str, ...]:
    if provider == "cpu":
        return FASTEST_FIRST
    # Accelerators compute halves natively, and mostly hand integers back to the processor.
    return ("fp16", "fp32", *(each for each in FASTEST_FIRST if each not in ("fp16", "fp32")))


def modes_by_speed(models: Iterable[str], warmth: Mapping[str, Warmth], first: str) -> tuple[Mode, ...]:
    """The modes, by what was measured of the models and by their names where that is not clear."""
    others = [precision for precision in models if precision != first]
    fastest = _measured(others[0] if others else first, warmth)
    middle = next((each for each in others if each != fastest), first)
    # A middle that is slower than the best one would be worse in both.
    if middle != first and _is_clearly_faster(warmth[first], warmth[middle]):
        middle = first
    return modes_of(fastest, middle, first)


def _measured(by_name: str, warmth: Mapping[str, Warmth]) -> str:
    fastest = by_name
    for precision, warm in warmth.items():
        if _is_clearly_faster(warm, warmth[fastest]):
            fastest = precision
    return fastest


def _is_clearly_faster(one: Warmth, other: Warmth) -> bool:
    if one.sentence_ns is None or other.sentence_ns is None:
        return False
    gained = other.sentence_ns - one.sentence_ns
    return gained > CHANCE_NS and one.sentence_ns * CLEARLY < other.sentence_ns
