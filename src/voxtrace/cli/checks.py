"""What `voxtrace doctor` looks at, one function per question; each answers with what it found and what to do."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal

from msgspec import Struct

from voxtrace import __version__
from voxtrace.cli.addresses import require_free_port, url_of
from voxtrace.cli.health import ask_health
from voxtrace.clock import Clock, sleep
from voxtrace.config import prepare_data_folder
from voxtrace.errors import PortInUse, VoxtraceError
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

State = Literal["ok", "problem", "unreachable", "skipped"]

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE_BYTES = 256 * 1024**2
# 2026-01-01: a machine whose clock was never set starts in 1970, or in the year of its firmware.
EARLIEST_WALL_NS = 1_767_225_600 * NANOS_PER_SECOND
WATCHED_NS = 100 * NANOS_PER_MILLI
# In a tenth of a second an honest wall clock is slewed by microseconds; more was a step.
MAX_DRIFT_NS = 5 * NANOS_PER_MILLI


class Finding(Struct, frozen=True):
    """The answer to one question."""

    check: str
    state: State
    found: str
    advice: str = ""  # what to do where it is not ok


def check_python() -> Finding:
    """Is this Python new enough?"""
    version = ".".join(str(each) for each in sys.version_info[:3])
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("python", "ok", f"{version}, voxtrace {__version__}")
    return Finding("python", "problem", version, "install Python 3.11 or newer")


def check_packages(required: Iterable[str] | None = None) -> Finding:
    """Is everything installed that the package asks for?"""
    wanted = metadata.requires("voxtrace") or [] if required is None else required
    names = [match.group() for each in wanted if "extra ==" not in each and (match := re.match(r"[\w.-]+", each))]
    absent = [name for name in names if not _installed(name)]
    if absent:
        return Finding("packages", "problem", f"not installed: {', '.join(absent)}", "pip install voxtrace")
    return Finding("packages", "ok", f"{len(names)} of {len(names)} installed")


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_folder(folder: Path) -> Finding:
    """Can the data folder be written, and is there room?"""
    try:
        prepare_data_folder(folder)
    except VoxtraceError as error:
        return Finding("data folder", "problem", str(error), "voxtrace doctor --data DIR tries another")
    free = shutil.disk_usage(folder).free
    found = f"{folder}, {free / 1024**3:.1f} GiB free"
    if free < LITTLE_SPACE_BYTES:
        return Finding(
            "data folder", "problem", found, "make space on its disk, or let `voxtrace prune` forget requests"
        )
    return Finding("data folder", "ok", found)


def check_clock(clock: Clock, wait: Callable[[float], None] = sleep) -> Finding:
    """Is the date plausible, and does the wall clock run as fast as the monotonic one?"""
    advice = "let the system keep time (for example: timedatectl set-ntp true)"
    wall, mono = clock.wall_ns(), clock.mono_ns()
    if wall < EARLIEST_WALL_NS:
        return Finding("clock", "problem", "the system's date lies in the past", advice)
    wait(WATCHED_NS / NANOS_PER_SECOND)
    drift = (clock.wall_ns() - wall) - (clock.mono_ns() - mono)
    if abs(drift) > MAX_DRIFT_NS:
        found = f"the wall clock stepped by {drift / NANOS_PER_MILLI:+.0f} ms while we looked"
        return Finding("clock", "problem", found, advice)
    return Finding("clock", "ok", "the wall clock and the monotonic clock agree")


def check_service(check: str, host: str, port: int) -> Finding:
    """Does our own service answer there?"""
    url = url_of(host, port)
    health = ask_health(url)
    if health is not None and health.good:
        return Finding(check, "ok", f"answers at {url}")
    if health is not None:
        trouble = health.facts.get("trouble") or f"{url}/health answers {health.status}"
        return Finding(check, "problem", str(trouble), "look at what `voxtrace up` printed")
    try:
        require_free_port(host, port)
    except PortInUse:
        advice = "stop it, or choose other ports: voxtrace up --port N --watch-port N"
        return Finding(check, "problem", f"something else listens on {host}:{port}", advice)
    except VoxtraceError as error:
        return Finding(check, "problem", str(error), "look at the settings: voxtrace config")
    return Finding(check, "unreachable", f"nothing listens at {url}", "start it with: voxtrace up")
