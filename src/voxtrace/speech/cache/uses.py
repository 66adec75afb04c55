"""How often each piece was asked for lately, in a table of bounded size."""

from __future__ import annotations

from collections import OrderedDict

# Keys counted at the same time: 64 bytes of name and some 100 of table each, so at most 10 MiB.
MAX_KEYS = 50_000
# After so many uses all counts are halved: what was popular last week makes room for today.
HALVE_AFTER = 500_000


class Uses:
    """Counts uses by key. Keys that were not asked for longest are forgotten first, so any number may come by."""

    def __init__(self, max_keys: int = MAX_KEYS, halve_after: int = HALVE_AFTER) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._max_keys, self._halve_after = max_keys, halve_after
        self._seen = 0

    def count(self, key: str) -> int:
        """One more use of `key`.

        Returns:
            How often it was used by now.
        """
        uses = self._counts.pop(key, 0) + 1
        self._counts[key] = uses
        if len(self._counts) > self._max_keys:
            self._counts.popitem(last=False)
        self._seen += 1
        if self._seen >= self._halve_after:
            self._halve()
        return uses

    def of(self, key: str) -> int:
        """How often `key` was used lately; 0 where nothing is known."""
        return self._counts.get(key, 0)

    def __len__(self) -> int:
        return len(self._counts)

    def _halve(self) -> None:
        self._seen = 0
        self._counts = OrderedDict((key, uses // 2) for key, uses in self._counts.items() if uses > 1)
