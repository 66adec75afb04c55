"""Markdown and HTML: what is there for the eye is left out, and what is a line of its own ends like a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5

from voxtrace.speech.text.normal.language import Language, Run

_MAY_HOLD_LINES = re.compile(r"^[ \t]{0,12}(?:[#>|`~*+_=•◦▪‣·-]|\d{1,3}[.)] )", re.MULTILINE)
_RULE = re.compile(r"[ ]{0,3}(?:(?:[-][ ]?){3,99}|(?:[*][ ]?){3,99}|(?:_[ ]?){3,99}|={3,99}|[-]{3,99})[ \t]{0,9}")
_FENCE = re.compile(r"[ ]{0,12}(?:```|~~~)[^\s`]{0,30}[ \t]{0,9}")
_LEAD = re.compile(
    r"(?P<quote>(?:[ ]{0,3}>(?![\d=])[ ]?){1,9})?+[ \t]{0,12}"
    r"(?:(?P<heading>\#{1,6}[ \t]{1,9})|(?P<bullet>[-*+•◦▪‣·–][ \t]{1,9})?(?P<box>\[[ xX]\][ ]{1,9})?)"
)
_TAIL = re.compile(r"[ \t]{1,9}\#{1,6}[ \t]{0,9}\Z|[ \t]{1,9}\Z")
_NUMBERED = re.compile(r"[ \t]{0,12}\d{1,3}[.)] ")
_BETWEEN_CELLS = re.compile(r"[ \t]{0,20}(?<!\\)\|[ \t]{0,20}")
_ENDS = frozenset(".!?:;,…。！？、")
_LINKS = re.compile(
    r"""
      (?P<open>!?\[)(?P<text>[^\[\]\n]{0,300})(?P<close>\](?:\([^()\n]{0,600}(?:\([^()\n]{0,60}\)[^()\n]{0,60})?\)|\[[^\[\]\n]{0,60}\]))
    | (?P<note>\[\^[^\[\]\s]{1,30}\]:?)
    | <(?P<auto>(?:https?://|mailto:)[^<>\s]{1,600}|[\w.+-]{1,64}@[\w.-]{1,64})>
    | (?P<comment><!--(?:[^-]|-(?!->)){0,500}-->)
    | (?P<tag></?(?:a|abbr|b|blockquote|body|br|code|del|div|em|h[1-6]|hr|html|i|img|ins|kbd|li|mark|ol|p|pre|s|small
        |span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)(?:[ /][^<>]{0,200})?>)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BREAKING = re.compile(r"</?(?:br|p|div|li|h[1-6]|tr|td|th|hr)\b", re.IGNORECASE)
_MARKS = re.compile(
    r"""
      \\(?=[\\`*_{}\[\]()\#+.!|~>-])
    | `{1,9}
    | ~~
    | (?<!\d)\*{2,9}|\*{2,9}(?!\d)
    | (?<![\w*])\*(?=[^\s*])|(?<=[^\s*])\*(?![\w*])
    | (?<![^\W_])_{1,9}(?=[^\W_]|[^\w\s])|(?<=[^\s_])_{1,9}(?!\w)
    """,
    re.VERBOSE,
)
_ENTITY = re.compile(
    r"&(?:\#(?P<decimal>\d{1,7})|\#[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<name>[A-Za-z][A-Za-z0-9]{1,31}));"
)


def lines(text: str, _language: Language) -> list[Run]:
    """Headings, lists, quotations, rules, fences and tables."""
    if not _MAY_HOLD_LINES.search(text) and " |" not in text:
        return []
    runs: list[Run] = []
    begin = 0
    for line in text.split("\n"):
        runs.extend(_line(line, begin, has_more=begin + len(line) < len(text)))
        begin += len(line) + 1
    return runs


def _line(line: str, begin: int, *, has_more: bool) -> Iterator[Run]:
    end = begin + len(line)
    if _RULE.fullmatch(line) or _FENCE.fullmatch(line):
        yield begin, end, ""
        return
    if line.lstrip().startswith("|") or line.count(" | ") > 1:
        yield from _row(line, begin)
        return
    lead = _LEAD.match(line)
    is_own = _NUMBERED.match(line) is not None
    if lead and lead.end() and (lead["quote"] or lead["heading"] or lead["bullet"] or lead["box"]):
        yield begin, begin + lead.end(), ""
        is_own = bool(lead["heading"] or lead["bullet"])
    tail = _TAIL.search(line, lead.end() if lead else 0)
    stop = tail.start() if tail else len(line)
    needs_stop = is_own and has_more and stop > 0 and line[stop - 1] not in _ENDS
    if (tail and "#" in tail[0] and lead and lead["heading"]) or needs_stop:
        yield begin + stop, end, "." if needs_stop else ""


def _row(line: str, begin: int) -> Iterator[Run]:
    """Cells with a comma between them; the line that only draws is silent."""
    if not line.strip("|:-+ \t\r"):
        yield begin, begin + len(line), ""
        return
    first, last = len(line) - len(line.lstrip()), len(line.rstrip())
    for found in _BETWEEN_CELLS.finditer(line):
        before = line[found.start() - 1 : found.start()]
        if found.end() >= last:
            said = "" if before in _ENDS else "."
        elif found.start() <= first:
            said = ""
        else:
            said = " " if before in _ENDS else ", "
        yield begin + found.start(), begin + found.end(), said


def links(text: str, _language: Language) -> list[Run]:
    """Links and images become their text; tags and notes go."""
    runs: list[Run] = []
    for found in _LINKS.finditer(text):
        if found["open"]:
            runs.append((found.start(), found.end("open"), ""))
            runs.append((found.start("close"), found.end(), ""))
        elif found["auto"]:
            runs += [(found.start(), found.start() + 1, ""), (found.end() - 1, found.end(), "")]
        else:
            is_break = found["tag"] and _BREAKING.match(found[0])
            runs.append((found.start(), found.end(), " " if is_break else ""))
    return runs


def marks(text: str, _language: Language) -> list[Run]:
    """Emphasis, code and backslashes in front of signs."""
    return [(found.start(), found.end(), "") for found in _MARKS.finditer(text)]


def entities(text: str, _language: Language) -> list[Run]:
    """ "&amp;" and the like."""
    runs: list[Run] = []
    for found in _ENTITY.finditer(text):
        if found["name"]:
            said = html5.get(f"{found['name']};")
        else:
            number = int(found["decimal"] or "0") or int(found["hex"] or "0", 16)
            said = chr(number) if 31 < number < 0xD800 or 0xE000 <= number < 0x110000 else None
        if said is not None:
            runs.append((found.start(), found.end(), said))
    return runs
