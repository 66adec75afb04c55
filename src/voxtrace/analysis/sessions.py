"""A session in few numbers, and everything that there is to say of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from voxtrace.analysis.kv_reuse import LONG_PAUSE_NS, PromptText, Reuse, kv_reuse
from voxtrace.analysis.model import Finding
from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.session_trends import (
    FirstTurn,
    Relation,
    Trend,
    cold_later,
    first_turn,
    relations,
    told_start,
    trend,
    trends,
)
from voxtrace.analysis.session_turns import HEADS, STEPS, SessionTurn, Strand, strands
from voxtrace.analysis.statistics.ratio import Ratio, paired_ratio
from voxtrace.units import NANOS_PER_SECOND

# Rules by which a session is spoken of, and why.
SESSION_RULES: Mapping[str, str] = {
    "kv_reuse_not_seen": "The beginning of a prompt was the same as before, and the model read it again.",
    "kv_not_handed_over": "A caller that keeps the model's context handed none over in a later turn.",
    "cold_start": "The first turn of a session took longer than chance explains: something had to be loaded.",
    "cold_in_between": "A later turn says that it was cold: something was unloaded during the session.",
    "slower_by_the_turn": "The wait grows with every turn by more than chance explains.",
    "turns_failed": "Turns that failed have no length, and are in none of the numbers.",
}


class Session(Struct, frozen=True):
    """One session, as a list shows it. Its numbers are those of its largest population."""

    session_id: str
    turns: int  # all that there are, looked at or not
    first_wall_ns: int
    last_wall_ns: int  # start of the last turn
    looked_at: int
    outcomes: Mapping[str, int]
    main: Strand | None  # None: no turn came to its end
    others: int  # turns of other populations that came to their end
    head: str | None  # what the wait is called; None: it was measured in no turn
    wait: Distribution | None
    longest: float | None  # of any turn by the same name, whatever its population
    longest_id: str
    why_unmeasured: str  # "" where there is a wait
    trend: Trend | None
    first: FirstTurn | None  # of the wait

    @property
    def failed(self) -> int:
        """Turns that ended in an error or were called off."""
        return self.outcomes.get("error", 0) + self.outcomes.get("cancelled", 0)

    @property
    def unknown_ends(self) -> int:
        """Turns of which no event tells how they ended."""
        return self.outcomes.get("unknown", 0)


class StrandNumbers(Struct, frozen=True):
    """One population of a session in numbers."""

    strand: Strand
    numbers: Mapping[str, Distribution]
    trends: tuple[Trend, ...]
    relations: tuple[Relation, ...]


class Explained(Struct, frozen=True):
    """Everything about one session."""

    session: Session
    turns: tuple[SessionTurn, ...]
    strands: tuple[StrandNumbers, ...]
    firsts: tuple[FirstTurn, ...]
    start: str  # what the events say of the first turn: cold, warm, or "" where they say nothing
    reuse: tuple[Reuse, ...]
    findings: tuple[Finding, ...]


def summarised(session_id: str, turns: Sequence[SessionTurn], known: tuple[int, int, int] | None = None) -> Session:
    """One session in few numbers.

    Args:
        session_id: its id.
        turns: those that are looked at, in order.
        known: how many turns it has, and when its first and its last began, where more are known than `turns`.
    """
    walls = [turn.started_wall_ns for turn in turns]
    count, first, last = known or (len(turns), min(walls, default=0), max(walls, default=0))
    found = strands(turns)
    main = _main(found)
    head = main.head if main else None
    waits = [(value, turn.request_id) for turn in turns
             if head and turn.is_counted and (value := turn.value(head)) is not None]  # fmt: skip
    longest = max(waits, key=lambda wait: (wait[0], wait[1]), default=(None, ""))
    return Session(
        session_id=session_id,
        turns=count,
        first_wall_ns=first,
        last_wall_ns=last,
        looked_at=len(turns),
        outcomes=dict(sorted(Counter(turn.population.outcome for turn in turns).items())),
        main=main,
        others=sum(len(strand.turns) for strand in found if strand is not main),
        head=head,
        wait=main.distribution(head) if main and head else None,
        longest=longest[0],
        longest_id=longest[1],
        why_unmeasured="" if head else _why(main),
        trend=trend(main, head) if main and head else None,
        first=next((each for each in first_turn(turns) if each.metric == head), None) if head else None,
    )


def _main(found: Sequence[Strand]) -> Strand | None:
    """The largest population; of equally large ones the first that was measured."""
    most = len(found[0].turns) if found else 0
    largest = [strand for strand in found if len(strand.turns) == most]
    return next((strand for strand in largest if strand.head), found[0] if found else None)


def _why(main: Strand | None) -> str:
    if main is None:
        return "no turn came to its end"
    names = HEADS[main.population.kind]
    if not names:
        return "its events tell of no answer"
    reasons = main.distribution(names[0])
    if reasons.rejected:
        return f"rejected: {reasons.rejected[0][0]}"
    return reasons.missing[0][0] if reasons.missing else "not known"


def first_requests(sessions: Sequence[Session]) -> Ratio | None:
    """First turns against later ones over sessions, each with itself; None where fewer than three have both.

    Only of the definition of the wait that most of these sessions have: a first byte is no voice-to-voice.
    """
    pairs: dict[str, list[tuple[float, float]]] = {}
    for session in sessions:
        first, wait = session.first, session.wait
        if first and first.ratio and first.value is not None and wait and wait.p50 is not None:
            pairs.setdefault(first.metric, []).append((wait.p50, first.value))
    return paired_ratio(max(pairs.values(), key=len, default=[]))


def explained(
    session: Session,
    turns: Sequence[SessionTurn],
    texts: Mapping[str, PromptText],
    chosen: Collection[str] | None = None,
) -> Explained:
    """Everything about one session.

    Args:
        session: the session in few numbers.
        turns: those that are looked at, in order.
        texts: its prompts, where its events carry them.
        chosen: the requests that the numbers are about, where they are not about all of `turns`.
    """
    # What a model kept is asked of the turn before, whether that one was chosen or not.
    reuse = kv_reuse(turns, texts)
    if chosen is not None:
        turns = [turn for turn in turns if turn.request_id in chosen]
        reuse = tuple(each for each in reuse if each.request_id in chosen)
    numbers = tuple(_numbers(strand) for strand in strands(turns))
    firsts = first_turn(turns)
    told = told_start(turns)
    findings = (
        *_failures(session, turns),
        *_cold(firsts, told, turns),
        *_slower(numbers),
        *_reread(reuse),
    )
    return Explained(session, tuple(turns), numbers, firsts, told, reuse, findings)


def _numbers(strand: Strand) -> StrandNumbers:
    kind = strand.population.kind
    sizes = (
        ("prompt_tokens", "prompt_chars", "prefill_ns_per_token", "kv_reuse_ratio") if kind == "conversation" else ()
    )
    names = (*HEADS[kind], *STEPS[kind], *sizes)
    found = {name: strand.distribution(name) for name in names}
    told = {name: of for name, of in found.items() if of.measured or of.rejected or name in HEADS[kind][:1]}
    return StrandNumbers(strand, told, trends(strand), relations(strand))


def _failures(session: Session, turns: Sequence[SessionTurn]) -> list[Finding]:
    failed = [turn for turn in turns if turn.population.outcome == "error"]
    if not failed:
        return []
    causes = Counter(turn.error or "unknown" for turn in failed)
    told = ", ".join(
        f"{cause} ({count})" for cause, count in sorted(causes.items(), key=lambda each: (-each[1], each[0]))
    )
    return [Finding("turns_failed", f"{len(failed)} of {session.looked_at} turns failed: {told}")]


def _cold(firsts: Sequence[FirstTurn], told: str, turns: Sequence[SessionTurn]) -> list[Finding]:
    found = []
    slow = [each for each in firsts if each.is_slower and each.ratio is not None]
    if slow:
        parts = ", ".join(f"{each.metric} {each.ratio.value:.1f} times" for each in slow if each.ratio)
        says = f"; its events say that it was {told}" if told else "; nothing says whether it was cold"
        found.append(Finding("cold_start", f"the first turn took longer than the later ones: {parts}{says}"))
    later = [turn.place for turn in cold_later(turns)]
    if later:
        found.append(Finding("cold_in_between", f"{_places(later)} had to load something again"))
    return found


def _slower(numbers: Sequence[StrandNumbers]) -> list[Finding]:
    found = []
    for each in numbers:
        rising = [one for one in each.trends if one.verdict == "rises"]
        steps = [one.metric for one in rising if one.metric != each.strand.head]
        for one in rising:
            if one.metric == each.strand.head and one.slope is not None:
                which = f"; so do {', '.join(steps)}" if steps else "; no single step shows it"
                message = f"{one.metric} grows by {one.slope.value:,.3g} ms with every turn{which}"
                found.append(Finding("slower_by_the_turn", message))
    return found


def _reread(reuse: Sequence[Reuse]) -> list[Finding]:
    found = []
    lost = [each for each in reuse if each.is_lost]
    if lost:
        known = sorted(each.lost_ms for each in lost if each.lost_ms is not None)
        how = "by the model's own count" if any(each.how_observed != "time" for each in lost) else "by the time it took"
        cost = f", about {known[len(known) // 2]:,.0f} ms of prefill each (median)" if known else ""
        paused = [each.place for each in lost if each.pause_ns is not None and each.pause_ns >= LONG_PAUSE_NS]
        minutes = LONG_PAUSE_NS // (60 * NANOS_PER_SECOND)
        pause = f"; {_places(paused)} came after a pause of {minutes} minutes or more" if paused else ""
        which = _places([each.place for each in lost])
        told = f"{which} read again what the turn before had in common, {how}{cost}{pause}"
        found.append(Finding("kv_reuse_not_seen", told))
    bare = [
        each.place for each in reuse if each.place > 1 and each.why_not_expected == "the caller handed no context over"
    ]
    if bare:
        found.append(Finding("kv_not_handed_over", f"{_places(bare)} began without the context of the turn before"))
    return found


def _places(places: Sequence[int]) -> str:
    shown = ", ".join(map(str, places[:8])) + (f" and {len(places) - 8} more" if len(places) > 8 else "")
    return f"turn {shown}" if len(places) == 1 else f"turns {shown}"
