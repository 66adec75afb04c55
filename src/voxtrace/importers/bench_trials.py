"""The trials that a Kokoro benchmark result holds, and those that it only says it wanted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from voxtrace.importers.ports import Note

MAX_TRIALS = 100_000  # a file that asks for more is a mistake; a request is made for each
MAX_MS = 7 * 86_400_000.0  # a week


class Trial(Struct, frozen=True):
    """One request of a run; what is None was not measured."""

    name: str  # "trial00", "soak017"
    first_byte_ms: float | None = None
    total_ms: float | None = None
    audio_s: float | None = None
    error: str | None = None
    reported: Mapping[str, object] = field(default_factory=dict)  # what the tool computed, kept under its own names

    @property
    def is_soak(self) -> bool:
        return self.name.startswith("soak")

    @property
    def is_measured(self) -> bool:
        return self.first_byte_ms is not None or self.total_ms is not None


def number(value: object) -> float | None:
    """A finite number, or None for anything else; `True` is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        finite = float(value)
    except OverflowError:
        return None
    return finite if math.isfinite(finite) else None


def text(value: object) -> str | None:
    """A text, or None for anything else and for an empty one."""
    return value[:4096] if isinstance(value, str) and value else None


def trials_of(measured: Mapping[str, object], config: Mapping[str, object]) -> Iterator[Trial]:
    """The trials, in order. Those that were asked for and left nothing behind come last, unmeasured."""
    artifacts = _objects(measured.get("trial_artifacts"))
    if not artifacts:
        yield from listed_trials(measured.get("ttfa_ms"), config.get("trials"))
        return
    ratios = _ratios(measured.get("rtf"), artifacts)
    for index, artifact in enumerate(artifacts):
        yield _trial(f"trial{index:02d}", artifact, ratios[index])
    for index in range(len(artifacts), _wanted(config.get("trials"))):
        yield Trial(f"trial{index:02d}", reported={"measured": False})


def soak_of(measured: Mapping[str, object], config: Mapping[str, object]) -> Iterator[Trial]:
    """The iterations of the soak that followed the trials."""
    iterations = _objects(measured.get("soak_metrics"))
    for index, iteration in enumerate(iterations):
        yield _trial(f"soak{index:04d}", iteration, None)
    for index in range(len(iterations), _wanted(config.get("soak_iterations"))):
        yield Trial(f"soak{index:04d}", reported={"measured": False})


def listed_trials(times_ms: object, wanted: object) -> Iterator[Trial]:
    """Trials of which a file lists nothing but the time to the first byte."""
    times = times_ms[:MAX_TRIALS] if isinstance(times_ms, list) else []
    for index, time_ms in enumerate(times):
        yield _trial(f"trial{index:02d}", {"ttfa_ms": time_ms}, None)
    for index in range(len(times), _wanted(wanted)):
        yield Trial(f"trial{index:02d}", reported={"measured": False})


def unmeasured(trials: Sequence[Trial]) -> Iterator[Note]:
    """Says how many trials have no number."""
    failed = sum(trial.error is not None for trial in trials)
    silent = sum(not trial.is_measured for trial in trials) - failed
    if failed:
        yield Note("failed_trials", "trial that failed", failed)
    if silent:
        yield Note("unmeasured_trials", "trial without a measurement; it is kept without one", silent)
    yield from inconclusive(any(trial.is_measured for trial in trials))


def inconclusive(is_measured: bool) -> Iterator[Note]:
    """Says so where a result measured nothing: it is no pass, whatever it claims."""
    if not is_measured:
        yield Note("inconclusive", "result without any measurement: inconclusive, whatever it says of passing")


def _trial(name: str, record: Mapping[str, object], ratio: float | None) -> Trial:
    cadence = record.get("cadence")
    gap = cadence.get("max_gap_ms") if isinstance(cadence, dict) else record.get("max_gap_ms")
    reported = {
        "reported_rtf": ratio if ratio is not None else number(record.get("rtf")),
        "reported_max_gap_ms": number(gap),
        "reported_audio_s": _seconds(record.get("audio_duration_s")),
    }
    claimed = record.get("ttfa_ms", record.get("total_ms"))
    if isinstance(claimed, float) and not math.isfinite(claimed):
        reported_nothing: dict[str, object] = {"reported_time": str(claimed), "measured": False}
        return Trial(name, reported={**_known(reported), **reported_nothing})
    failure = record.get("error")
    return Trial(
        name,
        first_byte_ms=_milliseconds(record.get("ttfa_ms")),
        total_ms=_milliseconds(record.get("total_ms")) or None,  # 0 is what a failure left behind
        audio_s=_seconds(record.get("audio_duration_s")),
        error=None if failure is None else str(failure)[:400] or "error",
        reported=_known(reported),
    )


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}


def _milliseconds(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 <= found <= MAX_MS else None


def _seconds(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 < found <= MAX_MS / 1000 else None


def _objects(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list):
        return []
    return [entry if isinstance(entry, dict) else {} for entry in value[:MAX_TRIALS]]


def _wanted(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) <= 9:
        value = int(value)
    return min(value, MAX_TRIALS) if isinstance(value, int) and not isinstance(value, bool) else 0


def _ratios(value: object, artifacts: Sequence[Mapping[str, object]]) -> list[float | None]:
    """The real-time factor of each trial. The tool appended one only for a trial whose audio it could measure."""
    found = value if isinstance(value, list) else []
    having = [index for index, artifact in enumerate(artifacts) if _seconds(artifact.get("audio_duration_s"))]
    ratios: list[float | None] = [None] * len(artifacts)
    if len(having) == len(found):  # otherwise nobody can say whose is whose
        for index, ratio in zip(having, found, strict=True):
            ratios[index] = number(ratio)
    return ratios
