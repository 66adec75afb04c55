"""Names of mixed voices: "af_heart:0.7+af_bella:0.3", or "af_heart+af_bella" for equal parts."""

from __future__ import annotations

from math import isfinite

MAX_PARTS = 8  # each part costs a look-up for each piece, and nobody hears a ninth


class BadMix(ValueError):
    """The name of a mix can't be read."""


def is_mix(voice: str) -> bool:
    """Whether the name is one of a mix."""
    return "+" in voice or ":" in voice


def read_mix(voice: str) -> tuple[tuple[str, float], ...]:
    """The voices of a mix with their shares, which add up to 1.

    Raises:
        BadMix: a share is no number above zero, or there are too many parts.
    """
    parts = voice.split("+")
    if len(parts) > MAX_PARTS:
        raise BadMix(f"a mix has at most {MAX_PARTS} voices")
    weights = []
    for part in parts:
        name, colon, share = part.partition(":")
        try:
            weight = float(share) if colon else 1.0
        except ValueError:
            weight = 0.0
        if not name or not isfinite(weight) or weight <= 0:
            raise BadMix(f"{part[:80]!r} must be the name of a voice and its share, as in 'af_heart:0.7'")
        weights.append((name, weight))
    whole = sum(weight for _, weight in weights)
    return tuple((name, weight / whole) for name, weight in weights)
