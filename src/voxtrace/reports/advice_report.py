"""What would help most, for a terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.judge.recommendations import Finding
from voxtrace.reports.json_report import distribution_to_json, interval_to_json, schema_name
from voxtrace.reports.words import COSTS, SPARES_NOBODY, amount, counted, percent, percentile

SHORT = 3  # findings below a report; the command has all
METHOD = (
    "Each turn is replayed with the change, and percentiles are nearest-rank over the replayed turns, never sums. "
    "Gains of different findings can't be added. Ordered by the waiting that all turns together would be spared; "
    "failed turns are left out."
)
_UNKNOWN = (
    "Unknown, for no turn says anything about it (that is no pass). What has to be logged, and what is known then:"
)
_RESTS = {
    "kept": "Within their thresholds",
    "hidden": "Over their thresholds, but a change would spare nobody waiting",
}
_PLAIN_UNITS = {"ms": "ms", "ratio": "ratio", "%": "%"}


def of_standing(findings: Sequence[Finding], *standings: str) -> list[Finding]:
    """Those of these standings, in their order."""
    return [finding for finding in findings if finding.standing in standings]


def title(finding: Finding) -> str:
    """Which rule, of which stage, and whose it is."""
    stage = DEFINITION_BY_NAME[finding.stage].name if finding.stage in DEFINITION_BY_NAME else finding.stage
    return f"{finding.rule} · {stage or 'the wait'} · {finding.owner}"


def seen(finding: Finding) -> str:
    """What was seen: the value, the threshold, and in how many turns."""
    value, low = finding.value, finding.is_limit_below
    middle = _amount(value.p50, finding.unit) if value.p50 is not None else "not measured"
    worst = value.p95 if not low else value.smallest
    tail = f", {'smallest' if low else 'p95'} {_amount(worst, finding.unit)}" if worst is not None else ""
    # Of what need not be at all, "at most 0 ms" would be no threshold that anybody could keep.
    threshold = f"{'at least' if low else 'at most'} {_amount(finding.limit, finding.unit)}"
    limit = threshold if finding.limit else "none of it is needed"
    share = percent(finding.broken / finding.measured) if finding.measured else "0.0%"
    unknown = finding.turns - finding.measured
    silent = f"; {counted(unknown, 'turn')} say nothing of it" if unknown else ""
    return f"p50 {middle}{tail} ({limit}); {finding.broken:,} of {counted(finding.measured, 'turn')} ({share}){silent}"


def _amount(value: float, unit: str) -> str:
    known = _PLAIN_UNITS.get(unit)
    return amount(value, known) if known else f"{amount(value, 'ratio')} {unit}"


def gained(finding: Finding) -> str:
    """What the replay says, in one line."""
    gain = finding.gain
    if finding.standing == "hidden":
        return SPARES_NOBODY + (f"; {COSTS}" if finding.is_repeated else "")
    if gain is None:
        return "no replay can say what it costs"
    before, after = gain.before, gain.after
    ends = f"p50 {percentile(before, before.p50, 'ms')} → {percentile(after, after.p50, 'ms')}"
    ends += f", p95 {percentile(before, before.p95, 'ms')}"
    ends += f" → {percentile(after, after.p95, 'ms')}" if after.p95 is not None else ""
    return f"{gain.until} {amount(gain.mean, 'ms')} sooner on average: {ends}"


def believed(finding: Finding) -> str:
    """How sure it is, with the reasons why it is not surer."""
    why = "; ".join(finding.confidence.why)
    return f"{finding.confidence.level} confidence" + (f" ({why})" if why else "")


def lines_of(finding: Finding) -> Iterator[str]:
    """What is said of one finding, below its title."""
    yield f"seen: {seen(finding)}"
    yield f"change: {finding.change}"
    yield f"gain: {gained(finding)}"
    yield f"{believed(finding)} · {finding.population} · threshold from {finding.source}"


def unknown(findings: Sequence[Finding]) -> Iterator[str]:
    """Of what nothing is known of: what has to be logged, and the rules that it tells about, the most first.

    Events that would tell about one rule only stand together by who has to note the last of them.
    """
    lacking: dict[tuple[str, ...], list[Finding]] = {}
    for finding in of_standing(findings, "unknown"):
        if finding.want is not None:
            lacking.setdefault(finding.want.events, []).append(finding)
    lines: dict[tuple[str, ...], list[Finding]] = {}
    for events, members in lacking.items():
        is_of_several = len(set(map(_named, members))) > 1
        lines.setdefault(events if is_of_several else (events[-1].partition(".")[0] if events else "",), []).extend(
            members
        )
    populations = {finding.population for finding in findings}
    told = [(len(set(map(_named, members))), _lacking(members, populations)) for members in lines.values()]
    for _, line in sorted(told, key=lambda each: (-each[0], each[1])):
        yield line


def _lacking(members: Sequence[Finding], populations: Collection[str]) -> str:
    events = dict.fromkeys(event for each in members if each.want for event in each.want.events)
    named = ", ".join(events) or "more"
    rules = ", ".join(sorted({_named(each) + _besides(each) for each in members}))
    where = {each.population for each in members}
    tail = "" if len(populations) == 1 else f" [{min(where)}]"
    return f"{named}: {rules}" + (f" [{len(where)} of {len(populations)} populations]" if len(where) > 1 else tail)


def _besides(finding: Finding) -> str:
    """What a rule needs besides the events."""
    want = finding.want
    if want is None:
        return ""
    words = [f"with {' and '.join(want.told)}"] if want.told else []
    words += [want.more] if want.more else []
    return f" ({', '.join(words)})" if words else ""


def rest(findings: Sequence[Finding]) -> Iterator[str]:
    """What is kept, and what nobody waits for, a line each of every population."""
    populations = sorted({finding.population for finding in findings})
    for population in populations:
        head = f"{population}. " if len(populations) > 1 else ""
        for standing, words in _RESTS.items():
            names = [_named(each) for each in of_standing(findings, standing) if each.population == population]
            if names:
                yield f"{head}{words}: {', '.join(names)}."


def _named(finding: Finding) -> str:
    words = finding.rule if finding.rule != "serial_calls" else f"serial_calls ({finding.stage})"
    if finding.standing != "hidden":
        return words
    return f"{words} ({seen(finding)}{f'; {COSTS}' if finding.is_repeated else ''})"


def advice_to_terminal(findings: Sequence[Finding], looked_at: int, head: Sequence[str] = ()) -> RenderableType:
    """For people at a terminal; `head` are lines below the title."""
    blocks: list[RenderableType] = [Text(f"WHAT WOULD HELP MOST ({counted(looked_at, 'turn')})", style="bold")]
    blocks += [*map(Text, head), Text()]
    first = of_standing(findings, "helps", "open")
    for number, finding in enumerate(first, 1):
        blocks.append(Text(f"{number}. {title(finding)}", style="bold"))
        blocks += [Padding(Text(line), (0, 0, 0, 3)) for line in lines_of(finding)]
        blocks.append(Text())
    if not first:
        blocks += [Text("No threshold was crossed by anything that somebody waited for."), Text()]
    if lines := list(unknown(findings)):
        blocks += [Text(_UNKNOWN), _bullets(lines), Text()]
    for line in rest(findings):
        blocks += [Text(line), Text()]
    return Stack(*blocks, Text(METHOD, style="dim"))


def _bullets(lines: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row("-", Text(line))
    return table


def advice_to_markdown(findings: Sequence[Finding], looked_at: int, head: Sequence[str] = ()) -> str:
    """For an issue, a chat or a file; `head` are lines below the title."""
    lines = [f"# What would help most ({counted(looked_at, 'turn')})", ""]
    lines += [*head, ""] if head else []
    for number, finding in enumerate(of_standing(findings, "helps", "open"), 1):
        lines += [f"## {number}. {title(finding)}", "", *(f"- {line}" for line in lines_of(finding)), ""]
    if told := list(unknown(findings)):
        lines += [_UNKNOWN, "", *(f"- {line}" for line in told), ""]
    for line in rest(findings):
        lines += [line, ""]
    return "\n".join([*lines, f"_{METHOD}_", ""])


def short_advice(findings: Sequence[Finding]) -> list[str]:
    """A line for each of the first findings, for the end of a report; none where nothing is to say."""
    first = of_standing(findings, "helps", "open")
    lines = [
        f"{number}. {title(finding)}: {gained(finding)} ({finding.population}); {finding.confidence.level} confidence. "
        f"{finding.change}"
        for number, finding in enumerate(first[:SHORT], 1)
    ]
    return [*lines, f"and {len(first) - SHORT} more"] if len(first) > SHORT else lines


def advice_to_json(findings: Sequence[Finding], looked_at: int) -> dict[str, Any]:
    """For programs."""
    return {"schema": schema_name("recommend"), **findings_to_json(findings, looked_at)}


def findings_to_json(findings: Sequence[Finding], looked_at: int) -> dict[str, Any]:
    """The same as a part of something else."""
    return {
        "turns": looked_at,
        "method": METHOD,
        "findings": [finding_to_json(finding) for finding in findings],
    }


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """One finding."""
    gain = finding.gain
    return {
        "rule": finding.rule,
        "population": finding.population,
        "stage": finding.stage,
        "owner": finding.owner,
        "standing": finding.standing,
        "seen": seen(finding),
        "gain_words": gained(finding) if finding.standing in ("helps", "open", "hidden") else None,
        "change": finding.change,
        "want": None
        if finding.want is None
        else {
            "events": list(finding.want.events),
            "with": list(finding.want.told),
            "words": finding.want.more or None,
        },
        "certainty": finding.certainty,
        "confidence": {"level": finding.confidence.level, "why": list(finding.confidence.why)},
        "threshold": {
            "limit": finding.limit,
            "unit": finding.unit,
            "is": "at least" if finding.is_limit_below else "at most",
            "source": finding.source,
        },
        "turns": finding.turns,
        "measured": finding.measured,
        "broken": finding.broken,
        "value": distribution_to_json(finding.value),
        "gain": None
        if gain is None
        else {
            "until": gain.until.replace(" ", "_"),
            "mean_ms": round(gain.mean, 3),
            "touched": gain.touched,
            "before_ms": distribution_to_json(gain.before),
            "after_ms": distribution_to_json(gain.after),
            "gained_by_a_touched_turn_ms": {
                **distribution_to_json(gain.gained),
                "intervals": {name: interval_to_json(each) for name, each in gain.gained.intervals.items()},
            },
        },
    }
