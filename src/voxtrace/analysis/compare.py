"""Two populations beside each other: what shifted, by which factor, and whether that can be chance.

Populations are never mixed: what the filters do not name (cached or not, cold or warm, who told) is compared within
itself only. Turns of one session, or of one run, share the state of their machine, so sessions or runs are what is
counted as independent wherever there are enough of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct, field

from voxtrace.analysis.columns import Columns, Floats, Ints
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.filters import Filter
from voxtrace.analysis.first_sounds import LATE, FirstSounds, first_sounds, suspects_among
from voxtrace.analysis.groups import MEASURED_OUTCOMES
from voxtrace.analysis.plausibility import FUTURE_NS
from voxtrace.analysis.record import LOWER
from voxtrace.analysis.shifts import FEWEST_TURNS, FEWEST_UNITS, Found, Shift, Units, What, judged_all, shift_of
from voxtrace.analysis.statistics.interval import quantile
from voxtrace.analysis.statistics.ratio import PAIRED, WELCH, quantile_ratio
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

# What turns have in common that are compared with each other, unless a filter names it.
STRATA = ("kind", "outcome", "origin", "cache", "start", "source", "truth", "mode", "hedged", "transport")
# Each engine, model and voice has modes of its own: who names one of these compares them in whatever mode they spoke.
WITH_MODES = frozenset({"engine", "model", "voice"})
# A pause as long as this ends a run of turns without a session: the machine may be another one afterwards.
RUN_PAUSE_NS = 600 * NANOS_PER_SECOND
# Which number a person feels first.
HEADS = {"speech": ("ttfa_ms", "first_audio_ms", "server_response_ms"), "conversation": ("voice_to_voice_ms",)}


class Stratum(Struct, frozen=True):
    """Turns that have everything in common but what is compared."""

    common: Mapping[str, str]
    turns_a: int
    turns_b: int
    units: str  # what was counted as independent, in words
    shifts: tuple[Shift, ...]  # the number that a person feels first, then by how sure and large they are
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people: only what is known and not the usual."""
        usual = {"outcome": "ok", "source": "real"}
        words = [value if key in ("kind", "start", "truth") else f"{key} {value}" for key, value in self.common.items()
                 if value not in ("", "unknown", usual.get(key))]  # fmt: skip
        return ", ".join(words) or "all turns"


class Comparison(Struct, frozen=True):
    """The answer."""

    a: str
    b: str
    turns_a: int
    turns_b: int
    looked_at: int  # turns of which these were chosen
    strata: tuple[Stratum, ...]  # most turns first
    notes: tuple[str, ...]


class _Kept(Struct):
    """Rows of one stratum and one side, page by page."""

    started: list[Ints] = field(default_factory=list)
    sessions: list[Ints] = field(default_factory=list)
    chars: list[Floats] = field(default_factory=list)
    metrics: dict[str, list[Floats]] = field(default_factory=dict)
    parts: dict[str, list[Floats]] = field(default_factory=dict)
    first: list[FirstSounds] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    turns: int = 0

    def column(self, kept: Mapping[str, list[Floats]], name: str) -> Floats:
        """One value a turn, NaN where a page does not have it."""
        return np.concatenate(kept[name]) if name in kept else np.full(self.turns, np.nan)

    def without(self, name: str, suspects: Ints) -> Floats:
        """A metric, and NaN where `same_ttfa` takes it away."""
        values = self.column(self.metrics, name)
        if name not in LATE:
            return values
        return np.where(np.concatenate([each.refused(name, suspects) for each in self.first]), np.nan, values)


class Comparing:
    """Takes pages of columns and answers with the comparison of two filters."""

    def __init__(self, a: Filter, b: Filter, now_wall_ns: int) -> None:
        self._filters, self._now = (a, b), now_wall_ns
        named = {*a.labels, *b.labels}
        self._any_mode = "mode" not in named and bool(named & WITH_MODES)
        self._strata = tuple(name for name in STRATA if name not in named and not (name == "mode" and self._any_mode))
        self._kept: dict[tuple[str, ...], tuple[_Kept, _Kept]] = {}
        self._sessions: dict[str, int] = {}
        self._bounds: set[str] = set()
        self._looked_at = self._both = self._failed = self._future = 0

    def add(self, page: Columns) -> None:
        """Sort a page's turns."""
        self._looked_at += len(page)
        fits = [each.rows(page) for each in self._filters]
        both = fits[0] & fits[1]
        self._both += int(both.sum())
        ended = page.with_label("outcome", MEASURED_OUTCOMES)
        future = page.started > self._now + FUTURE_NS
        chosen = (fits[0] ^ fits[1]) & ~both
        self._failed += int((chosen & ~ended).sum())
        self._future += int((chosen & ended & future).sum())
        rows = np.flatnonzero(chosen & ended & ~future)
        if not len(rows):
            return
        self._bounds |= {
            name
            for name, column in page.metrics.items()
            if any(page.texts[word] == LOWER for word in np.unique(column.states[rows]).tolist() if word)
        }
        sessions = self._session_numbers(page)
        parts, first = _part_columns(page), first_sounds(page)
        keys = np.stack([page.labels[name][rows] for name in self._strata] or [np.zeros(len(rows), np.uint32)])
        known, places = np.unique(keys, axis=1, return_inverse=True)
        for number in range(known.shape[1]):
            common = tuple(page.texts[int(word)] for word in known[:, number]) if self._strata else ()
            sides = self._kept.setdefault(common, (_Kept(), _Kept()))
            of = rows[places.reshape(-1) == number]
            for side, fit in zip(sides, fits, strict=True):
                chosen_rows = of[fit[of]]
                _keep(side, page, chosen_rows, sessions, parts)
                side.first.append(first.at(chosen_rows))

    def _session_numbers(self, page: Columns) -> Ints:
        known = self._sessions
        return np.array(
            [-1 if each is None else known.setdefault(each, len(known)) for each in page.session_ids], np.int64
        )

    def comparison(self) -> Comparison:
        """What the pages said."""
        suspects = suspects_among([each for sides in self._kept.values() for side in sides for each in side.first])
        strata, alone = [], 0
        for common, sides in self._kept.items():
            if sides[0].turns and sides[1].turns:
                strata.append(self._stratum(dict(zip(self._strata, common, strict=True)), sides, suspects))
            else:
                alone += sides[0].turns + sides[1].turns
        notes = [
            (alone, "have no counterpart of their kind on the other side (cache, start, origin, mode, …)"),
            (self._both, "fit both sides and are on none"),
            (self._failed, "failed or were cancelled"),
            (self._future, "begin in the future"),
        ]
        return Comparison(
            a=self._filters[0].told,
            b=self._filters[1].told,
            turns_a=sum(sides[0].turns for sides in self._kept.values()),
            turns_b=sum(sides[1].turns for sides in self._kept.values()),
            looked_at=self._looked_at,
            strata=tuple(sorted(strata, key=lambda each: -(each.turns_a + each.turns_b))),
            notes=tuple(f"{count:,} turns {why}" for count, why in notes if count),
        )

    def _stratum(self, common: Mapping[str, str], sides: tuple[_Kept, _Kept], suspects: Ints) -> Stratum:
        units = _units(sides)
        found: list[Found] = []
        for name in _shared(sides[0].metrics, sides[1].metrics):
            definition = DEFINITION_BY_NAME.get(name)
            if definition is None or not definition.better:
                continue
            values = [side.without(name, suspects) for side in sides]
            found += shift_of(What(name, definition.unit, False, name in self._bounds), values, units)
        for name in _shared(sides[0].parts, sides[1].parts):
            found += shift_of(What(name, "ms", True, False), [side.column(side.parts, name) for side in sides], units)
        shifts = judged_all(found)
        heads = HEADS.get(common.get("kind", "speech"), ())
        order = sorted(shifts, key=lambda shift: (_place(shift, heads), -_size(shift), shift.name))
        notes = (*_notes(sides, order, units), *(_mode_notes(sides) if self._any_mode else ()))
        return Stratum(common, sides[0].turns, sides[1].turns, units.name, tuple(order), notes)


def _keep(side: _Kept, page: Columns, rows: Ints, sessions: Ints, parts: Mapping[str, Floats]) -> None:
    if not len(rows):
        return
    for kept, columns in (
        (side.metrics, {name: column.values for name, column in page.metrics.items()}),
        (side.parts, parts),
    ):
        for name in dict.fromkeys((*kept, *columns)):
            before = kept.setdefault(name, [np.full(side.turns, np.nan)] if side.turns else [])
            before.append(columns[name][rows] if name in columns else np.full(len(rows), np.nan))
    side.started.append(page.started[rows])
    side.sessions.append(sessions[rows])
    side.chars.append(page.text_chars[rows])
    side.modes |= {page.texts[word] for word in np.unique(page.labels["mode"][rows]).tolist()}
    side.turns += len(rows)


def _part_columns(page: Columns) -> dict[str, Floats]:
    """Waited milliseconds of each part in each row."""
    found: dict[str, Floats] = {}
    for word in sorted(np.unique(page.parts.words).tolist(), key=page.texts.__getitem__):
        entries = np.flatnonzero(page.parts.words == word)
        column = np.full(len(page), np.nan)
        column[page.parts.rows[entries]] = page.part_lengths[entries] / NANOS_PER_MILLI
        found[page.texts[word]] = column
    return found


def _shared(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return [name for name in one if name in other]


def _units(sides: tuple[_Kept, _Kept]) -> Units:
    """The session or run of each turn on both sides."""
    started = np.concatenate([*sides[0].started, *sides[1].started])
    order = np.argsort(started, kind="stable")
    numbers = np.empty(len(started), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(started[order]) > RUN_PAUSE_NS)])
    runs = [numbers[: sides[0].turns], numbers[sides[0].turns :]]
    known = [set(_large(each)) for each in runs]
    is_sequential = not known[0] & known[1] and min(map(len, known)) < FEWEST_UNITS
    sessions = [np.concatenate(side.sessions) for side in sides]
    # Sessions where most turns have one, and some of them enough turns to have a median.
    if all((each >= 0).mean() > 0.5 and len(_large(each)) >= FEWEST_UNITS for each in sessions):
        return Units(sessions, "session", is_sequential)
    return Units(runs, "run", is_sequential)


def _large(units: Ints) -> list[int]:
    """Those with enough turns."""
    known, counts = np.unique(units[units >= 0], return_counts=True)
    large: list[int] = known[counts >= FEWEST_TURNS].tolist()
    return large


def _place(shift: Shift, heads: Sequence[str]) -> int:
    if shift.name in heads and not shift.is_part:
        return heads.index(shift.name)
    return len(heads) + (shift.judged.verdict in ("same", "inconclusive")) + 2 * shift.is_part


def _size(shift: Shift) -> float:
    """How much longer, in the number's own unit."""
    return abs((shift.b.p50 or 0.0) - (shift.a.p50 or 0.0))


def _notes(sides: tuple[_Kept, _Kept], shifts: Sequence[Shift], units: Units) -> list[str]:
    """What to know before one believes it."""
    notes = []
    chars = [np.concatenate(side.chars) for side in sides]
    a, b = (np.sort(each[~np.isnan(each)]) for each in chars)
    ratio = quantile_ratio(a, b, 500)  # type: ignore[arg-type]
    if ratio is not None and not ratio.interval.holds(1.0):
        texts = f"{quantile(a, 500):.0f} and {quantile(b, 500):.0f} characters"  # type: ignore[arg-type]
        notes.append(f"the texts differ too: {texts} in the middle; a longer text takes longer")
    if any(shift.test not in (PAIRED, WELCH) for shift in shifts[:1]):
        notes.append(
            f"fewer than {FEWEST_UNITS} {units.name}s of {FEWEST_TURNS} turns on a side: every turn was counted for "
            "itself, although turns of one run share the state of its machine"
        )
    if units.is_sequential:
        notes.append("no run has turns of both sides: measure them in turns (A B B A) to tell them from the machine")
    return notes


def _mode_notes(sides: tuple[_Kept, _Kept]) -> Iterator[str]:
    """A side in several modes is several populations, and only who asks can say which."""
    for letter, side in zip("AB", sides, strict=True):
        if len(side.modes) > 1:
            modes = ", ".join(sorted(each or "none" for each in side.modes))
            yield f"{letter} mixes the modes {modes}: name one with mode=MODE"
