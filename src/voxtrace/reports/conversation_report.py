"""The story of a turn, and of the turns of a session, for the terminal, as markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.text import Text

from voxtrace.analysis.critical_path import shares
from voxtrace.judge.turn_story import TurnStory
from voxtrace.reports.budget_report import judged_to_json
from voxtrace.reports.conversation_words import head_of, sections_of, title_of
from voxtrace.reports.json_report import schema_name
from voxtrace.reports.path_report import path_to_json, remark_to_json
from voxtrace.reports.sections import STYLES, Section, section_to_markdown, section_to_terminal
from voxtrace.units import Nanos, millis

_PLACES = 3


def story_to_terminal(story: TurnStory, before: Sequence[Section] = ()) -> RenderableType:
    """For people at a terminal; `before` are sections of the session that it is from."""
    blocks: list[RenderableType] = []
    for section in before:
        blocks += section_to_terminal(section)
    blocks.append(Text(title_of(story), style="bold"))
    *lines, verdict = head_of(story)
    blocks += [*map(Text, lines), Text(verdict, style=STYLES[story.verdict]), Text()]
    for section in sections_of(story):
        blocks += section_to_terminal(section)
    return Stack(*blocks)


def story_to_markdown(story: TurnStory, before: Sequence[Section] = ()) -> str:
    """For an issue, a chat or a file."""
    lines: list[str] = []
    for section in before:
        lines += section_to_markdown(section)
    *told, verdict = head_of(story)
    lines += [f"# {title_of(story)}", "", *(f"- {line}" for line in told), "", f"**{verdict}**", ""]
    for section in sections_of(story):
        lines += section_to_markdown(section)
    return "\n".join(lines)


def story_to_json(story: TurnStory) -> dict[str, Any]:
    """The same for machines; moments and steps are in milliseconds on the turn's own axis."""
    turn, cause = story.turn, story.cause
    return {
        "schema": schema_name("conversation"),
        "request_id": turn.request_id,
        "session_id": turn.session_id,
        "kind": turn.kind,
        "outcome": turn.labels.outcome,
        "verdict": story.verdict,
        "targets": [judged_to_json(each) for each in story.judged],
        "wait_ms": _ms(story.path.end - story.path.begin),
        "shares": [{"name": name, "ms": _ms(length), "share": round(of, 6)} for name, length, of in shares(story.path)],
        "root_cause": None
        if cause is None
        else {
            "step": cause.step,
            "ms": _ms(cause.length),
            "share": round(cause.share, 6),
            "certainty": cause.certainty,
            "doubts": list(cause.doubts),
            "why": None if cause.remark is None else remark_to_json(cause.remark),
        },
        "recommendations": [
            {
                "rule": each.rule,
                "owner": each.owner or None,
                "message": each.message,
                "certainty": each.certainty,
                "gain_ms": None if each.gain is None else _ms(each.gain),
                "until": each.until or None,
            }
            for each in story.advice
        ],
        "user": [
            {
                "at_ms": _ms(each.at - story.path.begin),
                "what": each.what,
                "length_ms": None if each.length is None else _ms(each.length),
                "of": each.of or None,
                "sure": each.sure,
            }
            for each in story.moments
        ],
        "critical_path": path_to_json(turn),
        "sections": [
            {
                "title": each.title,
                "head": list(each.head),
                "rows": [list(row) for row in each.rows],
                "lines": list(each.lines),
            }
            for each in sections_of(story)
        ],
    }


def stories_to_json(session_id: str, stories: Sequence[TurnStory]) -> dict[str, Any]:
    """The turns of a session in order of time: how each was judged, and the one with the longest wait whole."""
    kept = ("request_id", "verdict", "wait_ms", "targets", "root_cause")
    return {
        "schema": schema_name("conversations"),
        "session_id": session_id,
        "slowest": story_to_json(slowest(stories)),
        "turns": [{name: told[name] for name in kept} for told in map(story_to_json, stories)],
    }


def slowest(stories: Sequence[TurnStory]) -> TurnStory:
    """The turn in which somebody waited longest."""
    return max(stories, key=lambda each: each.path.end - each.path.begin)


def _ms(nanos: int) -> float:
    return round(millis(Nanos(nanos)), _PLACES)
