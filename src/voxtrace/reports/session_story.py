"""The turns of one session beside each other, in front of the one in which somebody waited longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from voxtrace.judge.budget_verdicts import Judged
from voxtrace.judge.turn_story import TurnStory
from voxtrace.reports.budget_report import limit_words, written_value
from voxtrace.reports.conversation_words import NAMES, time_words
from voxtrace.reports.sections import Section
from voxtrace.reports.terminal import headline, short_id
from voxtrace.reports.words import NONE, counted, point_in_time

TURN_HEAD = ("turn", "started (UTC)", "heard after", "whole turn", "verdict", "waited longest for")
KEPT_HEAD = ("stage", "target", "kept in", "smallest", "largest", "not judged")
MOST_TURNS = 100  # the newest; a session of more is told in numbers


def session_sections(session_id: str, stories: Sequence[TurnStory]) -> list[Section]:
    """How often each target was kept, and the turns; `stories` are in order of time."""
    return [
        Section(
            f"Session {session_id}: {counted(len(stories), 'turn')}",
            lines=("how often each target was kept in these turns; `voxtrace report --budget` judges with intervals",),
            head=KEPT_HEAD,
            rows=tuple(_kept_rows(stories)),
            numbers=frozenset(range(1, len(KEPT_HEAD))),
        ),
        Section("TURNS", head=TURN_HEAD, rows=tuple(_turn_rows(stories)), numbers=frozenset({2, 3})),
    ]


def _kept_rows(stories: Sequence[TurnStory]) -> Iterator[tuple[str, ...]]:
    lines: dict[tuple[str, str, str], list[Judged]] = {}
    for story in stories:
        for each in story.judged:
            lines.setdefault((each.profile, each.metric, each.line.of), []).append(each)
    for found in lines.values():
        known = sorted((each for each in found if each.value is not None), key=lambda each: each.value or 0.0)
        decided = [each for each in found if each.state != "inconclusive"]
        kept = sum(each.state == "pass" for each in decided)
        yield (
            NAMES.get(found[0].metric, found[0].metric),
            limit_words(found[0])[0],
            f"{kept} of {len(decided)}" if decided else NONE,
            written_value(known[0]) if known else NONE,
            written_value(known[-1]) if known else NONE,
            str(len(stories) - len(decided)),
        )


def _turn_rows(stories: Sequence[TurnStory]) -> Iterator[tuple[str, ...]]:
    for story in stories[-MOST_TURNS:]:
        cause = story.cause
        yield (
            short_id(story.turn.request_id),
            point_in_time(story.turn.started_wall_ns)[len("2025-") : len("2025-11-27 14:30:05")],
            headline(story.turn),
            time_words(story.turn.total),
            story.verdict,
            NONE if cause is None else f"{cause.step}, {time_words(cause.length)}",
        )
