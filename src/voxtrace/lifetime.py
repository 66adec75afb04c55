"""A worker process ends with the process that it works for, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

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
