"""Numbers as words: how a value, a missing value and a percentile are written everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

from voxtrace.analysis import Metric
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.model import DISORDERED, Measured
from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.statistics.interval import Interval
from voxtrace.units import NANOS_PER_SECOND, millis

NONE = "—"
# Of a change that a replay gains nothing by, and of work that is done twice.
SPARES_NOBODY = "would spare nobody waiting"
COSTS = "it costs processor time"

# Ratios that are kept as such and talked about in percent.
SHARES = frozenset({"realtime_ratio", "kv_reuse_ratio"})
_WHOLE = ("count", "characters", "tokens")  # units of which there is no half
# Labels with words of ours, of which one says that no event told; a log's word for another label is its own.
_OPEN = frozenset({"outcome", "cache", "start", "truth"})


def amount(value: float, unit: str) -> str:
    """A number with as many places as its size deserves; only a true 0 is written as 0."""
    if unit == "%":
        return percent(value)
    if unit in _WHOLE:
        return f"{value:,.0f}"
    return _digits(value) + ("" if unit in ("1/s", "ratio") else f" {unit}")


def _digits(value: float) -> str:
    size = abs(value)
    if not size:
        return "0"
    if size < 0.001:
        return f"{'-' if value < 0 else ''}<0.001"
    if size < 0.1:
        return f"{value:.2g}"
    return f"{value:,.{2 if size < 10 else 1 if size < 1000 else 0}f}"


def percent(share: float) -> str:
    """A share as percent; 0 % and 100 % are only written where nothing and all is meant."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share:,.1%}"


def counted(number: int, thing: str) -> str:
    """A number of things: 1 turn, 2,000 turns."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def unit_of(name: str) -> str:
    """The unit in which people read a metric."""
    return "%" if name in SHARES else DEFINITION_BY_NAME[name].unit


def told(label: str, word: str) -> str | None:
    """A label for tables, where what nobody told is nothing; None where no event told it."""
    return None if not word or (word == "unknown" and label in _OPEN) else word


def state(name: str, metric: Metric) -> str:
    """A metric in words: its value, or why there is none."""
    if metric.value is not None:
        sign = "≥ " if metric.bound == "lower" else ""
        return sign + amount(metric.value, unit_of(name))
    return f"not measured: {metric.missing}" if metric.missing is not None else f"rejected: {metric.rejected}"


def percentile(of: Distribution, value: float | None, unit: str) -> str:
    """A percentile, or a dash with n where there are too few samples for it."""
    if value is None:
        return f"{NONE} (n={of.measured})"
    return ("≥ " if of.bound == "lower" else "") + amount(value, unit)


def interval(of: Distribution, name: str, unit: str) -> str:
    """Where a percentile of all such turns lies, its unit left out; few samples bound it on one side or on none."""
    found = of.intervals.get(name)
    return NONE if found is None else interval_words(found, unit)


def interval_words(of: Interval, unit: str) -> str:
    """Both ends of an interval, or the one that it has."""
    low, high = (None if end is None else _end(end, unit) for end in (of.low, of.high))
    if low is not None and high is not None:
        return f"{low} – {high}"
    return f"≥ {low}" if low is not None else f"≤ {high}" if high is not None else NONE


def _end(value: float, unit: str) -> str:
    """As the number itself, without its unit where that stands beside it."""
    return amount(value, unit) if unit in ("%", *_WHOLE) else _digits(value)


def coverage(of: Distribution) -> str:
    """How many turns a number rests on."""
    return f"{of.measured}/{of.expected}"


def whole(turn: Measured) -> str:
    """How long a turn took; a single event has no length, and clocks that disagree tell of none."""
    metric = turn.metrics.get("turn_total_ms")
    is_told = turn.total and not (metric is not None and metric.rejected)
    return amount(millis(turn.total), "ms") if is_told else NONE


def order_words(turn: Measured) -> str:
    """What has to stand beside everything that is drawn of a turn in order of time; "" where its order can be true."""
    if turn.is_order_known:
        return ""
    return (
        f"The order between services is not known: their clocks disagree ({DISORDERED}). Each event stands where its "
        "own clock puts it, so what is of one service can be compared, and what is of two can't."
    )


def unordered(turn: Measured) -> str:
    """The same in a few words, where the whole sentence stands above; "" where its order can be true."""
    return "" if turn.is_order_known else "order between services not known"


def point_in_time(wall_ns: int | None) -> str:
    """A time of day for people, in UTC."""
    if wall_ns is None:
        return NONE
    at = datetime.fromtimestamp(wall_ns // NANOS_PER_SECOND, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{wall_ns % NANOS_PER_SECOND // 1_000_000:03d} UTC"
