"""Times that were written down without a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import PurePath

from voxtrace.events.codec import EARLIEST_NS, LATEST_NS
from voxtrace.importers.ports import Note
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

_FOLDER_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNIX_TEXT = re.compile(r"\d{10,19}(?:\.\d{1,12})?", re.ASCII)
_NAME_TIME = re.compile(r"_(\d{6})$")


class LocalTimes:
    """Turns times without a zone into points in time, and remembers what it had to assume."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._converted = 0
        self._ambiguous = 0

    def wall_ns(self, naive: datetime) -> int | None:
        """The point in time that a clock of the zone showed as `naive`, or None if it is not plausible.

        In the hour that a clock passes twice in autumn, the first passage is meant.
        """
        try:
            first, second = self._located(naive, 0), self._located(naive, 1)
        except (OverflowError, ValueError, OSError):
            return None
        wall_ns = _plausible(first.replace(microsecond=naive.microsecond))
        if wall_ns is None:
            return None
        self._converted += 1
        # In spring the two differ as well, the other way round: that hour does not exist.
        self._ambiguous += second > first
        return wall_ns

    def from_epoch(self, seconds: object) -> int | None:
        """The point in time of a Unix time, as a number or as text; None for anything else."""
        return told_unix_ns(seconds)

    def from_text(self, text: object) -> int | None:
        """The point in time of an ISO text; its own zone wins where it has one."""
        if not isinstance(text, str):
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        if at.tzinfo is None:
            return self.wall_ns(at)
        return _plausible(at)

    def from_path(self, path: PurePath) -> int | None:
        """The time that a folder `YYYY-MM-DD` and a name `…_HHMMSS` say together, or None."""
        date, time = _FOLDER_DATE.fullmatch(path.parent.name), _NAME_TIME.search(path.stem)
        if not (date and time):
            return None
        try:
            named = datetime.strptime(f"{date[0]} {time[1]}", "%Y-%m-%d %H%M%S")  # noqa: DTZ007 - its zone comes next
        except ValueError:
            return None
        return self.wall_ns(named)

    def notes(self) -> Iterator[Note]:
        """What had to be assumed so far."""
        if self._converted:
            name = "this machine's zone" if self._zone is None else f"the zone {self._zone}"
            yield Note("local_time", f"time without a zone, read in {name} (see --timezone)", self._converted)
        if self._ambiguous:
            yield Note(
                "repeated_hour", "time in the hour that a clock passes twice: the first was meant", self._ambiguous
            )

    def _located(self, naive: datetime, fold: int) -> datetime:
        at = naive.replace(fold=fold, microsecond=0)
        # astimezone() of a naive time takes it as the machine's own.
        return (at.astimezone() if self._zone is None else at.replace(tzinfo=self._zone)).astimezone(UTC)


def unix_ns(number: float) -> int | None:
    """The point in time of a Unix time in seconds, milli-, micro- or nanoseconds, to the microsecond; else None.

    The four can't be confused: between 2001 and 2100 each has a size of its own.
    """
    for per_second in (1, 1000, 1_000_000, NANOS_PER_SECOND):
        if EARLIEST_NS <= number * (NANOS_PER_SECOND // per_second) <= LATEST_NS:
            if per_second == NANOS_PER_SECOND and isinstance(number, int):
                return number
            return round(number * (1_000_000 / per_second)) * NANOS_PER_MICRO
    return None


def told_unix_ns(told: object) -> int | None:
    """The point in time that a Unix time says, whether it was written as a number or as text."""
    if isinstance(told, str) and _UNIX_TEXT.fullmatch(told):
        told = float(told) if "." in told else int(told)
    if isinstance(told, bool) or not isinstance(told, int | float) or not abs(told) < 1e20:
        return None
    return unix_ns(told)


def _plausible(at: datetime) -> int | None:
    whole = int(at.replace(microsecond=0).timestamp())
    wall_ns = whole * NANOS_PER_SECOND + at.microsecond * NANOS_PER_MICRO
    return wall_ns if EARLIEST_NS <= wall_ns <= LATEST_NS else None
