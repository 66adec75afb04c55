"""The story of a turn as one page that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from voxtrace.judge.turn_story import TurnStory
from voxtrace.reports.conversation_words import USER, clock_words, head_of, sections_of, time_words, title_of
from voxtrace.reports.html_report import bar, key_to_patterns, page_of, section_to_html
from voxtrace.reports.sections import Section
from voxtrace.reports.story_steps import Placed, placed_steps
from voxtrace.reports.words import order_words
from voxtrace.units import Nanos

MOSTLY_HELD = 0.1  # of a step's length

_STYLE = """
.head { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; }
.badge { border: 1px solid currentColor; border-radius: 1rem; padding: .05rem .8rem; font-weight: 600; }
h2 { margin-top: 2.2rem; font-size: 1.15rem; }
ul.clock { font-variant-numeric: tabular-nums; font-family: ui-monospace, monospace; font-size: .92rem; }
table { width: 100%; } td.words { white-space: nowrap; }
td.words:last-child { white-space: normal; } td.words, th.words { padding-right: 1.2rem; }
.strip { position: relative; height: 2.2rem; background: #8882; border-radius: .3rem; overflow: hidden; }
.strip span { position: absolute; top: 0; bottom: 0; }
.strip .wait { background: repeating-linear-gradient(45deg, #8886 0 3px, transparent 3px 7px); }
.strip .sound { background: #2e8540; } .strip .gap { background: #c2331f; }
.scale { display: flex; justify-content: space-between; color: var(--dim); font-size: .85rem; }
.step { display: grid; grid-template-columns: 15rem 6rem 1fr; gap: .6rem; align-items: center; padding: .12rem 0; }
.step > :nth-child(2) { text-align: right; font-variant-numeric: tabular-nums; }
.bar.beside { background: var(--dim); opacity: .6; }
.bar.waited { background: var(--bar); } .bar.worst { background: #d55e00; }
.step .bar.doubtful { background: repeating-linear-gradient(45deg, var(--bar) 0 2px, transparent 2px 5px); opacity: 1; }
@media (max-width: 42rem) { .step { grid-template-columns: 9rem 5rem 1fr; } table { font-size: .85rem; } }
@media print { body { max-width: none; } }
"""

_KEY = {"worst": "waited for longest", "waited": "waited for", "beside": "beside it: nobody waited, or only for a part"}


def story_to_html(story: TurnStory, before: Sequence[Section] = ()) -> str:
    """The page of a turn; `before` are sections of the session that it is from."""
    body = [block for section in before for block in section_to_html(section)]
    *lines, _ = head_of(story)
    badge = f'<span class="badge {story.verdict}">{story.verdict}</span>'
    body.append(f'<div class="head"><h1>{escape(title_of(story))}</h1>{badge}</div>')
    body += [f"<p>{escape(line)}</p>" for line in lines]
    body += [f"<p><strong>{escape(words)}</strong></p>" for words in [order_words(story.turn)] if words]
    body += _strip(story)
    for section in sections_of(story):
        body += section_to_html(section, kind="plain clock" if section.title == USER else "plain")
        if section.title == "TIMELINE":
            body += _bars(story)
    return page_of(title_of(story), body, _STYLE)


def _strip(story: TurnStory) -> Iterator[str]:
    """What the user hears, as one band: nothing, sound, gaps."""
    zero = story.path.begin
    end = max((each.at for each in story.moments), default=zero)
    whole = end - zero
    if whole <= 0:
        return
    yield '<div class="strip" role="img" aria-label="when the user hears something">'
    for moment, following in pairwise(story.moments):
        kind = {"asked": "wait", "waiting": "wait", "sound": "sound", "again": "sound", "silence": "gap"}.get(
            moment.what
        )
        if kind and following.at > moment.at:
            left, width = (moment.at - zero) * 100 / whole, (following.at - moment.at) * 100 / whole
            yield f'<span class="{kind}" style="left:{left:.3f}%;width:{width:.3f}%"></span>'
    yield "</div>"
    yield f'<div class="scale"><span>0</span><span>{escape(clock_words(whole, whole))}</span></div>'
    yield (
        '<p class="key"><i style="background:#8886"></i>nothing is heard<i style="background:#2e8540"></i>the answer'
        '<i style="background:#c2331f"></i>silence in the middle of it</p>'
    )


def _bars(story: TurnStory) -> Iterator[str]:
    steps, _ = placed_steps(story.turn, story.path)
    whole = max((step.end or step.begin for step in steps), default=Nanos(0))
    worst = max((step.waited for step in steps), default=0)
    for step in steps if whole else []:
        yield _bar(step, whole, is_worst=bool(worst) and step.waited == worst)
    yield from key_to_patterns(
        is_doubtful=any(step.is_doubtful for step in steps),
        is_unexplained=any(not step.service for step in steps),
        others=_KEY if whole else {},
    )


def _bar(step: Placed, whole: int, *, is_worst: bool) -> str:
    end = step.end or step.begin
    # What holds other steps and was hardly waited for itself is no cause, however long it is.
    is_waited = step.waited > 0 and step.waited >= MOSTLY_HELD * (end - step.begin)
    kind = "unexplained" if not step.service else "worst" if is_worst else "waited" if is_waited else "beside"
    kind += " doubtful" if step.is_doubtful else ""
    took = "no end" if step.end is None else time_words(end - step.begin)
    return (
        f'<div class="step"><span>{escape(step.title)}</span><span>{escape(took)}</span>'
        f'<span class="track">{bar(kind, step.begin / whole, (end - step.begin) / whole)}</span></div>'
    )
