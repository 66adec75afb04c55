"""A comparison of two populations for a terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from voxtrace.analysis.compare import Comparison, Stratum
from voxtrace.analysis.shifts import Shift, Side
from voxtrace.analysis.statistics.ratio import Ratio
from voxtrace.analysis.verdicts import Judged
from voxtrace.reports.json_report import interval_to_json, schema_name
from voxtrace.reports.words import NONE, amount, counted

HEAD = ("number", "A p50", "B p50", "B / A", "95 % interval", "A p95", "B p95", "B / A", "B is", "measured A", "B")
METHOD = (
    "B / A of medians: t of log ratios, paired where one session or run has both sides, else Welch's over their "
    "medians; where there are fewer than 5 on a side, order-statistic intervals joined by MOVER, and Mann-Whitney U. "
    "B / A of p95: order statistics, MOVER, every turn for itself. p is corrected for the number of numbers "
    "(Benjamini-Hochberg). A median needs 20 turns on a side, a p95 93; a difference below 5 % is none."
)
_PLACES = 6
_WORDS = frozenset({"B is"})  # columns that hold no number


def headline(comparison: Comparison, stratum: Stratum) -> str:
    """The verdict in words."""
    if not stratum.shifts:
        return "no number was measured on both sides"
    head = stratum.shifts[0]
    said = f"{head.name}: {_verdict_words(head.judged)}"
    if head.ratio is not None:
        units = f"{counted(head.ratio.units, stratum.units)}" if head.test.endswith(("ratios", "medians")) else "turns"
        said += f", {_factor(head.ratio)} as long as A ({_interval(head.ratio)}; {head.ratio.method} over {units})"
        if head.unit != "ms":
            said = said.replace(" as long as A", " times A")
    if head.judged.verdict == "inconclusive":
        said += f": {head.judged.why}"
    moved = [shift for shift in stratum.shifts if shift.is_part and shift.judged.verdict in ("slower", "faster")]
    if moved:
        most = max(moved, key=lambda shift: abs((shift.b.p50 or 0) - (shift.a.p50 or 0)))
        difference = (most.b.p50 or 0) - (most.a.p50 or 0)
        said += f". The step that moved most is {most.name}, by {difference:+,.1f} ms in the middle"
    return said


def _verdict_words(judged: Judged) -> str:
    if judged.verdict in ("same", "inconclusive"):
        return "no difference" if judged.verdict == "same" else "inconclusive"
    return f"B is {judged.verdict}" + (f" ({judged.severity})" if judged.severity else "")


def rows(shifts: Sequence[Shift]) -> Iterator[tuple[str, ...]]:
    """One row a number that differs, or that may."""
    for shift in shifts:
        bound = "≥ " if shift.is_bound else ""
        yield (
            shift.name,
            bound + _value(shift.a.p50, shift.unit, shift.a.measured),
            bound + _value(shift.b.p50, shift.unit, shift.b.measured),
            NONE if shift.ratio is None else _factor(shift.ratio),
            NONE if shift.ratio is None else _interval(shift.ratio),
            _value(shift.a.p95, shift.unit, shift.a.measured),
            _value(shift.b.p95, shift.unit, shift.b.measured),
            NONE if shift.p95_ratio is None else _factor(shift.p95_ratio),
            _cell(shift.judged),
            f"{shift.a.measured:,}/{shift.a.expected:,}",
            f"{shift.b.measured:,}/{shift.b.expected:,}",
        )


def _cell(judged: Judged) -> str:
    return judged.verdict + (f", {judged.severity}" if judged.severity else "")


def _factor(ratio: Ratio) -> str:
    return f"{ratio.value:.2f}×"


def _interval(ratio: Ratio) -> str:
    ends = ("?" if end is None else f"{end:.2f}" for end in (ratio.interval.low, ratio.interval.high))
    return " – ".join(ends)


def _value(value: float | None, unit: str, measured: int) -> str:
    return f"{NONE} (n={measured})" if value is None else amount(value, unit)


def _parted(stratum: Stratum) -> tuple[list[Shift], list[Shift], list[str]]:
    """Numbers and parts to show, and the names of what is the same on both sides."""
    shown = [shift for shift in stratum.shifts if shift.judged.verdict != "same" or shift is stratum.shifts[0]]
    same = [shift.name for shift in stratum.shifts if shift not in shown and not shift.is_part]
    return [each for each in shown if not each.is_part], [each for each in shown if each.is_part], same


def title(comparison: Comparison) -> list[str]:
    """What is compared."""
    return [
        f"A: {comparison.a} · {counted(comparison.turns_a, 'turn')}",
        f"B: {comparison.b} · {counted(comparison.turns_b, 'turn')}",
    ]


def comparison_to_terminal(comparison: Comparison) -> RenderableType:
    """For people at a terminal."""
    blocks: list[RenderableType] = [Text("\n".join(title(comparison))), Text()]
    for stratum in comparison.strata:
        numbers, parts, same = _parted(stratum)
        size = f"{stratum.turns_a:,} and {counted(stratum.turns_b, 'turn')}"
        blocks += [Text(f"{stratum.name} · {size}", style="bold"), Text(headline(comparison, stratum)), Text()]
        blocks += [_table(HEAD, rows(numbers)), Text()] if numbers else []
        if parts:
            blocks += [_table(("step", *HEAD[1:]), rows(parts)), Text()]
        if same:
            blocks += [Text(f"The same: {', '.join(same)}."), Text()]
        blocks += [Text(f"Note: {note}.", style="yellow") for note in stratum.notes]
        blocks += [Text()] if stratum.notes else []
    if not comparison.strata:
        blocks += [Text("inconclusive: no turn of A has a counterpart of its kind in B", style="yellow")]
    blocks += [Text(f"{note}.", style="yellow") for note in comparison.notes]
    return Stack(*blocks, Text(METHOD, style="dim"))


def _table(head: Sequence[str], lines: Iterator[tuple[str, ...]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for index, name in enumerate(head):
        table.add_column(name, justify="left" if name in _WORDS or not index else "right")
    for line in lines:
        table.add_row(*line)
    return table


def comparison_to_markdown(comparison: Comparison) -> str:
    """For an issue, a chat or a file."""
    lines = ["# Comparison", "", *(f"- {line}" for line in title(comparison)), ""]
    for stratum in comparison.strata:
        numbers, parts, same = _parted(stratum)
        size = f"{stratum.turns_a:,} and {counted(stratum.turns_b, 'turn')}"
        lines += [f"## {stratum.name} ({size})", "", headline(comparison, stratum), ""]
        lines += _markdown(HEAD, rows(numbers)) if numbers else []
        if parts:
            lines += _markdown(("step", *HEAD[1:]), rows(parts))
        lines += [f"The same: {', '.join(same)}.", ""] if same else []
        lines += [f"> {note}.\n" for note in stratum.notes]
    if not comparison.strata:
        lines += ["Inconclusive: no turn of A has a counterpart of its kind in B.", ""]
    lines += [f"{note}.\n" for note in comparison.notes]
    return "\n".join([*lines, f"_{METHOD}_", ""])


def _markdown(head: Sequence[str], lines: Iterator[tuple[str, ...]]) -> list[str]:
    aligned = ["---" if name in _WORDS or not index else "---:" for index, name in enumerate(head)]
    return [
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in (head, aligned, *lines)),
        "",
    ]


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """For programs: everything, each number with its method."""
    return {
        "schema": schema_name("comparison"),
        "a": {"filter": comparison.a, "turns": comparison.turns_a},
        "b": {"filter": comparison.b, "turns": comparison.turns_b},
        "looked_at": comparison.looked_at,
        "strata": [
            {
                "name": stratum.name,
                "common": dict(stratum.common),
                "turns_a": stratum.turns_a,
                "turns_b": stratum.turns_b,
                "units": stratum.units,
                "verdict": headline(comparison, stratum),
                "shifts": [_shift_to_json(shift) for shift in stratum.shifts],
                "notes": list(stratum.notes),
            }
            for stratum in comparison.strata
        ],
        "notes": list(comparison.notes),
    }


def _shift_to_json(shift: Shift) -> dict[str, object]:
    return {
        "name": shift.name,
        "is_part": shift.is_part,
        "unit": shift.unit,
        "bound": "lower" if shift.is_bound else "exact",
        "a": _side_to_json(shift.a),
        "b": _side_to_json(shift.b),
        "p50": {**_ratio_to_json(shift.ratio), "test": shift.test, "p": shift.p, "adjusted_p": shift.adjusted_p,
                **_judged_to_json(shift.judged)},
        "p95": {**_ratio_to_json(shift.p95_ratio), **_judged_to_json(shift.judged_p95)},
    }  # fmt: skip


def _side_to_json(side: Side) -> dict[str, object]:
    return {
        name: None if (value := getattr(side, name)) is None else round(value, _PLACES)
        for name in ("measured", "expected", "p50", "p95")
    }


def _ratio_to_json(ratio: Ratio | None) -> dict[str, object]:
    if ratio is None:
        return {"ratio": None}
    return {"ratio": round(ratio.value, _PLACES), "interval": interval_to_json(ratio.interval), "units": ratio.units}


def _judged_to_json(judged: Judged) -> dict[str, object]:
    return {"verdict": judged.verdict, "severity": judged.severity, "why": judged.why}
