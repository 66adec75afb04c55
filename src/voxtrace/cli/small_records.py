"""For commands that make millions of small records."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Without Python's search for cycles, which there are none of among records.

    It looks at every record that is alive again and again: a tenth of the time of an import, and half of that of
    putting turns together.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
