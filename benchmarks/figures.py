"""What a benchmark answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and what was wished of it."""

    name: str
    value: float
    unit: str  # "" for a ratio
    limit: float | None = None  # None: told, not judged
    sense: Literal["at most", "at least"] = "at most"
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.sense == "at most" else self.value >= self.limit

    def __str__(self) -> str:
        verdict = {None: "", True: "pass", False: "FAIL"}[self.passed]
        limit = "" if self.limit is None else f"{self.sense} {self.limit:,g}"
        return f"{self.name:<48}{self.value:>14,.2f} {self.unit:<10}{limit:<18}{verdict:<6}{self.note}".rstrip()
