"""What would make one turn shorter: what its own events show, and what keeping each broken target would gain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxtrace.analysis import Turn
from voxtrace.analysis.critical_path import CriticalPath
from voxtrace.analysis.graph import NO_PARENT, Step, Unplayable, replay, steps_of
from voxtrace.analysis.remarks import Certainty
from voxtrace.judge.budget_verdicts import Judged
from voxtrace.units import NANOS_PER_MILLI, Nanos

# Which step a number of a budget is the length of.
_STEP_OF = {"stt_ms": "speech to text", "llm_total_ms": "language model", "chunk_synthesis_ms": "synthesis"}
WORTH_NS = 10 * NANOS_PER_MILLI


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do, with what a replay of this turn gains by it."""

    rule: str
    message: str
    certainty: Certainty
    gain: Nanos | None  # how much sooner the first sound; None: this turn can't tell


def advice_on(turn: Turn, path: CriticalPath, judged: Sequence[Judged]) -> tuple[Advice, ...]:
    """The largest gain first; what can't be told stands last."""
    found = [Advice(each.rule, each.message, each.certainty, each.gain) for each in path.remarks]
    found += _within_targets(turn, path, judged)
    return tuple(sorted(found, key=lambda advice: (advice.gain is None, -(advice.gain or 0))))


def _within_targets(turn: Turn, path: CriticalPath, judged: Sequence[Judged]) -> Iterator[Advice]:
    steps = steps_of(turn)
    for each in judged:
        name = _STEP_OF.get(each.metric)
        if name is None or each.state not in ("fail", "warning"):
            continue
        most = round(each.line.budget.target * NANOS_PER_MILLI)
        gain = _gain(steps, name, most, path.end)
        if gain is not None and gain >= WORTH_NS:
            message = f"bring {name} within its target of {each.line.budget.target:,.0f} ms"
            yield Advice("within_target", message, "certain", Nanos(gain))


def _gain(steps: Sequence[Step], name: str, most: int, end: Nanos) -> int | None:
    """How much sooner the first sound of this turn would be if no step of that name took longer than `most`.

    What such a step contains is a part of its length, and is not replayed by itself.
    """
    if all(step.end - step.begin <= most for step in steps if step.name == name):
        return None
    try:
        moved = replay(_without_parts(steps, name), {name: lambda took: min(took, most)}, [end]).moments[0]
    except Unplayable:
        return None
    return round(end - moved)


def _without_parts(steps: Sequence[Step], name: str) -> list[Step]:
    """The steps without those within one of that name; what contains others stands in front of them."""
    kept: list[Step] = []
    places: dict[int, int] = {NO_PARENT: NO_PARENT}
    for index, step in enumerate(steps):
        if step.parent in places and (step.parent == NO_PARENT or steps[step.parent].name != name):
            places[index] = len(kept)
            kept.append(step._replace(parent=places[step.parent]))
    return kept
