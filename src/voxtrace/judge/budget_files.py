"""Reads budgets in TOML, the form of those of the house and of a person's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.filters import UnreadableFilter, read_filter
from voxtrace.analysis.timeline import finite
from voxtrace.judge.budgets import OF_THE_PROCESS, SHARES, Budget, Line, Profile, UnreadableBudget

LEVELS = ("target", "warning", "critical")
_LIMIT_KEYS = ("metric", "of", *LEVELS, "gate", "aim")
_PROFILE_KEYS = ("title", "kind", "cache", "where", "text_class", "chars", "limits", "profiles")
_KINDS = ("speech", "conversation")
_CACHES = ("miss", "partial", "hit", "unknown")
_RANKS = ("p50", "p95", "p99", "max", "min")
_VALUE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(ms|s|%|)\s*")
_FACTORS = {("ms", "ms"): 1.0, ("ms", "s"): 1000.0, ("ratio", "%"): 0.01, ("share", "%"): 0.01}
_UNITS = {"ms": "ms or s", "ratio": "% or none", "share": "% or none"}


Budgets = Mapping[str, tuple[Profile, ...]]
"""By name; some stand for several."""


def read_toml(text: str, where: str, known: Budgets | None = None) -> dict[str, tuple[Profile, ...]]:
    """Budgets by name; one that has `profiles` stands for several, of the same text or of those `known`.

    Raises:
        UnreadableBudget: with the place of what can't be read.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as why:
        raise UnreadableBudget(where, f"it is no TOML: {why}") from why
    found: dict[str, tuple[Profile, ...]] = {}
    groups: dict[str, Sequence[str]] = {}
    for name, table in document.items():
        place = f"[{name}] of {where}"
        if not isinstance(table, dict):
            raise UnreadableBudget(where, f"{name!r} stands outside of a [budget]")
        _only(table, _PROFILE_KEYS, place)
        if "profiles" in table:
            groups[name] = _texts(table["profiles"], "profiles", place)
        else:
            found[name] = (_profile(name, table, place),)
    there = {**(known or {}), **found}
    for name, members in groups.items():
        missing = [member for member in members if member not in there]
        if missing:
            raise UnreadableBudget(f"[{name}] of {where}", f"there is no budget {missing[0]!r} that it could stand for")
        found[name] = tuple(profile for member in members for profile in there[member])
    if not found:
        raise UnreadableBudget(where, "there is none in it; a budget is a table such as [mine] with limits = [...]")
    return found


def _profile(name: str, table: Mapping[str, Any], place: str) -> Profile:
    limits = table.get("limits")
    if not isinstance(limits, list) or not limits:
        raise UnreadableBudget(place, 'it needs limits = [{ metric = "ttfa_ms", target = "800ms" }]')
    kind = table.get("kind", "")
    if kind not in ("", *_KINDS):
        raise UnreadableBudget(place, f"kind is one of {', '.join(_KINDS)}, not {kind!r}")
    cache = _texts(table.get("cache", []), "cache", place)
    if unknown := [each for each in cache if each not in _CACHES]:
        raise UnreadableBudget(place, f"cache has some of {', '.join(_CACHES)}, not {unknown[0]!r}")
    chars = table.get("chars")
    if chars is not None and not _is_range(chars):
        raise UnreadableBudget(place, f"chars is a range such as [1, 199], not {chars!r}")
    return Profile(
        name=name,
        title=str(table.get("title", "")),
        lines=tuple(_line(limit, place) for limit in limits),
        kind=kind,
        cache=tuple(cache),
        where=_filter(table.get("where", ""), place),
        text_class=str(table.get("text_class", "")),
        chars=None if chars is None else (chars[0], chars[1]),
    )


def _line(limit: object, place: str) -> Line:
    if not isinstance(limit, dict):
        raise UnreadableBudget(place, f"a limit is a table, not {limit!r}")
    _only(limit, _LIMIT_KEYS, place)
    named = limit.get("metric")
    metrics = tuple(_texts([named] if isinstance(named, str) else named, "metric", place))
    if not metrics:
        raise UnreadableBudget(place, "a limit needs a metric")
    better, unit = _nature(metrics[0], place)
    for other in metrics[1:]:
        if other in SHARES or _nature(other, place) != (better, unit):
            raise UnreadableBudget(place, f"{other} and {metrics[0]} can't share their limits")
    is_share, of = metrics[0] in SHARES, limit.get("of")
    usual = "" if is_share else "p50" if better == "more" else "p95"
    if of is not None and (is_share or of not in _RANKS):
        why = "it is one number of all requests" if is_share else f"of is one of {', '.join(_RANKS)}, not {of!r}"
        raise UnreadableBudget(f"{metrics[0]} in {place}", why)
    if better == "more" and of in ("p95", "p99", "max"):
        raise UnreadableBudget(
            f"{metrics[0]} in {place}", f"more of it is better: {of} is its good end, say p50 or min"
        )
    return Line(metrics, of or usual, _budget(limit, (better, unit), f"{metrics[0]} in {place}"))


def _nature(metric: str, place: str) -> tuple[str, str]:
    """Whether less or more of it is better, and its unit."""
    if metric in SHARES:
        return SHARES[metric], "share"
    if metric in OF_THE_PROCESS:
        return "less", metric
    known = DEFINITION_BY_NAME.get(metric)
    if known is None:
        near = get_close_matches(metric, [*DEFINITION_BY_NAME, *SHARES], 1)
        meant = f"; did you mean {near[0]}?" if near else "; `docs/metrics.md` lists those there are"
        raise UnreadableBudget(place, f"there is no metric {metric!r}{meant}")
    if not known.better:
        raise UnreadableBudget(place, f"of {metric} neither less nor more is better")
    return known.better, known.unit


def _budget(limit: Mapping[str, Any], nature: tuple[str, str], place: str) -> Budget:
    given = {
        key: _value(limit[key], nature[1], f"{key} of {place}") for key in (*LEVELS, "gate", "aim") if key in limit
    }
    levels = [given[key] for key in LEVELS if key in given]
    if not levels:
        raise UnreadableBudget(place, "it needs a target")
    target = given.get("target", levels[0])
    more = nature[0] == "more"
    budget = Budget(
        target=target,
        warning=given.get("warning", target),
        critical=given.get("critical"),
        more_is_better=more,
        gate=given.get("gate"),
        aim=given.get("aim"),
    )
    if levels != sorted(levels, reverse=more):
        raise UnreadableBudget(place, f"target, warning and critical must {'fall' if more else 'rise'} in that order")
    return budget


def _value(value: object, unit: str, place: str) -> float:
    """A limit in the metric's own unit."""
    number = finite(value)
    if isinstance(value, str) and (found := _VALUE.fullmatch(value)):
        factor = _FACTORS.get((unit, found[2])) if found[2] else 1.0
        if factor is None:
            told = _UNITS.get(unit, "none")
            raise UnreadableBudget(place, f"{value!r} has a unit that it is not measured in ({told})")
        number = finite(float(found[1]) * factor)
    if number is None:
        raise UnreadableBudget(place, f"{value!r} is no number, such as 800, '800ms' or '1%'")
    if number < 0:
        raise UnreadableBudget(place, f"{value!r} is not a number from 0 up")
    if unit == "share" and number > 1:
        raise UnreadableBudget(place, f"a share is at most 1; say '{number:g}%'")
    return number


def _only(table: Mapping[str, Any], keys: Sequence[str], place: str) -> None:
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            raise UnreadableBudget(place, f"it has no {key!r}" + (f"; did you mean {near[0]}?" if near else ""))


def _texts(value: object, key: str, place: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise UnreadableBudget(place, f"{key} is a list of names, not {value!r}")
    return value


def _is_range(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    return all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in value) and (
        value[0] <= value[1]
    )


def _filter(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise UnreadableBudget(place, f"where is a filter such as 'engine=kokoro', not {value!r}")
    if value:
        try:
            read_filter(value, 0)
        except UnreadableFilter as why:
            raise UnreadableBudget(place, f"where: {why.why}") from why
    return value
