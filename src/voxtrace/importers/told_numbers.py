"""Numbers as other tools write them: as numbers, or as text with their unit."""

from __future__ import annotations

import math
import re

_TOLD = re.compile(r"\s*(-?\d{1,15}(?:\.\d{1,15})?)\s*(ms|s|%|x)?\s*")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def told_number(value: object) -> float | int | None:
    """A finite number out of a number or of text such as "4.5", "12ms" and "25.2%"; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return value if math.isfinite(value) else None
        except OverflowError:
            return None
    told = _TOLD.fullmatch(value) if isinstance(value, str) else None
    if told is None:
        return None
    return float(told[1]) if "." in told[1] else int(told[1])


def told_ms(value: object) -> float | None:
    """A time of at most a week in milliseconds, out of a number of them or of text with a unit."""
    number = told_number(value)
    if number is None:
        return None
    ms = number * 1000 if isinstance(value, str) and re.search(r"[\d ]s\s*$", value) else float(number)
    return ms if 0 <= ms <= 7 * 86_400_000 else None


def snake(name: str) -> str:
    """`chunkIndex` and `_elapsedTime` as the house writes names."""
    return _WORD.sub("_", name).lower().strip("_")[:64]
