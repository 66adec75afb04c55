"""What if a step took another time: every turn is replayed with the change, and percentiles are taken over the turns.

Percentiles are never added: a step's p95 belongs to other turns than the whole's, and what is saved in one branch is
not saved where another branch ends later.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isnan

import numpy as np
from msgspec import Struct, field

from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.columns import Floats
from voxtrace.analysis.graph import Change, Step, Unplayable, replay
from voxtrace.analysis.intervals import RULES
from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.record import CHARACTERS, NAMED, REPEATED, STEP_NUMBERS, STEPS_HEAD
from voxtrace.analysis.samples import Samples
from voxtrace.errors import EXIT_USAGE, VoxtraceError
from voxtrace.units import NANOS_PER_MILLI

_AMOUNT = re.compile(r"(?P<number>[+-]?\d+(?:\.\d+)?)(?P<unit>ms|s|%|x)")
_CERTAINTIES = {code: certainty for certainty, code in REPEATED.items()}
_ENDINGS = ("_complete", "_end", "_start", "_received", "_sent")


class UnreadableChange(VoxtraceError):
    """A change that can't be read."""

    exit_code = EXIT_USAGE

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text!r} is no change: {why}. Say --set STEP=300ms (or 1.5s, -20%, 0.5x, +50ms, -50ms), or --drop STEP"
        )
        self.text, self.why = text, why


class UnknownStep(VoxtraceError):
    """No turn has a step of that name."""

    exit_code = EXIT_USAGE

    def __init__(self, name: str, known: Mapping[str, int]) -> None:
        ordered = sorted(known.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{each} ({count:,} turn{'' if count == 1 else 's'})" for each, count in ordered)
        super().__init__(f"no turn has a step {name!r}; there are: {listed or 'none'}")
        self.name, self.known = name, dict(known)


class Wish(Struct, frozen=True):
    """One change as it was asked for."""

    told: str
    step: str
    change: Change


def read_wishes(sets: Sequence[str], drops: Sequence[str]) -> list[Wish]:
    """What `--set` and `--drop` mean.

    Raises:
        UnreadableChange: one means nothing, a step is named twice, or there is none at all.
    """
    wishes = [_set(text) for text in sets]
    wishes += [Wish(f"without {name.strip()}", name.strip(), _constant(0.0)) for name in drops]
    if not wishes:
        raise UnreadableChange("", "nothing is changed")
    for name, count in Counter(wish.step for wish in wishes).items():
        if count > 1 or not name:
            raise UnreadableChange(name, "a step is changed once" if name else "it names no step")
    return wishes


def _set(text: str) -> Wish:
    step, found, told = (part.strip() for part in text.partition("="))
    match = _AMOUNT.fullmatch(told)
    if not found or match is None:
        raise UnreadableChange(text, f"{told!r} is no length" if found else "it has no =")
    number, unit = float(match["number"]), match["unit"]
    is_relative = told[0] in "+-"
    if unit == "%":
        factor = 1 + number / 100 if is_relative else number / 100
        return Wish(f"{step} {told}" if is_relative else f"{step} at {told}", step, _times(text, factor))
    if unit == "x":
        return Wish(f"{step} times {number:g}", step, _times(text, number))
    nanos = number * NANOS_PER_MILLI * (1000 if unit == "s" else 1)
    if is_relative:
        return Wish(f"{step} {told}", step, lambda took: max(took + nanos, 0.0))
    return Wish(f"{step} = {told}", step, _constant(nanos))


def _times(text: str, factor: float) -> Change:
    if factor < 0:
        raise UnreadableChange(text, "nothing takes less than no time")
    return lambda took: took * factor


def _constant(nanos: float) -> Change:
    return lambda took: nanos


def names_of(wish: str, known: Iterable[str]) -> list[str]:
    """The steps that a wish means: a step's own name, or the stage that ends it, with or without its ending."""
    wanted = _plain(wish)
    return [name for name in known if wanted in _aliases(name)]


def _aliases(name: str) -> frozenset[str]:
    stages = [rule.end for rule in RULES if rule.name == name]
    bare = [stage.removesuffix(ending) for stage in stages for ending in _ENDINGS if stage.endswith(ending)]
    return frozenset(map(_plain, (name, *stages, *bare)))


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", " ").replace("-", " ")


class Replayable(Struct, frozen=True):
    """One turn, as the store's records tell it."""

    steps: tuple[Step, ...]
    wait_begin: int
    heard: int | None  # None: nobody says when the first sound was heard
    total: int
    chunks: tuple[tuple[Sequence[int], int], ...] = ()  # in the order of playing: steps that make it, audio
    characters: tuple[tuple[int, int], ...] = ()  # steps that speak a piece whole, and of how many characters
    repeated: tuple[tuple[int, Certainty], ...] = ()  # steps whose work had been done before, and how sure that is
    is_named: bool = False  # the log tells of each piece of speech which text it was


class Outcome(Struct, frozen=True):
    """Before and after of one moment of one population."""

    name: str  # "first sound", "whole turn" or "gaps in the answer"
    before: Distribution
    after: Distribution
    gained: Distribution  # milliseconds that each turn gains; below zero it loses


class Effect(Struct, frozen=True):
    """What the changes do to one population."""

    population: str
    turns: int
    replayed: int
    touched: int  # of the replayed ones: have a step that is changed
    outcomes: tuple[Outcome, ...]
    unplayable: tuple[tuple[str, int], ...]  # why, turns


class _Group(Struct):
    turns: int = 0
    touched: int = 0
    before: dict[str, list[float]] = field(default_factory=dict)
    after: dict[str, list[float]] = field(default_factory=dict)
    unplayable: Counter[str] = field(default_factory=Counter)


FIRST_SOUND, WHOLE_TURN, GAPS = "first sound", "whole turn", "gaps in the answer"


class Supposing:
    """Replays turns one after the other."""

    def __init__(self, wishes: Sequence[Wish]) -> None:
        self.known: Counter[str] = Counter()  # turns that have a step of a name
        self._wishes = wishes
        self._changes: dict[str, Change] = {}
        self._looked_up: set[str] = set()
        self._groups: dict[str, _Group] = {}

    def add(self, population: str, turn: Replayable) -> None:
        """Replay one turn."""
        group = self._groups.get(population)
        if group is None:
            group = self._groups[population] = _Group()
        group.turns += 1
        names = {step.name for step in turn.steps}
        self.known.update(names)
        if not names <= self._looked_up:
            self._look_up(names)
        if not turn.steps:
            group.unplayable["no step of it has a beginning and an end"] += 1
            return
        moments = [turn.wait_begin, turn.total] if turn.heard is None else [turn.wait_begin, turn.total, turn.heard]
        if names.isdisjoint(self._changes):
            moved, ends = list(map(float, moments)), None
        else:
            try:
                _, ends, moved = replay(turn.steps, self._changes, moments)
            except Unplayable as refused:
                group.unplayable[refused.why] += 1
                return
            group.touched += 1
        _note(group, WHOLE_TURN, turn.total, moved[1])
        if turn.heard is not None:
            _note(group, FIRST_SOUND, turn.heard - turn.wait_begin, moved[2] - moved[0])
        if len(turn.chunks) > 1:
            before = _gaps(turn.chunks, [step.end for step in turn.steps], turn.heard)
            after = before if ends is None else _gaps(turn.chunks, ends, moved[2] if turn.heard is not None else None)
            _note(group, GAPS, before, after)

    def _look_up(self, names: set[str]) -> None:
        for name in names - self._looked_up:
            self._looked_up.add(name)
            for wish in self._wishes:
                if names_of(wish.step, [name]):
                    self._changes[name] = wish.change

    def effects(self) -> tuple[Effect, ...]:
        """What the changes do, the largest population first.

        Raises:
            UnknownStep: no turn has a step that was to be changed.
        """
        for wish in self._wishes:
            if not names_of(wish.step, self.known):
                raise UnknownStep(wish.step, self.known)
        ordered = sorted(self._groups.items(), key=lambda item: (-item[1].turns, item[0]))
        return tuple(_effect(population, group) for population, group in ordered)


def _gaps(chunks: Iterable[tuple[Sequence[int], int]], ends: Sequence[float], heard: float | None) -> float:
    """Silence that chunks put into the answer that are ready behind the playout of the one before."""
    silence, plays_until = 0.0, -1.0
    for steps, audio in chunks:
        ready = min(ends[step] for step in steps)
        if plays_until < 0:
            plays_until = max(ready, heard or 0.0)
        silence += max(ready - plays_until, 0.0)
        plays_until = max(ready, plays_until) + audio
    return silence


def _note(group: _Group, name: str, before: float, after: float) -> None:
    group.before.setdefault(name, []).append(before / NANOS_PER_MILLI)
    group.after.setdefault(name, []).append(after / NANOS_PER_MILLI)


def _effect(population: str, group: _Group) -> Effect:
    outcomes = []
    for name in (FIRST_SOUND, WHOLE_TURN, GAPS):
        if name not in group.before:
            continue
        before, after = np.array(group.before[name]), np.array(group.after[name])
        outcomes.append(Outcome(name, *(_told(each, group.turns) for each in (before, after, before - after))))
    replayed = group.turns - group.unplayable.total()
    unplayable = tuple(group.unplayable.most_common())
    return Effect(population, group.turns, replayed, group.touched, tuple(outcomes), unplayable)


def _told(values: Floats, expected: int) -> Distribution:
    samples = Samples()
    samples.add(values)
    return samples.distribution(expected)


def replayable(total: float, numbers: Sequence[float], names: Sequence[str]) -> Replayable:
    """A turn out of its record of steps, as `record.pack_steps` wrote it."""
    first_chunk = len(STEPS_HEAD) + STEP_NUMBERS * len(names)
    steps = tuple(
        Step(name, int(numbers[at]), int(numbers[at + 1]), int(numbers[at + 2]))
        for name, at in zip(names, range(len(STEPS_HEAD), first_chunk, STEP_NUMBERS), strict=True)
    )
    heard = None if isnan(numbers[1]) else int(numbers[1])
    chunks: dict[int, tuple[list[int], int]] = {}
    characters: list[tuple[int, int]] = []
    is_named = False
    repeated: list[tuple[int, Certainty]] = []
    for at in range(first_chunk, len(numbers), STEP_NUMBERS):
        place, step, number = map(int, numbers[at : at + STEP_NUMBERS])
        if place >= 0:
            chunks.setdefault(place, ([], number))[0].append(step)
        elif place == CHARACTERS:
            characters.append((step, number))
        elif place == NAMED:
            is_named = True
        elif place in _CERTAINTIES:
            repeated.append((step, _CERTAINTIES[place]))
    in_order = tuple(chunk for _, chunk in sorted(chunks.items()))
    facts = tuple(characters), tuple(repeated), is_named
    return Replayable(steps, int(numbers[0]), heard, int(total), in_order, *facts)
