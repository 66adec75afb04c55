"""What a filter left, in words and as JSON."""

from __future__ import annotations

from typing import Any

from voxtrace.analysis.choosing import Choice
from voxtrace.reports.words import counted


def choice_words(choice: Choice) -> str:
    """The filter and both counts; "" where every turn was asked for."""
    if choice.where.is_all:
        return ""
    # Turns of other times are never read, so that nobody knows how many there are.
    of = " of that time" if choice.where.names_times else ""
    return f"Only {choice.where.told}: {choice.turns:,} of {counted(choice.looked_at, 'turn')}{of}"


def choice_to_json(choice: Choice) -> dict[str, Any]:
    """For programs."""
    return {"where": choice.where.told, "turns": choice.turns, "looked_at": choice.looked_at}
