"""A worker process ends with the process that it works for, however that one ends, and with nothing else."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone; does nothing where there is no Linux.

    For processes that hold nothing: no file half written, no lock. Linux counts the thread that started this process
    as its parent, so that one must last as long.

    Args:
        parent: process id of the parent, as known before this call. Where it died meanwhile, no signal will come.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A process that is started in here never hears Ctrl-C, and this one hears it behind the block.

    The terminal sends it to workers as well, and one that has not come to its first line yet would print where it was.
    """
    # Python's own helper for workers, which the first of them starts, would let the signal through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
