"""Which turns are meant: `engine=kokoro,cache=miss,since=2025-11-01`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from voxtrace.analysis.columns import Columns
from voxtrace.errors import EXIT_USAGE, VoxtraceError
from voxtrace.units import NANOS_PER_SECOND

# Labels that a filter may name; every other key is a label or flag that the events themselves carry.
LABELS = (
    *("engine", "provider", "voice", "format", "model", "version"),
    *("kind", "outcome", "cache", "start", "source", "truth", "origin", "mode", "hedged", "transport"),
)
TIMES = ("since", "until")
ANY = ";"  # between values of which one will do is "|"; ";" parts the tags of a record
_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class UnreadableFilter(VoxtraceError):
    """A filter that can't be read."""

    exit_code = EXIT_USAGE

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text!r} is no filter: {why}. Filters are KEY=VALUE with commas between; keys are {', '.join(LABELS)}, "
            "since, until, and the names of labels and flags that events carry; VALUE may be ONE|OTHER"
        )
        self.text, self.why = text, why


class UnknownFilterName(VoxtraceError):
    """A filter asks for a name that is neither a key nor a label or flag of any turn."""

    exit_code = EXIT_USAGE

    def __init__(self, told: str, name: str, carried: Collection[str]) -> None:
        keys = (*LABELS, *TIMES)
        alike = get_close_matches(name, (*keys, *carried), 1)
        hint = f" (is it {alike[0]}?)" if alike else ""
        found = f"the turns carry {', '.join(sorted(carried))}" if carried else "the turns carry none"
        super().__init__(
            f"no turn fits {told!r}, for none has {name!r}{hint}. Keys are {', '.join(keys)}, and the names of labels "
            f"and flags that events carry: {found}"
        )
        self.told, self.name, self.carried = told, name, tuple(sorted(carried))


class NoSuchTurns(VoxtraceError):
    """No turn in the store fits a filter."""

    exit_code = EXIT_USAGE

    def __init__(self, told: str, known: Mapping[str, Iterable[str]]) -> None:
        values = "; ".join(f"{key}: {', '.join(sorted(each)[:12]) or 'none'}" for key, each in known.items())
        hint = f". In the data there are {values}" if values else ": there is none of that time and range"
        super().__init__(f"no turn fits {told!r}{hint}")
        self.told = told


class Filter(Struct, frozen=True):
    """All conditions must hold."""

    told: str
    labels: Mapping[str, frozenset[str]]
    tags: Mapping[str, frozenset[str]]
    since_wall_ns: int | None = None
    until_wall_ns: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether every turn fits, whatever it is."""
        return not self.labels and not self.tags and not self.names_times

    @property
    def names_times(self) -> bool:
        """Whether it leaves out turns by when they began."""
        return self.since_wall_ns is not None or self.until_wall_ns is not None

    def rows(self, page: Columns) -> npt.NDArray[np.bool_]:
        """Which rows of a page fit."""
        fits = np.ones(len(page), np.bool_)
        for label, values in self.labels.items():
            fits &= page.with_label(label, values)
        if self.tags:
            wanted = [text for text in set(page.texts.values()) if self._fits_tags(text)]
            fits &= page.with_label("tags", wanted)
        if self.since_wall_ns is not None:
            fits &= page.started >= self.since_wall_ns
        if self.until_wall_ns is not None:
            fits &= page.started < self.until_wall_ns
        return fits

    def _fits_tags(self, text: str) -> bool:
        found = tags_of(text)
        return all(found.get(name) in values for name, values in self.tags.items())


def tags_of(text: str) -> dict[str, str]:
    """The labels of a record's `tags`."""
    pairs = (pair.partition("=") for pair in text.split(ANY))
    return {name: value for name, found, value in pairs if found}


def read_filter(text: str, now_wall_ns: int) -> Filter:
    """The filter that a text means; "all" fits every turn.

    Raises:
        UnreadableFilter: it means none.
    """
    labels: dict[str, frozenset[str]] = {}
    tags: dict[str, frozenset[str]] = {}
    times: dict[str, int] = {}
    for condition in [] if text.strip() == "all" else text.split(","):
        key, found, value = (part.strip() for part in condition.partition("="))
        if not found or not key or (not value and key not in LABELS):
            raise UnreadableFilter(text, f"{condition.strip()!r} is not KEY=VALUE")
        if key in labels or key in tags or key in times:
            raise UnreadableFilter(text, f"it names {key} twice")
        if key in TIMES:
            times[key] = _moment(text, value, now_wall_ns)
        elif key in LABELS:
            labels[key] = frozenset(value.split("|"))
        else:
            tags[key.removeprefix("label.").removeprefix("flag.")] = frozenset(value.split("|"))
    return Filter(text.strip(), labels, tags, times.get("since"), times.get("until"))


def _moment(text: str, value: str, now_wall_ns: int) -> int:
    """A date or time (UTC where no zone is told), or how long ago: 90m, 2h, 7d."""
    ago = _AGO.fullmatch(value)
    if ago:
        return now_wall_ns - int(float(ago[1]) * _SECONDS[ago[2]] * NANOS_PER_SECOND)
    try:
        at = datetime.fromisoformat(value)
    except ValueError as why:
        raise UnreadableFilter(text, f"{value!r} is neither a time, as 2025-11-27T14:30, nor an age, as 2h") from why
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * NANOS_PER_SECOND
