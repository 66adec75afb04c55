"""Budgets by name: those that come with the house, and those of a file."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from voxtrace.analysis import Population
from voxtrace.judge.budget_files import read_toml
from voxtrace.judge.budgets import Budget, Profile, UnreadableBudget
from voxtrace.judge.foreign_budgets import read_json

# A budget is some lines of text; what is longer is another file.
MOST_BYTES = 1_000_000


@lru_cache(maxsize=1)
def packaged() -> Mapping[str, tuple[Profile, ...]]:
    """The budgets that come with the house."""
    return read_toml(Path(__file__).with_name("budgets.toml").read_text("utf-8"), "budgets.toml")


def budget_for(population: Population, metric: str) -> Budget | None:
    """The limits of `metric` for turns of `population`, or None where nobody has set any.

    Requests that do not say whether they were cached are held to what is asked of uncached ones.
    """
    for profile, *more in packaged().values():
        if more or profile.is_slice or not profile.kind or not profile.covers(population):
            continue
        for line in profile.lines:
            if metric in line.metrics:
                return line.budget
    return None


def share_budget(name: str) -> Budget:
    """The limits of a share, such as `error_rate`."""
    lines = (line for profiles in packaged().values() for profile in profiles for line in profile.lines)
    return next(line.budget for line in lines if name in line.metrics)


def budgets_named(asked: str) -> tuple[Profile, ...]:
    """The budget of that name, else all of the file of that name.

    Raises:
        UnreadableBudget: there is neither, or the file can't be read.
    """
    known = packaged()
    if asked in known:
        return known[asked]
    path = Path(asked)
    if not path.exists():
        near = get_close_matches(asked, known, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UnreadableBudget(repr(asked), f"neither one of {', '.join(known)} nor a file{meant}")
    text = _text_of(path)
    if text.lstrip().startswith("{"):
        return read_json(text, asked)
    found = read_toml(text, asked, known)
    # One that stands for several has members that stand for themselves as well.
    return tuple(dict.fromkeys(profile for profiles in found.values() for profile in profiles))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as why:
        raise UnreadableBudget(str(path), why.strerror or str(why)) from why
    except UnicodeDecodeError as why:
        raise UnreadableBudget(str(path), "it is not UTF-8 text") from why
    if len(content) > MOST_BYTES:
        raise UnreadableBudget(str(path), f"it is longer than {MOST_BYTES:,} bytes")
    return text
