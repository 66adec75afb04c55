"""What a change would do, for a terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.whatif import Effect, Wish
from voxtrace.reports.json_report import distribution_to_json, interval_to_json, schema_name
from voxtrace.reports.words import NONE, counted, interval, percentile
from voxtrace.reports.words import coverage as measured

INTERVAL = "95 % interval"
HEAD = ("until", "", "p50", INTERVAL, "p95", INTERVAL, "measured")
METHOD = (
    "Each turn is replayed: a step waits for what had ended when it began, and what no event explains stays as long as "
    "it was. Percentiles are nearest-rank over the replayed turns, never sums; intervals are order statistics (exact "
    "binomial) and tell of these turns, not of how well the change will work. Failed turns are left out."
)


def title(wishes: Sequence[Wish]) -> str:
    """What is supposed."""
    return f"What if: {'; '.join(wish.told for wish in wishes)}"


def rows(effect: Effect) -> Iterator[tuple[str, ...]]:
    """Before, after and what each turn gains."""
    for outcome in effect.outcomes:
        yield _row(outcome.name, "before", outcome.before)
        yield _row("", "after", outcome.after)
        yield _row("", "gained by a turn", outcome.gained)


def _row(name: str, what: str, of: Distribution) -> tuple[str, ...]:
    p50, p95 = percentile(of, of.p50, "ms"), percentile(of, of.p95, "ms")
    return name, what, p50, interval(of, "p50", "ms"), p95, interval(of, "p95", "ms"), measured(of)


def coverage(effect: Effect) -> str:
    """How many turns were replayed, how many have a changed step, and why others could not be."""
    said = f"{effect.replayed:,} of {counted(effect.turns, 'turn')} replayed, {effect.touched:,} with a changed step"
    refused = "; ".join(f"{count:,} not: {why}" for why, count in effect.unplayable)
    return f"{said}; {refused}" if refused else said


def whatif_to_terminal(wishes: Sequence[Wish], effects: Sequence[Effect], head: Sequence[str] = ()) -> RenderableType:
    """For people at a terminal; `head` are lines below the title."""
    blocks: list[RenderableType] = [Text(title(wishes)), *map(Text, head), Text()]
    for effect in effects:
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
        lines = list(rows(effect))
        # Few turns have no interval: two columns of dashes would take the room of the words.
        shown = [
            place for place, name in enumerate(HEAD) if name != INTERVAL or any(row[place] != NONE for row in lines)
        ]
        for place in shown:
            table.add_column(HEAD[place], justify="left" if place < 2 else "right")
        for row in lines:
            table.add_row(*(row[place] for place in shown))
        blocks += [Text(effect.population, style="bold"), Text(coverage(effect)), table, Text()]
    return Stack(*blocks, Text(METHOD, style="dim"))


def whatif_to_markdown(wishes: Sequence[Wish], effects: Sequence[Effect], head: Sequence[str] = ()) -> str:
    """For an issue, a chat or a file; `head` are lines below the title."""
    lines = [f"# {title(wishes)}", ""]
    lines += [*head, ""] if head else []
    for effect in effects:
        lines += [f"## {effect.population}", "", coverage(effect), ""]
        aligned = ["---" if index < 2 else "---:" for index in range(len(HEAD))]
        lines += ["| " + " | ".join(cells) + " |" for cells in (HEAD, aligned, *rows(effect))]
        lines.append("")
    return "\n".join([*lines, f"_{METHOD}_", ""])


def whatif_to_json(wishes: Sequence[Wish], effects: Sequence[Effect]) -> dict[str, Any]:
    """For programs."""
    return {
        "schema": schema_name("whatif"),
        "changes": [{"step": wish.step, "told": wish.told} for wish in wishes],
        "method": METHOD,
        "populations": [
            {
                "name": effect.population,
                "turns": effect.turns,
                "replayed": effect.replayed,
                "touched": effect.touched,
                "not_replayed": [{"why": why, "turns": count} for why, count in effect.unplayable],
                "outcomes": {
                    outcome.name.replace(" ", "_") + "_ms": {
                        "before": _told(outcome.before),
                        "after": _told(outcome.after),
                        "gained": _told(outcome.gained),
                    }
                    for outcome in effect.outcomes
                },
            }
            for effect in effects
        ],
    }


def _told(of: Distribution) -> dict[str, object]:
    intervals = {name: interval_to_json(each) for name, each in of.intervals.items()}
    return {**distribution_to_json(of), "method": of.method, "intervals": intervals}
