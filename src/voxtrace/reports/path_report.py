"""What the first sound of a turn waited for, which chunk had how much slack, and what could be better."""

from __future__ import annotations

from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxtrace.analysis import Turn
from voxtrace.analysis.chunks import SpeechChunk
from voxtrace.analysis.critical_path import CriticalPath, critical_path, shares
from voxtrace.analysis.remarks import Remark
from voxtrace.reports.words import NONE, amount, percent, unordered
from voxtrace.units import Nanos, millis

_PLACES = 3
MOST_CHUNKS = 12  # lines of a terminal; those that matter are among them


def path_to_json(turn: Turn) -> dict[str, Any]:
    """As `show --json` and the dashboard have it. Lengths are in milliseconds, places on the turn's own axis."""
    path = critical_path(turn)
    return {
        "begin_ms": _ms(path.begin),
        "end_ms": _ms(path.end),
        "until": "first_audio" if path.is_heard else "last_event",
        "links": [{"name": link.name, "begin_ms": _ms(link.begin), "end_ms": _ms(link.end)} for link in path.links],
        "shares": [{"name": name, "ms": _ms(length), "share": round(share, 6)} for name, length, share in shares(path)],
        "beside": [
            {"name": step.name, "begin_ms": _ms(step.begin), "end_ms": _ms(step.end), "slack_ms": _ms(step.slack)}
            for step in path.beside
        ],
        "chunks": [_chunk_to_json(chunk) for chunk in path.chunks],
        "gap_ms": _ms(path.gap),
        "stream": _stream_to_json(path),
        "remarks": [remark_to_json(remark) for remark in path.remarks],
    }


def remark_to_json(remark: Remark) -> dict[str, object]:
    """One remark."""
    return {
        "rule": remark.rule,
        "certainty": remark.certainty,
        "message": remark.message,
        "gain_ms": _ms(remark.gain),
    }


def _chunk_to_json(chunk: SpeechChunk) -> dict[str, object]:
    return {
        "name": chunk.name,
        "state": chunk.state,
        "begin_ms": _ms(chunk.begin),
        "ready_ms": _ms(chunk.ready),
        "end_ms": _ms(chunk.end),
        "audio_ms": _ms(chunk.audio),
        "needed_by_ms": _ms(chunk.needed_by),
        "slack_ms": _ms(chunk.slack),
        "rtf": None if chunk.rtf is None else round(chunk.rtf, 6),
        "overlapped": round(chunk.overlapped, 6),
    }


def _stream_to_json(path: CriticalPath) -> dict[str, object] | None:
    slack = path.stream_slack
    if not slack:
        return None
    late = sum(each < 0 for each in slack)
    return {"arrivals": len(slack), "smallest_slack_ms": _ms(min(slack)), "starving": late}


def _ms(nanos: Nanos | None) -> float | None:
    return None if nanos is None else round(millis(nanos), _PLACES)


def path_to_terminal(turn: Turn) -> RenderableType | None:
    """The path, the chunks and the remarks of a turn; None where the waterfall has said it all."""
    path = critical_path(turn)
    blocks: list[RenderableType] = []
    if path.links and (turn.kind == "conversation" or path.beside):
        until = "the first sound" if path.is_heard else "the last event"
        took = amount(millis(Nanos(path.end - path.begin)), "ms")
        took = ", ".join(filter(None, [took, unordered(turn)]))
        blocks += [Text(f"WHAT {until.upper()} WAITED FOR ({took})", style="bold"), _path_table(path)]
    if path.chunks:
        blocks += [Text("CHUNKS OF SPEECH", style="bold"), _chunk_table(path)]
    if path.stream_slack:
        blocks += [Text("CHUNKS OF SPEECH", style="bold"), Padding(Text(_stream_words(path)), (0, 0, 1, 0))]
    if path.remarks:
        blocks += [Text("WHAT COULD BE BETTER", style="bold"), _remarks(path)]
    return Stack(*blocks) if blocks else None


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index and head != "it is" else "left", no_wrap=True)
    return table


def _path_table(path: CriticalPath) -> RenderableType:
    table = _table("step", "on the path", "share", "slack")
    for name, length, share in shares(path):
        table.add_row(name, amount(millis(length), "ms"), percent(share), "")
    for step in path.beside:
        # With a finite slack it could have been late by that much; without one nothing waited for it.
        slack = "nobody waited" if step.slack is None else amount(millis(step.slack), "ms")
        table.add_row(f"{step.name} (beside it)", NONE, NONE, slack, style="dim")
    return Padding(table, (0, 0, 1, 0))


def _chunk_table(path: CriticalPath) -> RenderableType:
    table = _table("chunk", "ready", "needed by", "slack", "audio", "RTF", "it is")
    shown = path.chunks
    if len(shown) > MOST_CHUNKS:
        tight = sorted(shown[1:], key=lambda chunk: (chunk.slack is None, chunk.slack or 0))[: MOST_CHUNKS - 1]
        shown = tuple(chunk for chunk in shown if chunk is shown[0] or chunk in tight)
    for chunk in shown:
        table.add_row(
            chunk.name,
            _time(chunk.ready),
            NONE if chunk.state == "critical" else _time(chunk.needed_by),
            NONE if chunk.state == "critical" else _time(chunk.slack),
            _time(chunk.audio),
            NONE if chunk.rtf is None else amount(chunk.rtf, "ratio"),
            {"critical": "critical: the listener waited for it", "starving": "starving: an audible gap"}.get(
                chunk.state, chunk.state
            ),
        )
    if len(path.chunks) > len(shown):
        table.add_row("…", "", "", "", "", "", f"{len(path.chunks) - len(shown)} more with more slack")
    return Padding(table, (0, 0, 1, 0))


def _time(nanos: Nanos | None) -> str:
    return NONE if nanos is None else amount(millis(nanos), "ms")


def _stream_words(path: CriticalPath) -> str:
    slack = path.stream_slack
    late = sum(each < 0 for each in slack)
    if late:
        return f"{late} of {len(slack)} arrivals came too late, by {_time(Nanos(-min(slack)))} at most: audible gaps"
    behind = slack[1:]
    if not behind:
        return "one arrival, which the listener waited for"
    return f"all {len(slack)} arrivals came in time; the tightest had {_time(min(behind))} of slack"


def _remarks(path: CriticalPath) -> RenderableType:
    text = Text()
    for remark in path.remarks:
        gain = "" if not remark.gain else f"; the first sound {amount(millis(remark.gain), 'ms')} sooner"
        text.append(f"{remark.rule} ({remark.certainty}{gain}): ", style="yellow")
        text.append(f"{remark.message}\n")
    return text
