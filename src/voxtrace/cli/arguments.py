"""Kinds of arguments that more than one command takes; argparse names them in its errors."""

from __future__ import annotations

LONGEST_HOURS = 876_000.0  # a hundred years: what lies before is before every clock


def from_one(text: str) -> int:
    """A number of things to look at."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def hours(text: str) -> float:
    """A length of time that ends now."""
    length = float(text)
    if not 0 < length <= LONGEST_HOURS:  # also not where it is no number at all
        raise ValueError
    return length


from_one.__name__ = "whole number from 1 up"
hours.__name__ = "number of hours above 0"
