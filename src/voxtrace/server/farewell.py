"""How long-lived connections end when the server is told to stop: soon, and knowing why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

LOOK_EVERY_S = 0.1
# To say why, and to hang up. Who does not read what is said by then, is left.
CUT_OFF_WITHIN_S = 1.0


class Guest(Protocol):
    """One such connection."""

    async def leave(self, after_s: float) -> None:
        """Begin nothing new, let what is being said end, and hang up."""
        ...

    async def cut_off(self) -> None:
        """End what is being said; then `leave` hangs up."""
        ...


@dataclass(slots=True)
class Farewell:
    """Knows who is connected."""

    has_begun: bool = False
    _guests: set[Guest] = field(default_factory=set)

    @contextmanager
    def staying(self, guest: Guest) -> Iterator[None]:
        """While a guest is here."""
        self._guests.add(guest)
        try:
            yield
        finally:
            self._guests.discard(guest)

    def begin(self) -> None:
        """From here on nothing new is taken."""
        self.has_begun = True

    async def say(self, within_s: float, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Returns when everybody has left, or was cut off after `within_s` seconds, or at once when `is_hurried`."""
        loop = asyncio.get_running_loop()
        leaving = {loop.create_task(guest.leave(within_s)) for guest in self._guests}
        deadline = loop.time() + within_s
        while leaving and not is_hurried() and (left_s := deadline - loop.time()) > 0:
            _, leaving = await asyncio.wait(leaving, timeout=min(LOOK_EVERY_S, left_s))
        if leaving:
            cutting = [loop.create_task(guest.cut_off()) for guest in self._guests]
            await asyncio.wait([*leaving, *cutting], timeout=CUT_OFF_WITHIN_S)
            for task in (*leaving, *cutting):
                task.cancel()
