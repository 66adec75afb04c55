"""Numbers as words: how a value, a missing value and a percentile are written everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

from voxtrace.analysis import Metric
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.quantiles import Distribution
from voxtrace.units import NANOS_PER_SECOND

NONE = "—"


def amount(value: float, unit: str) -> str:
    """A number with as many places as its size deserves."""
    if unit == "count":
        return f"{value:.0f}"
    if unit == "characters":
        return f"{value:,.0f}"
    if unit == "ratio":
        return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.2f}"
    places = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{places}f}" + ("" if unit == "1/s" else f" {unit}")


def state(name: str, metric: Metric) -> str:
    """A metric in words: its value, or why there is none."""
    if metric.value is not None:
        sign = "≥ " if metric.bound == "lower" else ""
        return sign + amount(metric.value, DEFINITION_BY_NAME[name].unit)
    return f"not measured: {metric.missing}" if metric.missing is not None else f"rejected: {metric.rejected}"


def percentile(of: Distribution, value: float | None, unit: str) -> str:
    """A percentile, or a dash with n where there are too few samples for it."""
    if value is None:
        return f"{NONE} (n={of.measured})"
    return ("≥ " if of.bound == "lower" else "") + amount(value, unit)


def coverage(of: Distribution) -> str:
    """How many turns a number rests on."""
    return f"{of.measured}/{of.expected}"


def point_in_time(wall_ns: int | None) -> str:
    """A time of day for people, in UTC."""
    if wall_ns is None:
        return NONE
    at = datetime.fromtimestamp(wall_ns // NANOS_PER_SECOND, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{wall_ns % NANOS_PER_SECOND // 1_000_000:03d} UTC"
