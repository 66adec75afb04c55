"""The machine that a figure was measured on: no figure means anything without it."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path


def describe_machine() -> dict[str, str]:
    """Processor, memory, system, Python, load and day."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "load before": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
        "day": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    return _field("/proc/cpuinfo", "model name") or platform.processor() or "unknown processor"


def _memory() -> str:
    kib = _field("/proc/meminfo", "MemTotal").split(" ")[0]
    return f"{int(kib) / 1024 / 1024:.1f} GiB" if kib.isdigit() else "unknown"


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
