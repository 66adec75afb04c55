"""In which mode an engine should speak: fast, balanced or high, by the last times to first audio. Pure.

The mean of five measurements decides, by two limits. What keeps the mode from going to and fro: one step at a time,
five new measurements after each change, a shortest stay, and a way up that takes twice as long each time it had to be
taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from voxtrace.speech.ports import Mode
from voxtrace.speech.text.segment import FIRST, Limits
from voxtrace.units import NANOS_PER_SECOND, Nanos

MODES = ("fast", "balanced", "high")  # each sounds better than the one before it
AUTO = "auto"
START = "balanced"

# The mean of the last five times to first audio for which an engine spoke.
WINDOW = 5
SLOW_MS = 1000.0  # above, it should be faster
QUICK_MS = 400.0  # below, it can afford to sound better
# A burst of five requests tells of one moment only. After ten seconds there were others.
SHORTEST_STAY_NS = Nanos(10 * NANOS_PER_SECOND)
# An engine that is quick in one mode and slow in the next would be tried again for ever: never more often than this.
LONGEST_STAY_NS = Nanos(600 * NANOS_PER_SECOND)
# A first piece of six words is 2 s of speech and takes three fifths of the time of ten; less sounds like a list.
SHORT_WORDS = 6
CHARS_PER_WORD = 7  # with its space; FIRST has the same measure


@dataclass(frozen=True, slots=True)
class Heard:
    """One time to first audio that counts: of a request that was really spoken, in the mode that it names."""

    mode: str
    ttfa_ms: float
    is_bound: bool = False  # the engine would have taken longer: another one spoke in its place


@dataclass(frozen=True, slots=True)
class Steering:
    """What is known of one engine at one moment. A change of the mode begins with an empty window."""

    modes: tuple[str, ...]  # those that it has, the fastest first
    mode: str
    window: tuple[Heard, ...] = ()
    since_ns: int = 0  # when the mode changed last
    way_up_ns: int = SHORTEST_STAY_NS  # shortest stay before the next step up
    was_step_up: bool = False  # the last change
    decided_by: tuple[Heard, ...] = ()  # the window that led to the last change
    why: str = "nothing was measured yet"


def begin(modes: Sequence[Mode], now_ns: int) -> Steering:
    """The state at the start; `modes` must not be empty."""
    names = tuple(mode.name for mode in modes)
    return Steering(names, nearest(names, START), since_ns=now_ns)


def steer(now: Steering, heard: Heard, now_ns: int) -> Steering:
    """The state after one more measurement. One that was made in another mode says nothing about this one."""
    if heard.mode != now.mode:
        return now
    window = (*now.window, heard)[-WINDOW:]
    now = replace(now, window=window)
    step, why = _verdict(window)
    place = now.modes.index(now.mode) + step
    if step == 0 or not 0 <= place < len(now.modes):
        return now
    stayed_ns = now_ns - now.since_ns
    if stayed_ns < (now.way_up_ns if step > 0 else SHORTEST_STAY_NS):
        return now
    way_up_ns = now.way_up_ns
    if step < 0 and now.was_step_up:
        # It was too much. What held for long was no mistake: things have changed since.
        way_up_ns = min(2 * way_up_ns, LONGEST_STAY_NS) if stayed_ns < LONGEST_STAY_NS else SHORTEST_STAY_NS
    return Steering(now.modes, now.modes[place], (), now_ns, way_up_ns, step > 0, window, why)


def nearest(names: Sequence[str], wanted: str) -> str:
    """The mode of that name; where an engine does not have it, the next better one, else its best."""
    rank = MODES.index(wanted)
    return next((name for name in names if MODES.index(name) >= rank), names[-1])


def first_limits(mode: Mode | None) -> Limits:
    """How long the first piece may be."""
    if mode is None or not mode.first_words or mode.first_words >= FIRST.words:
        return FIRST
    return replace(FIRST, most=mode.first_words * CHARS_PER_WORD, words=mode.first_words)


def modes_of(fast: str, middle: str, best: str) -> tuple[Mode, ...]:
    """The modes of an engine that makes a piece whole, and so starts sooner with a shorter one.

    Args:
        fast: the form of its model that takes the least time; "" where there is but one.
        middle: a form between the two, or one of them.
        best: the form that sounds best.
    """
    modes = (Mode("fast", fast, SHORT_WORDS), Mode("balanced", middle, SHORT_WORDS), Mode("high", best, FIRST.words))
    # Two names for the same would look like a choice.
    return modes if middle != fast else (modes[0], modes[2])


def _verdict(window: Sequence[Heard]) -> tuple[int, str]:
    if len(window) < WINDOW:
        return 0, ""
    mean = sum(each.ttfa_ms for each in window) / len(window)
    bounds = sum(each.is_bound for each in window)
    if bounds == len(window):
        return -1, f"another engine had to speak first {WINDOW} times in a row"
    if mean > SLOW_MS:  # bounds can only raise it
        return -1, f"the mean of {WINDOW} was {mean:.0f} ms, above {SLOW_MS:.0f} ms"
    if mean < QUICK_MS and not bounds:
        return 1, f"the mean of {WINDOW} was {mean:.0f} ms, below {QUICK_MS:.0f} ms"
    return 0, ""
