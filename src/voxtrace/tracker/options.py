"""What a tracker records and how much memory and time it may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from voxtrace.config import default_data_folder
from voxtrace.errors import InvalidOption

Level = Literal["off", "sampled", "full"]


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    """How a tracker behaves; `from_environment` makes the one that is used when none is given.

    Raises:
        InvalidOption: a value is outside its range.
    """

    level: Level = "full"
    sample_rate: float = 0.1  # share of requests that the level "sampled" records, 0 to 1
    data: Path = field(default_factory=default_data_folder)
    collector: str = ""  # URL of a collector; empty: events go to the spool in `data`
    max_age_ms: int = 200  # an event waits at most so long before it is handed to the sink

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise InvalidOption("level", self.level, f"must be one of {', '.join(get_args(Level))}")
        if not 0 <= self.sample_rate <= 1:
            raise InvalidOption("sample_rate", self.sample_rate, "must be from 0 to 1")
        if self.max_age_ms < 1:
            raise InvalidOption("max_age_ms", self.max_age_ms, "must be at least 1")
        if self.collector:
            _check_url(self.collector)


def _check_url(url: str) -> None:
    from urllib.parse import urlsplit  # the spool needs no URL

    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or brackets that are no address
        good = False
    if not good:
        raise InvalidOption("collector", url, "must be a URL such as http://127.0.0.1:8881")


def from_environment(environ: Mapping[str, str] | None = None) -> TrackerOptions:
    """Options out of VOXTRACE_LEVEL, VOXTRACE_SAMPLE_RATE, VOXTRACE_DATA and VOXTRACE_COLLECTOR.

    Raises:
        InvalidOption: a variable holds a value that can't be used.
    """
    variables = os.environ if environ is None else environ
    rate = variables.get("VOXTRACE_SAMPLE_RATE") or "0.1"
    try:
        sample_rate = float(rate)
    except ValueError:
        raise InvalidOption("VOXTRACE_SAMPLE_RATE", rate, "must be a number from 0 to 1") from None
    named = variables.get("VOXTRACE_DATA")
    return TrackerOptions(
        level=cast("Level", (variables.get("VOXTRACE_LEVEL") or "full").strip().lower()),
        sample_rate=sample_rate,
        data=Path(named) if named else default_data_folder(),
        collector=(variables.get("VOXTRACE_COLLECTOR") or "").strip(),
    )
