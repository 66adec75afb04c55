"""The thresholds of the advice: data in `thresholds.toml`, and a file of the user's own over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import fields, replace

from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.errors import EXIT_USAGE, VoxtraceError

Kind = Literal["conversation", "speech", "any"]
Owner = Literal["setting", "service", "own code", "network", "queue"]
# fmt: off
Measure = Literal[
    "step", "metric", "pace", "repeated", "serial", "queue", "unexplained", "prompt", "reuse", "hits", "cold"
]
WhatIf = Literal["cap", "gone", "beside", "needed", "sooner", "pace", "shorter prompt", "cached", "warm", "none"]
# fmt: on
BUILT_IN = "thresholds.toml"
MOST_BYTES = 1_000_000  # a file of thresholds is written by hand

_CHOICES = {"kind": Kind, "owner": Owner, "measure": Measure, "what_if": WhatIf, "certainty": Certainty}
_NUMBERS = ("over", "under")


class BadThresholds(VoxtraceError):
    """A file of thresholds can't be used."""

    exit_code = EXIT_USAGE

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the thresholds of {where} can't be used: {why}; docs/recommendations.md shows the form")
        self.where, self.why = where, why


class Rule(Struct, frozen=True):
    """One threshold: what is measured, from where on it is too much, whose it is and what to change."""

    name: str
    kind: Kind  # of the turns that it is about
    measure: Measure
    unit: str
    owner: Owner
    source: str  # which plan says so
    change: str
    what_if: WhatIf
    of: str = ""  # the step or the metric
    over: float | None = None
    under: float | None = None
    to: str = ""  # a metric
    certainty: Certainty = "certain"

    @property
    def limit(self) -> float:
        """The threshold itself, in the rule's unit."""
        return self.over if self.over is not None else self.under or 0.0

    def is_broken_by(self, value: float) -> bool:
        """Whether `value` is on the wrong side."""
        return value > self.over if self.over is not None else value < (self.under or 0.0)


_NEEDED = tuple(each.name for each in fields(Rule) if each.required)
_KEYS = frozenset(each.name for each in fields(Rule))


@cache
def thresholds() -> tuple[Rule, ...]:
    """Those that come with Voxtrace, in the order in which a turn meets the stages."""
    text = Path(__file__).with_name(BUILT_IN).read_text("utf-8")
    return tuple(_rule(BUILT_IN, table) for table in _tables(BUILT_IN, text))


def read_thresholds(path: Path) -> tuple[Rule, ...]:
    """The built-in thresholds with those of a file over them, rule by rule; new ones stand behind.

    Raises:
        BadThresholds: the file can't be read, or one of its rules means nothing.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as failed:
        raise BadThresholds(str(path), failed.strerror or "it can't be read") from failed
    if len(raw) > MOST_BYTES:
        raise BadThresholds(str(path), f"it has more than {MOST_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as failed:
        raise BadThresholds(str(path), "it is no UTF-8 text") from failed
    known = {rule.name: rule for rule in thresholds()}
    for table in _tables(str(path), text):
        name = str(table.get("name", ""))
        known[name] = _changed(str(path), known[name], table) if name in known else _rule(str(path), table)
    return tuple(known.values())


def _tables(where: str, text: str) -> list[dict[str, Any]]:
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as failed:
        raise BadThresholds(where, f"it is no TOML: {failed}") from failed
    tables = written.get("rule")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables) or not tables:
        raise BadThresholds(where, "it has no [[rule]]")
    if others := sorted(written.keys() - {"rule"}):
        raise BadThresholds(where, f"it has {', '.join(others)}, which means nothing; a rule begins with [[rule]]")
    names = [str(each.get("name", "")) for each in tables]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadThresholds(where, f"rule {twice[0]!r} stands there twice")
    return tables


def _rule(where: str, table: Mapping[str, Any]) -> Rule:
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise BadThresholds(where, f"rule {table.get('name', '')!r} lacks {', '.join(missing)}")
    _check_values(where, table)
    rule = Rule(**_typed(table))
    return _whole(where, rule)


def _changed(where: str, rule: Rule, table: Mapping[str, Any]) -> Rule:
    _check_values(where, table)
    given = _typed(table)
    if "over" in given and "under" not in given:
        given["under"] = None
    elif "under" in given and "over" not in given:
        given["over"] = None
    return _whole(where, replace(rule, **given))


def _typed(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float(value) if key in _NUMBERS else value for key, value in table.items()}


def _check_values(where: str, table: Mapping[str, Any]) -> None:
    name = table.get("name", "")
    for key, value in table.items():
        if key not in _KEYS:
            raise BadThresholds(where, f"rule {name!r} has {key!r}; there are: {', '.join(sorted(_KEYS))}")
        if key in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
                raise BadThresholds(where, f"{key} of rule {name!r} is {value!r}, and has to be a number from 0 on")
        elif not isinstance(value, str) or (not value and key in _NEEDED):
            raise BadThresholds(where, f"{key} of rule {name!r} is {value!r}, and has to be a text")
        elif key in _CHOICES and value not in (known := get_args(_CHOICES[key])):
            raise BadThresholds(where, f"{key} of rule {name!r} is {value!r}; there are: {', '.join(known)}")


# What each measure can be replayed as: a cap needs a step, and so on.
_FITS: dict[Measure, tuple[WhatIf, ...]] = {
    "step": ("cap", "gone", "needed", "none"),
    "metric": ("sooner", "none"),
    "pace": ("pace", "none"),
    "repeated": ("gone", "none"),
    "serial": ("beside", "none"),
    "queue": ("gone", "none"),
    "unexplained": ("none",),
    "prompt": ("shorter prompt", "none"),
    "reuse": ("none",),
    "hits": ("cached", "none"),
    "cold": ("warm", "none"),
}


def _whole(where: str, rule: Rule) -> Rule:
    if (rule.over is None) == (rule.under is None):
        raise BadThresholds(where, f"rule {rule.name!r} needs either over or under")
    if rule.what_if not in (fits := _FITS[rule.measure]):
        raise BadThresholds(
            where, f"rule {rule.name!r} measures {rule.measure!r}, whose what_if is one of: {', '.join(fits)}"
        )
    if rule.measure in ("step", "metric") and not rule.of:
        raise BadThresholds(where, f"rule {rule.name!r} lacks of: the {rule.measure} that it measures")
    metrics = [rule.of] if rule.measure == "metric" else []
    metrics += [rule.to] if rule.what_if == "needed" else []
    for metric in metrics:
        if metric not in DEFINITION_BY_NAME:
            raise BadThresholds(where, f"rule {rule.name!r} names {metric!r}, which is no metric (docs/metrics.md)")
    if rule.what_if == "cap" and rule.over is None:
        raise BadThresholds(where, f"rule {rule.name!r} can't cap a step without over")
    return rule
