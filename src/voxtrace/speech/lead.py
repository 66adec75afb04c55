"""How much audio a listener still has who plays it as it comes. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lead:
    """A listener who begins with the first sample and never waits on purpose. Times are nanoseconds."""

    dry_ns: int | None = None  # when what was supplied will have been played
    stalls: int = 0
    stall_ns: int = 0

    def supply(self, now_ns: int, audio_ns: int) -> int:
        """More audio is here.

        Returns:
            for how long the listener had nothing to play just now.
        """
        if self.dry_ns is None:
            self.dry_ns = now_ns
        late_ns = now_ns - self.dry_ns
        if late_ns > 0:
            self.stalls += 1
            self.stall_ns += late_ns
            self.dry_ns = now_ns
        self.dry_ns += audio_ns
        return max(late_ns, 0)

    def left_ns(self, now_ns: int) -> int:
        """For how long it lasts; negative while the listener waits; 0 before anything was supplied."""
        return 0 if self.dry_ns is None else self.dry_ns - now_ns
