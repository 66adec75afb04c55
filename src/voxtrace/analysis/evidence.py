"""What a turn says about one stage, and the turn that would be without it.

Lengths are in milliseconds. None: the turn says nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from voxtrace.analysis.beside import Certainty, Overlap, side_by_side
from voxtrace.analysis.cases import Case
from voxtrace.analysis.chunks import SYNTHESIS
from voxtrace.analysis.graph import Step
from voxtrace.analysis.supposition import Supposition, Warp, at_most, gone, own_at_most, own_time
from voxtrace.units import NANOS_PER_MILLI

MS = NANOS_PER_MILLI
# What an engine does for a piece; a piece out of the cache needs none of it.
_ENGINE_STEPS = ("queue", "phonemes", "inference", "inference of the piece")


def longest_step(case: Case, name: str) -> float | None:
    """The longest step of a name, without the other work that it contains."""
    places = innermost(case, name)
    return max(own_time(case.turn.steps, place) for place in places) / MS if places else None


def innermost(case: Case, name: str) -> list[int]:
    """The steps of a name, but of one that contains another only that: it ends with the first sound."""
    places = case.places.get(name, ())
    if len(places) < 2:
        return list(places)
    outer = {case.turn.steps[place].parent for place in places}
    return [place for place in places if place not in outer]


def capped(case: Case, name: str, limit_ms: float) -> Supposition:
    """No step of that name takes longer, what it contains left out."""
    steps = case.turn.steps
    long = [place for place in innermost(case, name) if own_time(steps, place) > limit_ms * MS]
    return Supposition({place: own_at_most(steps, place, limit_ms * MS) for place in long})


def without(case: Case, *names: str) -> Supposition:
    """No step of these names."""
    return Supposition({place: gone for name in names for place in case.places.get(name, ())})


def slowest_pace(case: Case) -> float | None:
    """Characters a second of the slowest piece of speech."""
    return min((pace for _, _, pace in _paces(case)), default=None)


def at_pace(case: Case, per_second: float) -> Supposition:
    """Every piece is spoken at least that fast."""
    steps = case.turn.steps
    return Supposition(
        {
            place: own_at_most(steps, place, chars / per_second * 1000 * MS)
            for place, chars, pace in _paces(case)
            if pace < per_second
        }
    )


def _paces(case: Case) -> list[tuple[int, int, float]]:
    steps = case.turn.steps
    timed = [(place, chars, own_time(steps, place)) for place, chars in case.turn.characters]
    return [(place, chars, chars / (took / MS / 1000)) for place, chars, took in timed if took > 0]


def repeated_ms(case: Case, name: str, certainties: Sequence[Certainty]) -> float | None:
    """Work of that name that had been done before; None where the log would not show it."""
    if name not in case.places:
        return None
    steps, repeated = case.turn.steps, _repeated(case, name, certainties)
    if not repeated and name == SYNTHESIS and not case.turn.is_named:
        return None
    return sum(steps[place].end - steps[place].begin for place in repeated) / MS


def without_repeats(case: Case, name: str, certainties: Sequence[Certainty]) -> Supposition:
    """That work is not done again."""
    return Supposition(dict.fromkeys(_repeated(case, name, certainties), gone))


def _repeated(case: Case, name: str, certainties: Sequence[Certainty]) -> list[int]:
    steps = case.turn.steps
    return [place for place, sure in case.turn.repeated if sure in certainties and steps[place].name == name]


def serial_ms(case: Case, overlap: Overlap) -> float | None:
    """How long the shorter of two steps is of which the second waits for the first; 0 where it does not wait."""
    firsts, seconds = case.places.get(overlap.first), case.places.get(overlap.second)
    if not firsts or not seconds or (overlap.needs and overlap.needs not in case.places):
        return None
    supposed = side_by_side(case.turn.steps, overlap)
    if supposed is None:
        return 0.0
    steps = case.turn.steps
    first = max(steps[place].end - steps[place].begin for place in set(supposed.beside.values()))
    return min(first, max(steps[place].end - steps[place].begin for place in seconds)) / MS


def queue_share(case: Case) -> float | None:
    """Wait for an engine / the engine's work, both of the first piece."""
    queue, service = case.metrics.get("queue_ms"), case.metrics.get("inference_ms")
    return queue / service if queue is not None and service else None


def needed_at_most(case: Case, name: str, metric: str, limit_ms: float) -> tuple[float | None, Supposition]:
    """How much longer a step is than the turn needs it to be, and the turn with no more than it needs."""
    took, needed = longest_step(case, name), case.metrics.get(metric)
    if took is None or needed is None:
        return None, Supposition()
    return max(took - needed, 0.0), capped(case, name, max(needed, 0.0)) if took - needed > limit_ms else Supposition()


def without_silence(case: Case, silence_ms: float) -> Supposition:
    """The sound begins without the silence in front of it, but not before there is any sound."""
    heard, first = case.turn.heard, case.metrics.get("first_audio_ms")
    if heard is None or first is None:
        return Supposition()
    after_arrival = heard - case.turn.wait_begin - first * MS
    return Supposition(sooner=max(min(silence_ms * MS, after_arrival), 0.0))


def out_of_the_cache(case: Case) -> Supposition:
    """No engine is needed."""
    return without(case, *_ENGINE_STEPS)


def warm_ms(cases: Sequence[Case], name: str) -> dict[str, float]:
    """Of each engine: the middle of a step's length in warm requests that were not cached."""
    found: dict[str, list[float]] = {}
    for case in cases:
        if case.start == "warm" and case.cache != "hit" and (took := longest_step(case, name)) is not None:
            found.setdefault(case.engine, []).append(took)
    return {engine: median(lengths) for engine, lengths in found.items()}


def shorter_by(case: Case, name: str, nanos: float) -> Supposition:
    """The steps of that name together take so much less; each gives its share, and none more than it has."""
    places = case.places.get(name, ())
    whole = sum(case.turn.steps[place].end - case.turn.steps[place].begin for place in places)
    factor = max(1 - nanos / whole, 0.0) if whole else 1.0
    return Supposition({place: _times(case.turn.steps[place], factor) for place in places})


def _times(step: Step, factor: float) -> Warp:
    return at_most(step, (step.end - step.begin) * factor)


def first_and_later(cases: Sequence[Case], metric: str) -> list[tuple[float, float]]:
    """Of each session with several turns: the metric of its first turn, and its middle in the later ones."""
    sessions: dict[str, list[Case]] = {}
    for case in cases:
        if case.session and case.metrics.get(metric):
            sessions.setdefault(case.session, []).append(case)
    pairs = []
    for members in sessions.values():
        first, *later = sorted(members, key=lambda case: case.started)
        if later:
            pairs.append((first.metrics[metric], median(case.metrics[metric] for case in later)))
    return pairs
