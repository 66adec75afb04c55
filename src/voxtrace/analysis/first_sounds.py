"""When the first sound of each turn came, in columns: what can't be true is seen only beside all other turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from voxtrace.analysis.columns import Bools, Column, Columns, Ints
from voxtrace.analysis.doubts import TTFA
from voxtrace.analysis.repeats import repeated
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_MILLI

# Metrics that `same_ttfa` takes away.
LATE = (*TTFA, "first_audio_ms", "ttfb_ms")


class FirstSounds(Struct, frozen=True):
    """Of some turns, in their order."""

    micros: Ints  # whole microseconds; -1: not measured
    is_ttfb: Bools  # where it is a TTFB, because nothing else was measured
    is_first_audio: Bools  # where no silence is in front of it, so that `first_audio_ms` is the same number

    def at(self, rows: Ints) -> FirstSounds:
        """Those of these rows."""
        return FirstSounds(self.micros[rows], self.is_ttfb[rows], self.is_first_audio[rows])

    def refused(self, name: str, suspects: Ints) -> Bools:
        """Which turns lose a metric of `LATE`."""
        bad = self.suspected(suspects)
        if name in TTFA:
            return bad
        return bad & (self.is_ttfb if name == "ttfb_ms" else self.is_first_audio)

    def suspected(self, suspects: Ints) -> Bools:
        """Which turns have one of these times."""
        return np.isin(self.micros, suspects) if len(suspects) else np.zeros(len(self.micros), np.bool_)


def first_sounds(page: Columns) -> FirstSounds:
    """Those of a page's turns. What other tools call TTFA is a TTFB; of real requests both are told apart."""
    ttfa, ttfb = (_micros(page.metrics.get(name), len(page)) for name in ("ttfa_ms", "ttfb_ms"))
    is_ttfb = (ttfa < 0) & ~page.with_label("source", ["real"])
    return FirstSounds(np.where(is_ttfb, ttfb, ttfa), is_ttfb, _are_equal(page, "ttfa_ms", "first_audio_ms"))


def suspects_among(pages: Sequence[FirstSounds]) -> Ints:
    """Times that only look impossible beside each other."""
    found = repeated([each for page in pages for each in page.micros[page.micros >= 0].tolist()])
    return np.array(sorted(found), np.int64)


def _are_equal(page: Columns, one: str, other: str) -> Bools:
    """Where both are measured, and one number."""
    if one not in page.metrics or other not in page.metrics:
        return np.zeros(len(page), np.bool_)
    same: Bools = page.metrics[one].values == page.metrics[other].values
    return same


def _micros(column: Column | None, size: int) -> Ints:
    if column is None:
        return np.full(size, -1, np.int64)
    per_milli = NANOS_PER_MILLI // NANOS_PER_MICRO
    return np.where(np.isnan(column.values), -1, np.rint(np.nan_to_num(column.values) * per_milli)).astype(np.int64)
