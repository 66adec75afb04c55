"""Parts of a step that no event marks but whose lengths its last event tells.

Some logs write one line when a piece of speech is done, with how long each of the calls behind it took. Where those
lengths add up to the step, their order places them; where they do not, they ran side by side or the line tells of
something else, and nothing is placed.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from voxtrace.analysis.model import Span
from voxtrace.analysis.timeline import finite
from voxtrace.units import NANOS_PER_MILLI, Nanos, nanos_from_millis

# Of the step, or in milliseconds: told lengths are rounded to hundredths of a second.
TOLERANCE = 0.02
TOLERANCE_MS = 20.0


class Told(Struct, frozen=True):
    """Two calls, one after the other, whose lengths stand in the metadata of the step's end."""

    end: str  # the stage that ends the step
    first: str  # key of the first call's length, without its unit
    second: str
    name: str  # of the second call
    stage: str  # that would end the second call; where a log has it, nothing needs to be told


TOLD: tuple[Told, ...] = (
    Told("tts.synthesis_complete", "api_request", "metadata", "metadata call", "tts.metadata_complete"),
)

TOLD_ENDS = frozenset(told.end for told in TOLD)
"""The stages that may tell of something within the step that they end."""


def length_ms(metadata: Mapping[str, object], name: str) -> float | None:
    """A length told as `name_ms` or `name_s`."""
    in_ms = finite(metadata.get(name + "_ms"))
    if in_ms is not None:
        return in_ms
    in_s = finite(metadata.get(name + "_s"))
    return None if in_s is None else in_s * 1000


def told_within(step: Span, stages: frozenset[str]) -> list[Span]:
    """The second calls of `step`, from its end backwards; `stages` are those that the turn's events have."""
    if step.end is None:
        return []
    found = []
    for told in TOLD:
        if told.end != step.stage or told.stage in stages:
            continue
        first, second = length_ms(step.detail, told.first), length_ms(step.detail, told.second)
        if first is None or second is None or min(first, second) < 0:
            continue
        took = (step.end - step.begin) / NANOS_PER_MILLI
        if abs(first + second - took) > max(took * TOLERANCE, TOLERANCE_MS):
            continue
        begin = Nanos(max(step.end - nanos_from_millis(second), step.begin))
        found.append(Span(told.name, step.service, begin, step.end, step.detail, told.stage, step.depth + 1))
    return found
