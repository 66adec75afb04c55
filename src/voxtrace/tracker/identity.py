"""Who writes: the host, the process and the boot that an event's clock is named after."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Identity(NamedTuple):
    """One writer of events. A forked child is a new one."""

    host: str
    pid: int
    token: str  # random: a process id is used again, and one process may hold two writers
    boot: str  # "" where the system does not tell: then the clock is shared with no other process

    @property
    def clock(self) -> str:
        """The name of the monotonic clock, as `events.domain_of` reads it."""
        return f"{self.host}/{self.pid}.{self.token}/{self.boot}"

    @property
    def file_stem(self) -> str:
        return f"{self.host}-{self.pid}-{self.token}"


def new_identity() -> Identity:
    """An identity of this process that was never given out before."""
    try:
        boot = _BOOT_ID.read_text("ascii").strip()[:36]
    except (OSError, ValueError):
        boot = ""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    # The host's name becomes part of a file's name and of a clock's, whose parts are set apart by slashes.
    host = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:64] or "host"
    return Identity(host, os.getpid(), os.urandom(4).hex(), boot)
