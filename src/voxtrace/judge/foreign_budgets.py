"""What the budget files of other tools ask for: alert thresholds, gates, baselines, the budget in a result.

A line that has no meaning here is kept, and can only be inconclusive: nothing that somebody asked for is left out
silently. Latency of a tool's own API is such a line: it is no time to first audio.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from voxtrace.analysis.timeline import finite
from voxtrace.judge.budgets import OF_THE_PROCESS, Budget, Line, Profile, UnreadableBudget

_CLASSES = {"short": (1, 199), "medium": (200, 999), "long": (1000, 1_000_000)}
# As their files name them, as they are named here, and of which quantile they speak.
_NAMES = {
    "ttfa_ms": ("ttfa_ms", "p95"),
    "ttfa_streaming_ms": ("ttfa_ms", "p95"),
    "error_rate": ("error_rate", ""),
    "memory_limit_mb": ("memory_mb", "max"),
    "memory_mb": ("memory_mb", "max"),
    "cpu_percent": ("cpu_percent", "max"),
    "rtf": ("rtf", "p95"),
}
_CLASS_OF = re.compile(r"(short|medium|long)(?:_text)?")


class _Asked(Struct, frozen=True):
    """One limit of their file."""

    told: str
    metric: str
    of: str
    budget: Budget
    text_class: str = ""
    chars: tuple[int, int] | None = None


def read_json(text: str, where: str) -> tuple[Profile, ...]:
    """The budgets of such a file.

    Raises:
        UnreadableBudget: it is none of these.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as why:
        raise UnreadableBudget(where, f"it is no JSON: {why}") from why
    forms = {
        "thresholds": _thresholds,
        "performance_gates": _gates,
        "baseline_measurements": _baselines,
        "budget": _result_budget,
    }
    for key, read in forms.items():
        if key in document:
            asked = list(read(document[key]))
            if not asked:
                raise UnreadableBudget(where, f"there is no limit in its {key!r}")
            return _profiles(asked)
    raise UnreadableBudget(where, f"it has none of {', '.join(forms)}, by which the files of other tools are known")


def _profiles(asked: list[_Asked]) -> tuple[Profile, ...]:
    slices: dict[tuple[str, tuple[int, int] | None], list[_Asked]] = {}
    for each in asked:
        slices.setdefault((each.text_class, each.chars), []).append(each)
    return tuple(
        Profile(
            name=f"theirs-{text_class}" if text_class else "theirs",
            title="",
            lines=tuple(Line((each.metric,), each.of, each.budget, each.told) for each in members),
            # Their files know no populations; who asks for errors or for memory means all requests.
            kind="" if all(each.metric in ("error_rate", *OF_THE_PROCESS) for each in members) else "speech",
            text_class=text_class,
            chars=chars,
        )
        for (text_class, chars), members in slices.items()
    )


def _thresholds(content: object) -> Iterator[_Asked]:
    """`alert-config.json`."""
    for each in content if isinstance(content, list) else []:
        if not isinstance(each, dict) or not isinstance(each.get("metric"), str):
            continue
        levels = [finite(each.get(key)) for key in ("warning_threshold", "critical_threshold")]
        known = [level for level in levels if level is not None]
        if known:
            yield _asked(each["metric"], Budget(known[0], known[0], levels[1]))


def _result_budget(content: object) -> Iterator[_Asked]:
    """The budget within `performance-budget-results.json`."""
    for name, value in _object(content).items():
        limit = finite(value)
        if limit is not None:
            yield _asked(name, Budget(limit, limit))


def _gates(content: object) -> Iterator[_Asked]:
    """`expected_bands.json`."""
    gates = {name: _object(gate) for name, gate in _object(content).items()}
    ttfa, rtf = gates.pop("ttfa", {}), gates.pop("rtf", {})
    limit, longest = finite(ttfa.get("threshold_p95_ms")), finite(ttfa.get("short_text_chars"))
    if limit is not None:
        chars = None if longest is None else (1, int(longest))
        yield _Asked("ttfa.threshold_p95_ms", "ttfa_ms", "p95", Budget(limit, limit), "short" if chars else "", chars)
    limit = finite(rtf.get("long_paragraph_threshold_p95"))
    if limit is not None:
        told = "rtf.long_paragraph_threshold_p95"
        yield _Asked(told, "rtf", "p95", Budget(limit, limit), "long", _CLASSES["long"])
    for name, gate in gates.items():
        for key, value in gate.items():
            limit = finite(value)
            if limit is not None:
                yield _asked(f"{name}.{key}", Budget(limit, limit))


def _baselines(content: object) -> Iterator[_Asked]:
    """`baselines.json`: what was measured once, by class of text, held as a limit."""
    for name, values in _object(content).items():
        metric = name.removesuffix("_p95")
        for key, value in _object(values).items():
            limit, found = finite(value), _CLASS_OF.fullmatch(key)
            if limit is None:
                continue
            if found and metric in _NAMES:
                said = found[1]
                yield _Asked(f"{name}.{key}", metric, "p95", Budget(limit, limit), said, _CLASSES[said])
            else:
                yield _asked(f"{name}.{key}", Budget(limit, limit))


def _asked(told: str, budget: Budget) -> _Asked:
    metric, of = _NAMES.get(told, (told, "p95"))
    return _Asked(told, metric, of, budget)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
