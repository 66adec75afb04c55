"""Turns and lists of turns for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxtrace.analysis import Mark, Measured, Turn
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.reports.path_report import path_to_terminal
from voxtrace.reports.waterfall import waterfall
from voxtrace.reports.words import NONE, amount, order_words, point_in_time, state, unordered, whole
from voxtrace.units import millis

# What a list shows of each kind of turn: the number that matters most.
HEADLINE = {"speech": ("ttfa_ms", "first_audio_ms", "ttfb_ms"), "conversation": ("voice_to_voice_ms",), "events": ()}
_ID_WIDTH = 18  # characters of an id in a list; `show` takes any piece of one that is like no other
_WIDE = 100  # columns in which a list has room for everything
_NARROW_ID_WIDTH = 8
_MARK_LIMIT = 60  # lines of a timeline; a long article has thousands of chunks


def one_turn(turn: Turn, width: int = 100, *, raw: bool = False) -> RenderableType:
    """Everything about one request: head, waterfall, timeline, numbers, findings.

    Args:
        turn: the request.
        width: columns of the terminal.
        raw: beside each corrected time the one that the event's own wall clock tells.
    """
    blocks: list[RenderableType] = [_head(turn), Text()]
    doubt = [Text(words, style="yellow")] if (words := order_words(turn)) else []
    if turn.parts:
        blocks += [Text("WHERE THE TIME WENT", style="bold"), *doubt, waterfall(turn, width)]
    path = path_to_terminal(turn)
    if path is not None:
        blocks.append(path)
    if turn.marks:
        tail = f" ({words})" if (words := unordered(turn)) else ""
        blocks += [Text(f"TIMELINE{tail}", style="bold"), _timeline(turn, raw=raw)]
    if turn.metrics:
        blocks += [Text("NUMBERS", style="bold"), _numbers(turn)]
    if turn.findings or turn.clock_note:
        blocks += [Text("WHAT TO KNOW", style="bold"), _findings(turn)]
    return Stack(*blocks)


def _head(turn: Turn) -> Text:
    labels = turn.labels
    words = [turn.kind, labels.outcome if labels.outcome != "unknown" else "end not logged"]
    words += [f"error {labels.error}"] if labels.error else []
    words += [f"session {turn.session_id}"] if turn.session_id else []
    words += [word for word in (labels.engine, labels.voice, labels.format) if word]
    words += [f"cache {labels.cache}"] if labels.cache != "unknown" else []
    words += [labels.transport] if labels.transport not in ("", "http") else []
    words += [f"mode {labels.mode}"] if labels.mode else []
    words += [f"begun by {labels.hedged}"] if labels.hedged else []
    words += [f"{labels.text_chars} characters"] if labels.text_chars is not None else []
    head = Text()
    head.append(f"Request {turn.request_id}", style="bold")
    head.append(f"\n{' · '.join(words)}\n{point_in_time(turn.started_wall_ns)} · total {whole(turn)}")
    for name in HEADLINE[turn.kind]:
        metric = turn.metrics.get(name)
        if metric is not None:
            head.append(f"\n{name}  ")
            head.append(state(name, metric), style="bold" if metric.measured else "yellow")
            head.append(f"  ({metric.note})" if metric.note else "")
    return head


def _timeline(turn: Turn, *, raw: bool) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=True)
    table.add_column("at", justify="right", no_wrap=True)
    if raw:
        table.add_column("raw", justify="right", no_wrap=True, style="dim")
    table.add_column("service", no_wrap=True)
    table.add_column("event", no_wrap=True)
    # What is left of the line: long facts would push the columns in front of them out of it.
    table.add_column("facts", style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
    marks = turn.marks
    half = _MARK_LIMIT // 2
    shown = marks if len(marks) <= _MARK_LIMIT else (*marks[:half], None, *marks[-half:])
    for mark in shown:
        if mark is None:
            table.add_row(
                "…", *([""] if raw else []), "", f"{len(marks) - _MARK_LIMIT} more", "voxtrace show ID --json has all"
            )
        else:
            told = [amount(millis(mark.at if mark.raw is None else mark.raw), "ms")] if raw else []
            table.add_row(amount(millis(mark.at), "ms"), *told, mark.service, mark.name, _facts(mark))
    return Padding(table, (0, 0, 1, 0))


def _facts(mark: Mark) -> str:
    return " ".join(f"{key}={value}" for key, value in mark.metadata.items() if not isinstance(value, dict | list))


def _numbers(turn: Turn) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("metric", no_wrap=True)
    table.add_column("value")
    table.add_column("from → to", style="dim", overflow="fold")
    for name, metric in turn.metrics.items():
        ends = f"{metric.start} → {metric.end}" if metric.start else DEFINITION_BY_NAME[name].meaning
        value = Text(state(name, metric), style="" if metric.measured else "yellow")
        if metric.note:
            value.append(f"  ({metric.note})", style="dim")
        table.add_row(name, value, ends)
    return Padding(table, (0, 0, 1, 0))


def _findings(turn: Turn) -> RenderableType:
    text = Text()
    for finding in turn.findings:
        text.append(f"{finding.rule}: ", style="yellow")
        text.append(f"{finding.message}\n")
    if turn.clock_note:
        for sentence in turn.clock_note.split("; clock of "):
            text.append("clocks: ", style="yellow")
            text.append(f"{sentence.removeprefix('clock of ')}\n")
    return text


def list_of_turns(turns: Sequence[Measured], width: int = 120) -> RenderableType:
    """One line a request, newest first as they are given; where it is narrow, without what can be missed best."""
    is_wide = width >= _WIDE
    heard = [headline(turn) for turn in turns]
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    table.add_column("started (UTC)", no_wrap=True, min_width=14)
    table.add_column("request", no_wrap=True, overflow="crop", min_width=8)
    if is_wide:
        table.add_column("kind", no_wrap=True)
    table.add_column("outcome", no_wrap=True, min_width=7)
    # A number that lost its end would be another number.
    table.add_column("heard after", justify="right", no_wrap=True, min_width=max(map(len, [*heard, "heard after"])))
    table.add_column("total", justify="right", no_wrap=True, min_width=9)
    table.add_column("slowest step", no_wrap=True, overflow="ellipsis")
    if is_wide:
        table.add_column("stalls", justify="right", no_wrap=True, min_width=6)
    for turn, after in zip(turns, heard, strict=True):
        table.add_row(
            point_in_time(turn.started_wall_ns)[len("2025-") : len("2025-11-27 14:30:05")],
            short_id(turn.request_id, _ID_WIDTH if is_wide else _NARROW_ID_WIDTH),
            *([turn.kind] if is_wide else []),
            turn.labels.outcome if turn.labels.outcome != "unknown" else NONE,
            after,
            whole(turn),
            _slowest(turn, is_wide),
            *([state("stall_count", turn.metrics["stall_count"]) if _stalls_known(turn) else NONE] if is_wide else []),
        )
    return table


def _slowest(turn: Measured, is_wide: bool) -> str:
    if turn.slowest is None:
        return NONE
    return f"{turn.slowest.name} {amount(millis(turn.slowest.length), 'ms')}" if is_wide else turn.slowest.name


def short_id(request_id: str, width: int = _ID_WIDTH) -> str:
    """As much of an id as a list has room for: random ones differ at their beginning, made ones at their end."""
    if len(request_id) <= width:
        return request_id
    is_random = all(character in "0123456789abcdef-" for character in request_id)
    return request_id[:width] if is_random else request_id[-width:]


def _stalls_known(turn: Measured) -> bool:
    stalls = turn.metrics.get("stall_count")
    return stalls is not None and stalls.measured


def headline(turn: Measured) -> str:
    """The time until somebody heard something, by the best definition that was measured; named if not the best."""
    names = HEADLINE[turn.kind]
    for name in names:
        metric = turn.metrics.get(name)
        if metric is not None and metric.measured:
            value = state(name, metric)
            return value if name == names[0] else f"{name} {value}"
    return NONE
