"""Steps that wait for another one without needing it, and the turn in which they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.graph import Step
from voxtrace.analysis.supposition import Supposition

Certainty = Literal["certain", "likely", "possible"]


class Overlap(Struct, frozen=True):
    """Two steps in a row of which the second does not need the first."""

    first: str
    second: str
    why: str
    certainty: Certainty
    is_freed: bool = False  # nothing later needs what the first one makes, the sound neither
    needs: str = ""  # a part of the first one that the second does need


OVERLAPS: tuple[Overlap, ...] = (
    Overlap("classification", "retrieval", "a search needs the message, and seldom its class", "possible"),
    Overlap("classification", "embedding", "an embedding needs the message only", "likely"),
    Overlap("memory storage", "retrieval", "what is stored now is seldom what is searched for", "possible", True),
    Overlap("memory storage", "prompt", "storing can go on while the model works", "likely", True),
    Overlap("memory storage", "language model", "storing can go on while the model works", "likely", True),
    Overlap("pausing the microphone", "synthesis", "the microphone has to be off when the sound comes", "likely"),
    Overlap(
        "language model",
        "synthesis",
        "the first sentence was there, and can be spoken while the model goes on",
        "likely",
        is_freed=True,
        needs="first sentence",
    ),
)


def side_by_side(steps: Sequence[Step], overlap: Overlap) -> Supposition | None:
    """The turn in which the second step begins when the first one does; None where it did not wait for it."""
    firsts = [index for index, step in enumerate(steps) if step.name == overlap.first and step.end > step.begin]
    if overlap.needs:
        having = {step.parent for step in steps if step.name == overlap.needs}
        firsts = [index for index in firsts if index in having]
    waiting: dict[int, int] = {}
    for index, step in enumerate(steps):
        if step.name == overlap.second and firsts:
            first = _waited_for(steps, index, firsts, overlap)
            if first is not None:
                waiting |= dict.fromkeys(_with_kin(steps, index, steps[first].end), first)
    if not waiting:
        return None
    if not overlap.is_freed:
        return Supposition(beside=waiting)
    left = sorted(set(waiting.values()), key=lambda each: steps[each].end)
    later = {
        index: [first for first in left if steps[first].end <= step.begin][-1]
        for index, step in enumerate(steps)
        if index not in left and step.begin >= steps[left[0]].end
    }
    return Supposition(beside=later, is_freed=True)


def _with_kin(steps: Sequence[Step], index: int, ended: int) -> list[int]:
    """A step with its parts, and the steps that it is a part of and that began no sooner: they waited as well."""
    kin = [index]
    within = {index}
    for other in range(index + 1, len(steps)):  # parts stand behind what contains them
        if steps[other].parent in within:
            within.add(other)
            kin.append(other)
    outer = steps[index].parent
    while outer >= 0 and steps[outer].begin >= ended:
        kin.append(outer)
        outer = steps[outer].parent
    return kin


def _waited_for(steps: Sequence[Step], index: int, firsts: Sequence[int], overlap: Overlap) -> int | None:
    """Which of `firsts` a step waited for; None where something else ended behind it."""
    begin = steps[index].begin
    before = [first for first in firsts if steps[first].end <= begin]
    if not before:
        return None
    first = max(before, key=lambda each: steps[each].end)
    for other, step in enumerate(steps):
        is_between = steps[first].end < step.end <= begin and step.end > step.begin and other != index
        # Handing over what came of it is no work of its own.
        if is_between and not step.name.startswith("hand-over"):
            return None
    outer = steps[index].parent
    while outer >= 0 and steps[outer].begin >= steps[first].end:  # the step that it is a part of waited as well
        outer = steps[outer].parent
    return first if outer < 0 or steps[outer].begin <= steps[first].begin else None
