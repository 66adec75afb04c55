"""A turn as bars: text for a terminal, markdown and a README."""

from __future__ import annotations

from msgspec import Struct
from rich.text import Text

from voxtrace.analysis import Measured, Part
from voxtrace.reports.words import amount, percent
from voxtrace.units import millis

# Eighths of a cell, so that a bar of 3 % is seen on a terminal of 80 columns.
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_UNEXPLAINED = "░"
_DOUBTFUL = "╱"  # shorter than what its two clocks leave open
_NAME_WIDTH, _MOST_NAME_WIDTH = 24, 34  # with a space behind; names of other services may be of any length
_NUMBERS_WIDTH = 20
_SLOWEST = "  ← slowest"


class _Cells(Struct, frozen=True):
    """A part as a stretch of the bar column, in eighths of a cell."""

    begin: int
    end: int


def waterfall(turn: Measured, width: int = 100) -> Text:
    """The parts of a turn, one line each: name, length, share and its place on the axis.

    Parts tile the total. Unattributed time is a line of its own; the longest part that somebody waited
    for is marked.
    """
    longest = max((len(part.name) + 1 for part in turn.parts), default=0)
    name_width = min(max(longest, _NAME_WIDTH), _MOST_NAME_WIDTH)
    bar_width = max(width - name_width - _NUMBERS_WIDTH - len(_SLOWEST), 10)
    text = Text()
    text.append(" " * name_width + _axis(turn, bar_width) + "\n", style="dim")
    for part in turn.parts:
        name = part.name[: name_width - 1].ljust(name_width)
        text.append(_line(turn, part, name, bar_width))
        text.append("\n")
    return text


def _axis(turn: Measured, bar_width: int) -> str:
    end = amount(millis(turn.total), "ms")
    return " " * _NUMBERS_WIDTH + "0" + end.rjust(bar_width - 1)


def _line(turn: Measured, part: Part, name: str, bar_width: int) -> Text:
    slowest = turn.slowest
    share = part.length / turn.total if turn.total else 0.0
    style = "bold" if part is slowest else "yellow" if not part.explained else "dim" if not part.waited else ""
    line = Text(name, style=style)
    line.append(f"{amount(millis(part.length), 'ms'):>11} {percent(share):>6}  ")
    line.append(_bar(turn, part, bar_width), style="yellow" if not part.explained else "cyan" if part.waited else "dim")
    if part is slowest:
        line.append(_SLOWEST, style="bold")
    return line


def _bar(turn: Measured, part: Part, bar_width: int) -> str:
    if not turn.total:
        return ""
    cells = _Cells(part.begin * bar_width * 8 // turn.total, -(-part.end * bar_width * 8 // turn.total))
    first, last = cells.begin // 8, max(-(-cells.end // 8), cells.begin // 8 + 1)
    if not part.explained:
        return " " * first + _UNEXPLAINED * (last - first)
    if part.is_doubtful:
        return " " * first + _DOUBTFUL * (last - first)
    full = "█" * max((cells.end - first * 8) // 8, 0)
    rest = _EIGHTHS[max(cells.end - first * 8, 1) % 8].strip()
    return " " * first + (full + rest or "▏")
