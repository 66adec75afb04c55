"""Ids that a test knows beforehand."""

from __future__ import annotations

from itertools import count


class CountedIds:
    """Stands for a function that makes random ids: `request-1`, `request-2`, …"""

    def __init__(self, prefix: str = "request") -> None:
        self._prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        """The next id; never the same twice."""
        return f"{self._prefix}-{next(self._numbers)}"
