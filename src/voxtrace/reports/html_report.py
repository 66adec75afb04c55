"""A summary as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from voxtrace.analysis import Group, Measured, Summary
from voxtrace.analysis.doubts import value_of
from voxtrace.judge.limits import Verdict
from voxtrace.reports.absence_words import absence_rows
from voxtrace.reports.summary_report import (
    ABSENT_HEAD,
    FINDING_HEAD,
    METRIC_HEAD,
    PART_HEAD,
    finding_rows,
    headline,
    inconclusive,
    method,
    metric_rows,
    missing_rows,
    part_rows,
    remarks_of,
    verdict_lines,
)
from voxtrace.reports.terminal import HEADLINE
from voxtrace.reports.words import amount, counted, order_words, percent, state, whole
from voxtrace.units import Nanos, millis

if TYPE_CHECKING:
    from voxtrace.reports.sections import Section

_LATER = {"later": "nobody waited for it: before the wait, or behind the first sound"}
STATES = ("pass", "warning", "fail", "inconclusive")  # each has its colour
# A bar is never drawn narrower than can be seen, and one with a pattern not narrower than its pattern.
_NARROWEST_PX, _PATTERN_PX = 2, 7

_STYLE = """
:root { color-scheme: light dark; --bar: #56b4e9; --dim: #5f6a74; --odd: #e69f00; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #8884; }
th:first-child, td:first-child, .words { text-align: left; }
td.words, th.words { padding-right: 1.2rem; } td:not(.words), th { white-space: nowrap; } .wide { overflow-x: auto; }
ul.plain { list-style: none; padding: 0; } ul.plain li { padding: .2rem 0; white-space: pre-wrap; }
h1, h2, h3, p { overflow-wrap: anywhere; }
th { font-weight: 600; } .quiet { color: var(--dim); }
.pass { color: #2e8540; } .fail { color: #c2331f; font-weight: 600; } .warning, .inconclusive { color: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --dim: #9aa5b0; }
  .pass { color: #6cc98a; } .fail { color: #ff8a75; } .warning, .inconclusive { color: #f2bd4b; }
}
.row { display: grid; grid-template-columns: 13rem 9.5rem 4rem 1fr; gap: .5rem; align-items: center; }
.row > * { text-align: right; } .row > :first-child, .row > :last-child { text-align: left; }
.row > :first-child { overflow-wrap: anywhere; }
.track { position: relative; height: .9rem; }
.bar { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--bar); }
.bar.later { background: var(--dim); }
.doubtful { background: repeating-linear-gradient(45deg, var(--bar) 0 2px, transparent 2px 5px); }
.bar.doubtful, .bar.unexplained { min-width: 7px; }
.bar.later.doubtful { background: repeating-linear-gradient(45deg, var(--dim) 0 2px, transparent 2px 5px); }
.unexplained { background: repeating-linear-gradient(45deg, var(--odd) 0 4px, transparent 4px 7px); }
.key { font-size: .85rem; color: var(--dim); }
.key i { display: inline-block; width: .9rem; height: .7rem; margin: 0 .35rem 0 1rem; }
.key i:first-child { margin-left: 0; } .key i.bar { position: static; }
@media (max-width: 42rem) {
  body { margin: 1rem auto; } table { font-size: .85rem; }
  .row { grid-template-columns: 1fr auto 3.5rem; gap: 0 .6rem; padding: .15rem 0; }
  .row .track { grid-column: 1 / -1; height: .6rem; }
}
"""


def summary_to_html(
    summary: Summary,
    slowest: Sequence[Measured] = (),
    verdicts: Sequence[Verdict] = (),
    head: Sequence[str] = (),
    foot: Sequence[str] = (),
) -> str:
    """The report, with a waterfall of each of the `slowest` turns, and what became of limits that somebody named.

    `head` and `foot` are blocks of the page in front of the numbers and behind them.
    """
    body = ["<h1>Voice latency report</h1>", *(f"<p>{escape(line)}</p>" for line in headline(summary).splitlines())]
    body += [f"<p><strong>{escape(line)}</strong></p>" for line in verdict_lines(verdicts)]
    body += head
    for group in summary.groups:
        body += _group(group)
    if slowest:
        body.append("<h2>The slowest</h2>")
        body += [block for turn in slowest for block in _waterfall(turn)]
        body += key_to_patterns(
            is_doubtful=any(part.is_doubtful and part.explained for turn in slowest for part in turn.parts),
            is_unexplained=any(not part.explained for turn in slowest for part in turn.parts),
            others=_LATER if any(not part.waited and part.explained for turn in slowest for part in turn.parts) else {},
        )
    if summary.findings:
        body.append("<h2>What to know</h2>")
        body.append(_table(FINDING_HEAD, finding_rows(summary), words=True))
    body += foot
    body.append(f'<p class="quiet">{escape(method(summary))}</p>')
    return page_of("Voice latency report", body)


def sections_to_html(sections: Sequence[Section], method_told: str) -> str:
    """Sections of any report as one file."""
    body: list[str] = []
    for number, section in enumerate(sections):
        body += section_to_html(section, "h2" if number else "h1")
    body.append(f'<p class="quiet">{escape(method_told)}</p>')
    return page_of(sections[0].heading if sections else "Voxtrace", body)


def section_to_html(section: Section, level: str = "h2", kind: str = "plain") -> Iterator[str]:
    """The blocks of one section; `kind` is the class of its lines."""
    yield f"<{level}>{escape(section.heading)}</{level}>"
    if section.lines:
        yield f'<ul class="{kind}">' + "".join(f"<li>{escape(line)}</li>" for line in section.lines) + "</ul>"
    if section.rows:
        head = "".join(f"<th{_kind(section, index)}>{escape(name)}</th>" for index, name in enumerate(section.head))
        rows = [f"<tr>{head}</tr>"]
        for row in section.rows:
            cells = (f"<td{_kind(section, index, cell)}>{escape(cell)}</td>" for index, cell in enumerate(row))
            rows.append(f"<tr>{''.join(cells)}</tr>")
        yield table_of(rows)


def _kind(section: Section, column: int, cell: str = "") -> str:
    names = [] if column in section.numbers else ["words"]
    names += [cell] if cell in STATES else []
    return f' class="{" ".join(names)}"' if names else ""


def page_of(title: str, body: Iterable[str], style: str = "") -> str:
    """A page of these blocks; `style` is added to that of all reports."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # A report is opened from anywhere; whatever stood in a log, nothing in it may run or load anything.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _group(group: Group) -> Iterable[str]:
    yield f"<h2>{escape(group.population.name)} <span class=quiet>{counted(group.turns, 'turn')}</span></h2>"
    yield from (f"<p>{escape(line)}</p>" for line in remarks_of(group))
    if unclear := inconclusive(group):
        yield f"<p><strong>{escape(unclear)}</strong></p>"
        if group.parts:
            yield _table(PART_HEAD, part_rows(group))
        return
    yield _table(METRIC_HEAD, metric_rows(group))
    yield _table(PART_HEAD, part_rows(group))
    unmeasured = list(missing_rows(group))
    if unmeasured:
        yield _table(("not measured", "why (turns)"), unmeasured, words=True)
    absent = list(absence_rows(group))
    if absent:
        yield _table(ABSENT_HEAD, absent, words=True)


def _heard(turn: Measured) -> str:
    """The number by which a turn is one of the slowest, and how long it took altogether."""
    heard = (f"{name} {state(name, turn.metrics[name])}, " for name in HEADLINE[turn.kind] if value_of(turn, name))
    return f"{next(heard, '')}total {whole(turn)}"


def _waterfall(turn: Measured) -> Iterable[str]:
    total = turn.total or 1
    yield f"<h3>{escape(turn.request_id)} <span class=quiet>{escape(_heard(turn))}</span></h3>"
    if words := order_words(turn):
        yield f"<p><strong>{escape(words)}</strong></p>"
    for part in turn.parts:
        kind = "unexplained" if not part.explained else "" if part.waited else "later"
        kind += " doubtful" if part.is_doubtful and part.explained else ""
        length = amount(millis(part.length), "ms")
        if part.uncertainty:
            length = f"{length} ± {amount(millis(Nanos(part.uncertainty)), 'ms').removesuffix(' ms')}"
        yield (
            f'<div class="row"><span>{escape(part.name)}</span><span>{length}</span>'
            f"<span>{percent(part.length / total)}</span>"
            f'<span class="track">{bar(kind, part.begin / total, part.length / total)}</span></div>'
        )


def bar(kind: str, begin: float, length: float) -> str:
    """A bar on a track, by shares of the track; at its end, a narrow one still lies within it."""
    narrowest = _PATTERN_PX if {"unexplained", "doubtful"} & set(kind.split()) else _NARROWEST_PX
    left = f"min({begin * 100:.3f}%, 100% - {narrowest}px)"
    return f'<span class="bar {kind}" style="left:{left};width:{length * 100:.3f}%"></span>'


def key_to_patterns(
    *, is_doubtful: bool, is_unexplained: bool, others: Mapping[str, str] | None = None
) -> Iterable[str]:
    """What the patterns of bars mean, where there are any, and colours: `others` are meanings by class."""
    told = [f'<i class="bar {kind}"></i>{escape(meaning)}' for kind, meaning in (others or {}).items()]
    told += ['<i class="doubtful"></i>shorter than what its two clocks leave open'] if is_doubtful else []
    told += ['<i class="unexplained"></i>no event explains it'] if is_unexplained else []
    if told:
        yield f'<p class="key">{"".join(told)}</p>'


def _table(head: Iterable[str], rows: Iterable[Sequence[str]], *, words: bool = False) -> str:
    kind = ' class="words"' if words else ""
    lines = ["<tr>" + "".join(f"<th{kind}>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return table_of(lines)


def table_of(lines: Iterable[str]) -> str:
    """A table of these rows; where it is wider than the page, it scrolls and the page does not."""
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</table></div>"
