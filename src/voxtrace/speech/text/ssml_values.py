"""What SSML's attributes may say: lengths of breaks and rates of speech, as W3C's SSML 1.0 and 1.1 define them."""

from __future__ import annotations

import re

MAX_BREAK_MS = 10_000

# The standard orders the strengths and leaves their length to us: a comma is about 150 ms, a sentence's end 350.
STRENGTHS_MS = {"none": 0, "x-weak": 100, "weak": 200, "medium": 400, "strong": 700, "x-strong": 1_200}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.5, "x-fast": 2.0}

_TIME = re.compile(r"\+?([0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})(ms|s)")
_RATE = re.compile(r"([+-]?)([0-9]{1,6}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(%?)")
_UNCHANGED = re.compile(r"[+-]0{1,3}(?:\.0{1,3})?(?:%|Hz|st|dB)?|default|medium")


def break_ms(time: str | None, strength: str | None) -> int:
    """How long a break is, in milliseconds; a time counts for more than a strength.

    Raises:
        ValueError: it can't be read, or is too long.
    """
    if strength is not None and strength not in STRENGTHS_MS:
        raise ValueError(f"strength={_quoted(strength)} must be one of: {', '.join(STRENGTHS_MS)}")
    if time is None:
        return STRENGTHS_MS[strength or "medium"]
    found = _TIME.fullmatch(time.strip())
    if found is None:
        raise ValueError(f'time={_quoted(time)} must be a length such as "300ms" or "1.5s"')
    length_ms = float(found[1]) * (1000 if found[2] == "s" else 1)
    if length_ms > MAX_BREAK_MS:
        raise ValueError(f"time={_quoted(time)} is longer than the {MAX_BREAK_MS // 1000} s that a break may last")
    return round(length_ms)


def rate_of(rate: str) -> float:
    """By how much speech gets faster: 1 is no change.

    Raises:
        ValueError: it can't be read.
    """
    said = rate.strip()
    if said in RATES:
        return RATES[said]
    found = _RATE.fullmatch(said)
    if found is None or (found[1] and not found[3]):
        words = ", ".join(RATES)
        raise ValueError(f'rate={_quoted(rate)} must be one of {words}, or like "80%", "+20%" or "1.2"')
    value = float(found[2]) / (100 if found[3] else 1)
    if found[1]:
        value = 1 + value if found[1] == "+" else 1 - value
    if value <= 0:
        raise ValueError(f"rate={_quoted(rate)} must be above 0: nothing is spoken at this rate")
    return value


def changes_nothing(value: str) -> bool:
    """Whether a pitch, range or volume is the one that the voice has anyway."""
    return _UNCHANGED.fullmatch(value.strip()) is not None


def _quoted(value: str) -> str:
    return f'"{value[:40]}"'
